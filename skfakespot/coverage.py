"""The transformer: images in, mean neuron coverage of each layer out."""

import math
import re
import warnings
from numbers import Integral
from os import PathLike
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from . import _coverage_checks as checks
from ._counting import FeatureLayout, NeuronCounter, PortableNetwork, open_store, threshold_rule
from ._documentation import DocumentationLinkMixin
from ._network import NetworkSpec
from ._network_parameter import NetworkParameterMixin
from ._progress import notified_fit, show_progress
from ._sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    _check_feature_names,
    _fit_context,
)
from .images import UnreadableImageWarning, as_samples


class NeuronCoverageTransformer(
    DocumentationLinkMixin,
    NetworkParameterMixin,
    CallbackSupportMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Count, layer by layer, the neurons of a face-recognition network that a face activates.

    A neuron n is active for an image t where its output δ(n, t) is above the threshold ξ of its
    layer, the mean output of the layer's neurons over the training images (FakeSpotter, IJCAI
    2020, eqs. 1 and 2). `fit` learns the thresholds, labels are not used; `transform` returns the
    mean neuron coverage (MNC), one feature for each layer.

    Parameters
    ----------
    backbone : str, path-like, keras.Model, Backbone or callable, default="dlib-resnet29"
        The network that is watched: a name from `skfakespot.backbones.list_backbones`, a model,
        the path of a ``.keras`` file, or a callable that returns a model. A callable with a
        parameter ``input_shape`` is given the shape of one sample.
    weights : None, str or path-like, default=None
        For a backbone by name: None for the pre-trained weights, ``"random"`` for the architecture
        alone, or the path of a file.
    layers : str, list of str, re.Pattern or callable, default="conv+dense"
        L of eq. 1: ``"conv+dense"``, ``"conv"``, ``"dense"``, a list of names, any other string as
        a regular expression that is searched in the names, or a callable that takes a layer and
        returns whether it is read.
    tap : {"layer", "activation"}, default="layer"
        Where δ(n, t) is read: at the layer's own output, or at that of the activation that
        follows, past normalisation and the sum of a residual block.
    neuron : {"unit", "channel"}, default="unit"
        What a neuron is: every scalar of a layer's output (the paper's text), or the spatial mean
        of a feature map (DeepXplore's).
    threshold : {"mean", "per-map", "boundary", "strong"}, float or tuple, default="mean"
        ξ: the mean of the layer (eq. 1) or of each feature map; one number for all layers; or
        ``("quantile", q)``, the layer's q-quantile, with a count for each q of a list. Or which
        neurons are counted: ``("top", k)``, the k largest of each layer, or those outside or above
        their range on the real training images. See "Readings of the paper" in the user guide.
    output : {"layer", "channel"}, default="layer"
        One count for each layer (the paper), or for each feature map of each layer.
    normalize : {"count", "fraction"}, default="count"
        Counts (the paper), or counts divided by the number of neurons, in [0, 1].
    image_size : None or tuple of (height, width), default=None
        Size that images are brought to, in pixels, and that a backbone by name is built for; None
        for the network's own.
    batch_size : int, default=32
        Number of images that pass through the network at once.
    on_error : {"raise", "nan"}, default="raise"
        What to do with an unreadable image: raise `skfakespot.images.ImageError`, or return a row
        of NaN and warn with the file's name.
    memory : None, str, path-like or joblib.Memory, default=None
        Folder in which a profile of every image is kept, by the content of the image and of the
        network, so that the folds of a cross-validation, other processes and later runs count
        without running the network again; at most 4 GiB, the newest. With None, only this process
        keeps profiles, of the training images: see `skfakespot.clear_caches`.
    n_jobs : None or int, default=None
        Number of joblib workers that the images are divided among, on the active joblib backend.
        Decoding and the network use all cores in any case, so it helps on several machines only.
    device : None, "cpu", "gpu" or "gpu:N", default=None
        Where the network runs; None for Keras' choice.
    verbose : int, default=0
        With 1, show a progress bar if stderr is a terminal.

    Attributes
    ----------
    thresholds_ : ndarray of shape (n_layers,), float64
        ξ of each layer; (n_feature_maps,) for "per-map", (n_layers, n_quantiles) for several,
        empty for "top". For "boundary" the lowest and the highest output of each neuron, for
        "strong" the highest: float32 of shape (2 or 1, n), with n the sum of `n_neurons_`.
    layer_names_ : ndarray of shape (n_layers,), object
        The layers, in the order of the forward pass.
    n_neurons_ : ndarray of shape (n_layers,), int64
        Number of neurons of each layer.
    n_samples_seen_ : int
        Number of (readable) images that the thresholds were learnt from.
    n_features_in_ : int
        Number of values of one sample: pixels and colours of an array, 1 for a path or an image of
        its own size, the width of 2-D input.
    feature_names_in_ : ndarray of shape (n_features,), object
        Names of the columns, where X was a DataFrame with string names.
    image_shape_in_ : None or tuple of (height, width, 3)
        Shape of the images, where X was an array of images.
    backbone_ : Backbone
        The network. It is not pickled; it is built again when it is needed.

    See Also
    --------
    make_fakespotter : Pipeline of this transformer, a scaler and the paper's classifier.

    References
    ----------
    Wang, R. et al. (2020). FakeSpotter: A simple yet robust baseline for spotting AI-synthesized
    fake faces. IJCAI 2020. https://www.ijcai.org/proceedings/2020/476

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot import NeuronCoverageTransformer
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    >>> coverage = NeuronCoverageTransformer(weights="random")
    >>> counts = coverage.fit_transform(images)
    >>> counts.shape
    (4, 30)
    >>> coverage.layer_names_[:2]
    array(['stem_conv', 'stage1_block1_conv1'], dtype=object)
    """

    _parameter_constraints = {
        "backbone": "no_validation",
        "weights": [None, str, Path],
        "layers": [str, list, re.Pattern, callable],
        "tap": [StrOptions({"layer", "activation"})],
        "neuron": [StrOptions({"unit", "channel"})],
        "threshold": checks.THRESHOLD_CONSTRAINTS,
        "output": [StrOptions({"layer", "channel"})],
        "normalize": [StrOptions({"count", "fraction"})],
        "image_size": [None, tuple, list],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "on_error": [StrOptions({"raise", "nan"})],
        "memory": [None, str, PathLike, joblib.Memory],
        "n_jobs": [None, Integral],
        "device": [None, str],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        backbone="dlib-resnet29",
        *,
        weights=None,
        layers="conv+dense",
        tap="layer",
        neuron="unit",
        threshold="mean",
        output="layer",
        normalize="count",
        image_size=None,
        batch_size=32,
        on_error="raise",
        memory=None,
        n_jobs=None,
        device=None,
        verbose=0,
    ):
        self.backbone = backbone
        self.weights = weights
        self.layers = layers
        self.tap = tap
        self.neuron = neuron
        self.threshold = threshold
        self.output = output
        self.normalize = normalize
        self.image_size = image_size
        self.batch_size = batch_size
        self.on_error = on_error
        self.memory = memory
        self.n_jobs = n_jobs
        self.device = device
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the threshold of each layer from the training images.

        Parameters
        ----------
        X : array-like
            Images: an array (n, height, width, 3) or (n, height, width), uint8 or float on the
            0-255 scale; a 1-D array, list, Series or one-column DataFrame of paths, PIL images or
            arrays of differing sizes; or a 2-D numeric array for a network on vectors.
        y : None or array-like of shape (n_samples,)
            Labels, 0 or "real" and 1 or "fake"; only "boundary" and "strong" use them.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ImageError
            A ValueError: an image cannot be read and ``on_error="raise"``.
        BackboneError
            A ValueError: the network cannot be built.
        """
        with notified_fit(self, X, y, self._show_progress) as watch:
            self._fit(X, y, watch)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Update the thresholds with more training images.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        checks.check_sums_can_be_added(self.threshold, "updated")
        first = not hasattr(self, "thresholds_")
        self._learn(self._open_counter(X, reset=first), None, first=first)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Learn the thresholds, then count the active neurons of the same images.

        The counts are those of `fit` and then `transform`, exactly, but each image passes through
        the network once. "What is exact" in the user guide says what is guaranteed. With
        "boundary" and "strong" they differ: a real training image would never leave a range that
        was learnt from it, so it is compared with the range of the other real images.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.
        y : None or array-like of shape (n_samples,)
            Labels; see `fit`.

        Returns
        -------
        coverage : ndarray of shape (n_samples, n_features)
            See `transform`.
        """
        with notified_fit(self, X, y, self._show_progress) as watch:
            counter = self._fit(X, y, watch)
            counts = self._count(counter)
        self._warn_of_failures(counter)
        return counts

    def merge(self, *others):
        """Add what other transformers have learnt, from other images or on other machines.

        Parameters
        ----------
        *others : NeuronCoverageTransformer
            Fitted with the same parameters. They stay as they are.

        Returns
        -------
        self : object
            This transformer, with the thresholds of `fit` on all images, but for rounding.

        Raises
        ------
        ValueError
            If a transformer reads other neurons, or has not learnt means.

        Examples
        --------
        >>> import numpy as np
        >>> from skfakespot import NeuronCoverageTransformer
        >>> images = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
        >>> here, there = (NeuronCoverageTransformer(weights="random") for _ in range(2))
        >>> here.fit(images[:4]).merge(there.fit(images[4:])).n_samples_seen_
        6
        """
        for other in (self, *others):
            check_is_fitted(other)
            checks.check_sums_can_be_added(other.threshold, "merged")
            checks.check_same_neurons(self, other)
        for other in others:
            self._sums = self._sums + other._sums
            self.n_samples_seen_ += other.n_samples_seen_
            self._half_widths = np.fmax(self._half_widths, other._half_widths)
        if isinstance(self.threshold, str):
            self.thresholds_ = self._sums / (self._sizes * self.n_samples_seen_)
        return self

    def transform(self, X):
        """Count the active neurons of each image.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.

        Returns
        -------
        coverage : ndarray of shape (n_samples, n_layers), float64
            MNC of eq. 2, in the order of `get_feature_names_out`; with ``output="channel"`` of
            shape (n_samples, n_feature_maps), float32. The row of an unreadable image is NaN.
        """
        check_is_fitted(self)
        counter = self._open_counter(X, reset=False)
        counts = self._count(counter)
        self._warn_of_failures(counter)
        return counts

    def get_feature_names_out(self, input_features=None):
        """Names of the features.

        Parameters
        ----------
        input_features : None
            Ignored; the names are those of the network's layers.

        Returns
        -------
        names : ndarray of shape (n_features_out,), object
            The layer's name, with ``output="channel"`` followed by a colon and the number of the
            feature map, and with several quantiles by such as ``:q0.25``.
        """
        check_is_fitted(self)
        names = self.layer_names_.copy()
        if self.output == "channel":
            names = self._layout(self._network_spec().open()).feature_names()
        return threshold_rule(self.threshold).feature_names(names)

    @property
    def backbone_(self):
        """The network that is read, built again after unpickling."""
        check_is_fitted(self)
        return self._network_spec().resolve().backbone

    def __sklearn_is_fitted__(self):
        return hasattr(self, "thresholds_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Images come as 4-D or 1-D input too; 2-D input keeps the common checks meaningful.
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        tags.target_tags.required = checks.needs_labels(self.threshold)
        return tags

    def _show_progress(self, batches, about):
        return show_progress(batches, about, enabled=bool(self.verbose))

    def _fit(self, X, y, watch):
        """Learn the thresholds from X; return what counts the neurons of X."""
        for name in ("thresholds_", "feature_names_in_"):
            vars(self).pop(name, None)
        counter = self._open_counter(X, reset=True, watch=watch)
        self._learn(counter, y, first=True)
        return counter

    def _learn(self, counter, y, *, first):
        """Learn the thresholds, or update them with more images."""
        is_real = checks.real_images(self.threshold, y, counter.n_images)
        known = None if first else (self._sums, self.n_samples_seen_)
        try:
            learnt = threshold_rule(self.threshold).learn(counter, known, is_real)
        finally:
            self._warn_of_failures(counter)
        self.layer_names_ = np.array(counter.layout.layer_names, dtype=object)
        self.n_neurons_ = counter.layout.n_neurons
        self.thresholds_, self.n_samples_seen_ = learnt.thresholds, learnt.n_images
        self._sums, self._sizes, self._half_widths = learnt[2:]

    def _count(self, counter):
        coverage = threshold_rule(self.threshold).count(
            counter,
            self.thresholds_,
            None if self.memory is None else self._half_widths,
            np.float64 if self.output == "layer" else np.float32,
        )
        if self.normalize == "fraction":
            sizes = counter.layout.feature_sizes
            coverage /= np.repeat(sizes, coverage.shape[1] // len(sizes))
        return coverage

    def _warn_of_failures(self, counter):
        for index, error in counter.new_failures():
            warnings.warn(UnreadableImageWarning(error.source, error.reason, index), stacklevel=4)

    def _open_counter(self, X, *, reset, watch=None):
        """Check X, build the network if need be, and return what counts the neurons of X."""
        checks.check_reading(threshold=self.threshold, neuron=self.neuron, output=self.output)
        samples = self._check_X(X, reset=reset)
        spec = self._network_spec()
        network = spec.resolve()
        checks.check_samples(samples, self._sample_shape, network.backbone)
        reader = network.open()
        layout = self._layout(reader)
        return NeuronCounter(
            PortableNetwork(spec, reader),
            layout,
            samples,
            open_store(reader, layout, self.memory),
            batch_size=self.batch_size,
            on_error=self.on_error,
            n_jobs=self.n_jobs,
            watch=watch or self._show_progress,
        )

    def _network_spec(self):
        return NetworkSpec(
            self.backbone,
            weights=self.weights,
            layers=tuple(self.layers) if isinstance(self.layers, list) else self.layers,
            tap=self.tap,
            sample_shape=self._sample_shape,
            image_size=None if self.image_size is None else tuple(self.image_size),
            device=self.device,
        )

    def _layout(self, reader):
        return FeatureLayout(reader.layer_names, reader.shapes, self.neuron, self.output)

    def _check_X(self, X, *, reset):
        samples = as_samples(X)
        if samples.kind == "vector":
            samples = as_samples(validate_data(self, X, dtype=np.float32, reset=reset))
        else:
            _check_feature_names(self, X, reset=reset)
        if reset:
            self._sample_shape = samples.shape
            self.n_features_in_ = 1 if samples.shape is None else math.prod(samples.shape)
            self.image_shape_in_ = samples.shape if samples.kind == "array" else None
        return samples
