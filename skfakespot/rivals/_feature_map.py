# SPDX-License-Identifier: BSD-3-Clause
"""The outputs of one layer of a frozen network, as features."""

from __future__ import annotations

import math
import warnings
from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._documentation import DocumentationLinkMixin
from .._image_inputs import check_network_takes, network_samples, tag_images
from .._network import NetworkSpec
from .._network_parameter import NetworkParameterMixin
from .._sklearn_compat import (
    Interval,
    InvalidParameterError,
    StrOptions,
    _fit_context,
)
from ..images import UnreadableImageWarning
from ._network_outputs import read_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import BackboneLike, FilePath, Images, ImageSize, OnError, Tap


class FeatureMapTransformer(
    DocumentationLinkMixin, NetworkParameterMixin, TransformerMixin, BaseEstimator
):
    """Read all outputs of one layer of a network.

    A convolutional layer has an output for each place and each channel. They become one row of
    numbers: the channels of the first place, then those of the next one. Nothing is learnt.

    .. versionadded:: 0.1

    Parameters
    ----------
    backbone : str, path-like, keras.Model, Backbone or callable, default="dlib-resnet29"
        The network; see `skfakespot.NeuronCoverageTransformer`.
    layer : str, default="stage3_block3_conv2"
        Name of the layer. The default is in the middle of the default network, and has 15 x 15
        places and 128 channels for images of 256 x 256 pixels.
    weights : None, str or path-like, default=None
        For a backbone by name; see `skfakespot.NeuronCoverageTransformer`.
    tap : {"activation", "layer"}, default="activation"
        Read the outputs after the activation that follows the layer, or the layer's own.
    image_size : None or (int, int), default=None
        Height and width that images are stretched to, in pixels; None for the network's own.
    batch_size : int, default=32
        Number of images that pass through the network at once.
    on_error : {"raise", "nan"}, default="raise"
        What to do with an image that cannot be read: raise `skfakespot.images.ImageError`, or
        return a row of NaN and warn with the image's name.
    device : None or str, default=None
        ``"cpu"``, ``"gpu"`` or one of several, ``"gpu:1"``; None lets Keras choose.

    Attributes
    ----------
    map_shape_ : tuple of int
        Height, width and number of channels of the layer's output; (n_outputs,) for a dense layer.
    backbone_ : skfakespot.backbones.Backbone
        The network.
    n_features_in_ : int
        Number of values of one sample in `fit`: pixels and colours of an array, and 1 for a path
        or an image of its own size.
    feature_names_in_ : ndarray of shape (n_features,), object
        Names of the columns, where X was a DataFrame with string names.

    See Also
    --------
    AttentionPoolingClassifier : Learns which places of such a map tell fakes.
    skfakespot.NeuronCoverageTransformer : Counts and statistics of all layers.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.rivals import FeatureMapTransformer
    >>> transformer = FeatureMapTransformer(weights="random")
    >>> images = np.zeros((2, 150, 150, 3), dtype="uint8")
    >>> transformer.fit_transform(images).shape, transformer.map_shape_
    ((2, 8192), (8, 8, 128))
    """

    _parameter_constraints = {
        "backbone": "no_validation",
        "layer": [str],
        "weights": [None, str, PathLike],
        "tap": [StrOptions({"activation", "layer"})],
        "image_size": [None, tuple, list],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "on_error": [StrOptions({"raise", "nan"})],
        "device": [None, str],
    }

    def __init__(
        self,
        backbone: BackboneLike = "dlib-resnet29",
        *,
        layer: str = "stage3_block3_conv2",
        weights: FilePath | None = None,
        tap: Tap = "activation",
        image_size: ImageSize | None = None,
        batch_size: int = 32,
        on_error: OnError = "raise",
        device: str | None = None,
    ) -> None:
        self.backbone = backbone
        self.layer = layer
        self.weights = weights
        self.tap = tap
        self.image_size = image_size
        self.batch_size = batch_size
        self.on_error = on_error
        self.device = device

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Images, y: object = None) -> Self:
        """Build the network and check the parameters and the type of X; no image is read.

        Parameters
        ----------
        X : array-like
            Images; see `skfakespot.NeuronCoverageTransformer.fit`. Rows of numbers for a network
            on vectors.
        y : None
            Ignored.

        Returns
        -------
        self : FeatureMapTransformer
            The fitted transformer.

        Raises
        ------
        ValueError
            If the network cannot be built or has no such layer.
        """
        self._check_X(X, reset=True)
        shapes = self._network_spec().open().shapes
        if len(shapes) > 1:
            raise ValueError(
                f"The network calls the layer {self.layer!r} {len(shapes)} times, so that it has "
                "several outputs. Give a layer that is called once."
            )
        (self.map_shape_,) = shapes
        return self

    def transform(self, X: Images) -> NDArray[np.float32]:
        """Read the outputs of the layer for each image.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_outputs), float32
            With the channels of one place side by side. The row of an image that cannot be read is
            NaN with ``on_error="nan"``.

        Raises
        ------
        ImageError
            A ValueError: an image cannot be read, and ``on_error="raise"``.

        Warns
        -----
        UnreadableImageWarning
            For each such image with ``on_error="nan"``.
        """
        check_is_fitted(self)
        samples = self._check_X(X)
        reader = self._network_spec().open()
        outputs, failures = read_rows(
            reader,
            samples,
            math.prod(self.map_shape_),
            image_size=reader.image_size,
            batch_size=self.batch_size,
            on_error=self.on_error,
        )
        for index, error in failures:
            warnings.warn(UnreadableImageWarning(error.source, error.reason, index), stacklevel=3)
        return outputs

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (n_outputs,), object
            Such as ``stage3_block3_conv2(0,14):127``: the layer, the place and the channel.
        """
        check_is_fitted(self)
        *sides, n_channels = self.map_shape_
        places = (
            [f"({','.join(map(str, place))})" for place in np.ndindex(*sides)] if sides else [""]
        )
        names = [f"{self.layer}{place}:{n}" for place in places for n in range(n_channels)]
        return np.array(names, dtype=object)

    def _network_spec(self):
        if isinstance(self.backbone, list | tuple):
            raise InvalidParameterError(
                f"backbone={self.backbone!r}; one network is accepted. Unite several "
                "FeatureMapTransformer by a FeatureUnion."
            )
        return NetworkSpec(
            self.backbone,
            weights=self.weights,
            layers=(self.layer,),
            tap=self.tap,
            sample_shape=self._sample_shape,
            image_size=None if self.image_size is None else tuple(self.image_size),
            device=self.device,
        )

    def _check_X(self, X, *, reset=False):
        samples = network_samples(self, X, reset=reset)
        check_network_takes(samples, self._network_spec().resolve().backbones)
        return samples

    def __sklearn_tags__(self):
        return tag_images(super().__sklearn_tags__(), also_rows=True)
