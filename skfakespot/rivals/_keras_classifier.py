# SPDX-License-Identifier: BSD-3-Clause
"""A user's own Keras classifier of real and fake images, as a scikit-learn classifier."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from .._documentation import DocumentationLinkMixin
from .._image_inputs import check_network_takes, network_samples, tag_images
from .._labels import fake_label
from .._missing import labels_with_missing, missing_label
from .._network import NetworkSpec
from .._network_parameter import SharedNetworkMixin
from .._sklearn_compat import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    _fit_context,
    available_if,
)
from ..backbones import Backbone
from ..images import UnreadableImageWarning
from ._network_outputs import OutputReader, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    from numpy.typing import ArrayLike, NDArray

    from .._typing import BackboneLike, Images, ImageSize, OnError

# Rounding of probabilities, of networks in float16 too.
_TOLERANCE = 1e-2


def _gives_logits(self):
    return self.from_logits


class KerasImageClassifier(
    DocumentationLinkMixin, SharedNetworkMixin, ClassifierMixin, BaseEstimator
):
    """Let a Keras model that already tells real from fake images stand beside other detectors.

    The model is not trained: `fit` learns the names of the classes only, and checks that the model
    fits. So an evaluation of it is one of the model as it is, on images that it should not have
    been trained on.

    .. versionadded:: 0.1

    Parameters
    ----------
    model : path-like, str, keras.Model, Backbone or callable
        The model: a model, the path of a ``.keras`` file, which is loaded without running code of
        the file, or a callable that returns a model. It takes images of shape (height, width, 3),
        and has one output (sigmoid), or two (softmax).
    preprocess : None or callable, default=None
        Takes a batch of images in RGB, uint8 of shape (n_images, height, width, 3), and returns
        what the model takes, such as `skfakespot.backbones.Preprocessing`. None gives it the
        numbers from 0 to 255 as float32, or what a `Backbone` prepares by itself.
    image_size : None or (int, int), default=None
        Height and width that images are stretched to, in pixels; None for the model's own.
    fake_output : {0, 1}, default=1
        The number that stood for fakes when the model was trained. With two outputs, it is the
        position of that for fakes. With one output, 1 means that it is the probability of a fake,
        and 0 that of a real image.
    from_logits : bool, default=False
        Whether the outputs are logits: numbers before the sigmoid or softmax. Then there is a
        `decision_function`, too.
    batch_size : int, default=32
        Number of images that pass through the model at once.
    on_error : {"raise", "nan"}, default="raise"
        What to do with an image that cannot be read: raise `skfakespot.images.ImageError`, or
        warn with the image's name and return NaN, and from `predict` the label "unknown" or -1 (see
        `skfakespot.SkipMissingClassifier`).

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, sorted.
    model_ : keras.Model
        The model, loaded again after unpickling if it came from a file.
    n_features_in_ : int
        Number of values of one sample in `fit`: pixels and colours of an array, and 1 for a path
        or an image of its own size.
    feature_names_in_ : ndarray of shape (n_features,), object
        Names of the columns, where X was a DataFrame with string names.

    See Also
    --------
    make_rival : Detectors that are trained here.

    Notes
    -----
    The last digits of a probability may depend on the other images of the same batch, as they do in
    Keras itself.

    Examples
    --------
    >>> import keras, numpy as np
    >>> from skfakespot.rivals import KerasImageClassifier
    >>> model = keras.Sequential([
    ...     keras.Input((None, None, 3)),
    ...     keras.layers.Rescaling(1 / 255),
    ...     keras.layers.GlobalAveragePooling2D(),
    ...     keras.layers.Dense(1, "sigmoid", kernel_initializer="ones"),
    ... ])
    >>> images = np.stack([np.full((8, 8, 3), grey, dtype="uint8") for grey in (0, 255)])
    >>> classifier = KerasImageClassifier(model, image_size=(8, 8)).fit(images, ["real", "fake"])
    >>> classifier.classes_, classifier.predict_proba(images).round(2)
    (array(['fake', 'real'], dtype='<U4'), array([[0.5 , 0.5 ],
           [0.95, 0.05]]))
    """

    _parameter_of_networks = "model"
    _parameter_constraints = {
        "model": "no_validation",
        "preprocess": [None, callable],
        "image_size": [None, tuple, list],
        "fake_output": [Options(Integral, {0, 1})],
        "from_logits": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "on_error": [StrOptions({"raise", "nan"})],
    }

    def __init__(
        self,
        model: BackboneLike,
        *,
        preprocess: Callable[[NDArray[np.uint8]], Any] | None = None,
        image_size: ImageSize | None = None,
        fake_output: Literal[0, 1] = 1,
        from_logits: bool = False,
        batch_size: int = 32,
        on_error: OnError = "raise",
    ) -> None:
        self.model = model
        self.preprocess = preprocess
        self.image_size = image_size
        self.fake_output = fake_output
        self.from_logits = from_logits
        self.batch_size = batch_size
        self.on_error = on_error

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Images, y: ArrayLike) -> Self:
        """Load the model and learn the names of the classes; no image is read.

        Parameters
        ----------
        X : array-like
            Images; see `skfakespot.NeuronCoverageTransformer.fit`. Rows of numbers for a model on
            vectors.
        y : array-like of shape (n_samples,)
            Labels, 0 or "real" and 1 or "fake".

        Returns
        -------
        self : KerasImageClassifier
            This classifier.

        Raises
        ------
        ValueError
            If the model cannot be loaded, takes no such images or has other outputs, or if y does
            not have two classes, one of which is 1 or "fake".
        """
        samples = self._check_X(X, reset=True)
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_consistent_length(range(len(samples)), y)
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) != 2:
            raise ValueError(
                "Only binary classification is supported. "
                f"y holds {len(classes)} class{'es' * (len(classes) != 1)}, "
                f"{classes.tolist()[:5]}; real and fake images are needed."
            )
        fake_label(classes)
        missing_label(classes)
        self.classes_ = classes
        return self

    def predict_proba(self, X: Images) -> NDArray[np.float64]:
        """Compute the probability of each class.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, 2), float64
            In the order of `classes_`; NaN for images that cannot be read.

        Raises
        ------
        ImageError
            A ValueError: an image cannot be read, and ``on_error="raise"``.

        Warns
        -----
        UnreadableImageWarning
            For each such image with ``on_error="nan"``.
        """
        return self._probabilities(self._outputs(X))

    def predict(self, X: Images) -> NDArray[Any]:
        """Predict the label of each image.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The more probable labels; "unknown" or -1 for images that cannot be read.
        """
        probabilities = self._probabilities(self._outputs(X))
        missing = np.isnan(probabilities).any(axis=1)
        labels = self.classes_[(probabilities[:, 1] > 0.5).astype(int)]
        return labels_with_missing(labels[~missing], missing, self.classes_)

    @available_if(_gives_logits)
    def decision_function(self, X: Images) -> NDArray[np.float64]:
        """Compute the log-odds of the second class; only with ``from_logits=True``.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.

        Returns
        -------
        values : ndarray of shape (n_samples,), float64
            The log-odds of ``classes_[1]``; NaN for images that cannot be read.
        """
        return self._log_odds(self._outputs(X))

    @property
    def model_(self) -> keras.Model:
        """The model, loaded again after unpickling if it came from a file."""
        check_is_fitted(self)
        return self._spec().resolve().backbone.model

    def _outputs(self, X):
        """Return the outputs of the model, (n_samples, n_outputs), float64."""
        check_is_fitted(self)
        samples = self._check_X(X)
        spec = self._spec().resolve()
        backbone = spec.backbone
        if self.preprocess is not None:
            backbone = Backbone(backbone.name, backbone.model, self.preprocess)
        outputs, failures = read_rows(
            OutputReader(backbone),
            samples,
            backbone.model.output_shape[-1],
            image_size=spec.image_size,
            batch_size=self.batch_size,
            on_error=self.on_error,
        )
        for index, error in failures:
            warnings.warn(UnreadableImageWarning(error.source, error.reason, index), stacklevel=3)
        return outputs.astype(np.float64)

    def _probabilities(self, outputs):
        """Probability of each class, in the order of `classes_`."""
        if self.from_logits:
            second = expit(self._log_odds(outputs))
            return np.column_stack([1 - second, second])
        _check_probabilities(outputs)
        if outputs.shape[1] == 1:
            outputs = np.hstack([1 - outputs, outputs])
        return outputs if self._is_in_order() else outputs[:, ::-1]

    def _log_odds(self, outputs):
        """Log-odds of ``classes_[1]``, of outputs that are logits."""
        values = outputs[:, 0] if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0]
        return values if self._is_in_order() else -values

    def _is_in_order(self):
        """Whether the second class is the second output."""
        is_fake_second = self.classes_[1] == fake_label(self.classes_)
        return bool(is_fake_second) == (self.fake_output == 1)

    def _spec(self):
        size = None if self.image_size is None else tuple(self.image_size)
        return NetworkSpec(self.model, sample_shape=self._sample_shape, image_size=size)

    def _check_X(self, X, *, reset=False):
        samples = network_samples(self, X, reset=reset)
        backbone = self._spec().resolve().backbone
        check_network_takes(samples, [backbone])
        shape = backbone.model.output_shape
        if len(shape) != 2 or shape[1] not in (1, 2):
            raise InvalidParameterError(
                f"The model {backbone.name!r} gives {shape[1:]} numbers for an image; accepted are "
                "models with one output, (1,), or two, (2,). Add a layer that turns its outputs "
                "into the probabilities of real and fake."
            )
        return samples

    def __sklearn_tags__(self):
        tags = tag_images(super().__sklearn_tags__(), also_rows=True)
        tags.classifier_tags.multi_class = False
        # It learns nothing from X and y.
        tags.classifier_tags.poor_score = True
        return tags


def _check_probabilities(outputs):
    """Raise an error if outputs are not probabilities; rows of NaN are left out."""
    is_wrong = (outputs < -_TOLERANCE) | (outputs > 1 + _TOLERANCE)
    if outputs.shape[1] == 2:
        is_wrong |= (np.abs(outputs.sum(axis=1) - 1) > _TOLERANCE)[:, None]
    if is_wrong.any():
        example = outputs[is_wrong.any(axis=1)][0].tolist()
        raise ValueError(
            f"The model gives outputs such as {example}, which are no probabilities. If they are "
            "logits, numbers before the sigmoid or softmax, set from_logits=True."
        )
