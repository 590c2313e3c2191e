# SPDX-License-Identifier: BSD-3-Clause
"""The transformer: images in, mean neuron coverage of each layer out."""

from __future__ import annotations

import re
from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Self

import joblib
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from . import _coverage_checks as checks
from ._counting import LAGS, threshold_rule
from ._coverage_counting import CountingMixin
from ._documentation import DocumentationLinkMixin
from ._network_parameter import NetworkParameterMixin
from ._progress import notified_fit
from ._sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    _fit_context,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from ._typing import (
        BackboneLike,
        FilePath,
        Images,
        ImageSize,
        Layers,
        Memory,
        OnError,
        Statistic,
        Tap,
        Threshold,
    )


class NeuronCoverageTransformer(
    DocumentationLinkMixin,
    CountingMixin,
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

    .. versionadded:: 0.1

    Parameters
    ----------
    backbone : str, path-like, keras.Model, Backbone, callable or list, default="dlib-resnet29"
        The network that is watched: a name from `skfakespot.backbones.list_backbones`, a model,
        the path of a ``.keras`` file, or a callable that returns a model. A callable with a
        parameter ``input_shape`` is given the shape of one sample in `fit`. A list of these is read
        as one network, whose layers are those of each in turn; their names begin with the
        backbone's name and a slash. Each image is decoded once.
    weights : None, str, path-like or list, default=None
        For a backbone by name: None for the pre-trained weights, ``"random"`` for the architecture
        alone, or the path of a file. For a list of backbones, a list with one of these for each, or
        None or ``"random"`` for all.
    layers : str, list of str, re.Pattern or callable, default="conv+dense"
        L of eq. 1: ``"conv+dense"``, ``"conv"``, ``"dense"``, a list of names, any other string as
        a regular expression that is searched in the names, or a callable that takes a layer and
        returns whether it is read. It applies to each of a list of backbones, and has to select a
        layer of each. In a list of names, ``"backbone/layer"`` is a layer of that backbone only;
        other choices do not look at the backbone's name.
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
    statistics : sequence of str, default=("coverage",)
        With ``output="channel"``, what is taken of each feature map, in one pass: ``"coverage"``
        (the count), ``"mean"``, ``"std"``, ``"skewness"``, ``"kurtosis"``, ``"autocorrelation"`` at
        each of `lags`, ``"gram"`` (covariances of the maps of a layer) and ``"grid"`` (the count in
        each cell of a grid). "Statistics of feature maps" in the user guide has the formulas.
    lags : sequence of (int, int), default=((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
        Steps down (0 or more) and to the right, in places of a map, for ``"autocorrelation"``.
    max_maps : int, default=128
        ``"gram"`` is taken of layers of at most so many maps.
    grid_size : int, default=4
        Number of rows and of columns of ``"grid"``. Smaller maps have no grid.
    image_size : None, tuple of (height, width) or list, default=None
        Size that images are brought to, in pixels, and that a backbone by name is built for; None
        for the network's own. For a list of backbones it may be a list with one for each.
    batch_size : int, default=32
        Number of images that pass through the network at once.
    on_error : {"raise", "nan"}, default="raise"
        What to do with an unreadable image: raise `skfakespot.images.ImageError`, or return a row
        of NaN and warn with the file's name.
    memory : None, str, path-like or joblib.Memory, default=None
        Folder in which a profile of every image is kept, by the content of the image and of the
        network, so that the folds of a cross-validation, other processes and later runs count
        without running the network again; at most 4 GiB, the newest. With None, only this process
        keeps profiles, of the training images: see `skfakespot.clear_caches`. joblib's worker
        processes share a temporary folder then.
    n_jobs : None or int, default=None
        Number of joblib workers that the images are divided among, on the active joblib backend.
        Decoding and the network use all cores in any case, so it helps on several machines only.
    device : None, "cpu", "gpu" or "gpu:N", default=None
        Where the network runs; None for Keras' choice.
    engine : {"auto", "keras", "openvino"}, default="auto"
        What runs the network: Keras, or OpenVINO (``pip install 'skfakespot[openvino]'``). With
        "auto", OpenVINO runs "dlib-resnet29", for which it is faster, if it is installed and the
        processor is of the x86-64 kind; Keras runs all others. Few counts differ between them, by
        1: see "A faster engine" in the user guide.
    reductions : {"auto", "host", "device"}, default="auto"
        Where the outputs of the layers are added and counted: on the host by NumPy, or on the
        network's device, so that only what is left of them is copied to the host. ``"auto"``
        is the host for TensorFlow on a CPU, and the device for everything else. "Where the numbers
        are computed" in the user guide says what is exact, and what the host does in any case.
    verbose : int, default=0
        With 1, show a progress bar on stderr, or print lines if it is no terminal. The same reports
        are records of the logger ``"skfakespot"``, also with 0; if logging is set up to take them,
        the lines are not printed.

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
    engine_ : {"keras", "openvino"} or list of these
        What ran the network in `fit`; for a list of backbones, one for each. With
        ``engine="auto"``, what Keras has fitted stays with Keras, and what OpenVINO has fitted runs
        on Keras where OpenVINO is missing.
    n_samples_seen_ : int
        Number of (readable) images that the thresholds were learnt from.
    n_features_in_ : int
        Number of values of one sample in `fit`: pixels and colours of an array, 1 for a path or an
        image of its own size, the width of 2-D input. Only 2-D input has to keep its width; images
        may differ from those in `fit` in kind and size, because they are resized.
    feature_names_in_ : ndarray of shape (n_features,), object
        Names of the columns, where X was a DataFrame with string names.
    image_shape_in_ : None or tuple of (height, width, 3)
        Shape of the images in `fit`, where X was an array of images.
    backbone_ : Backbone or list of Backbone
        The network, or those of a list. It is not pickled; it is built again when it is needed.

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
        "weights": [None, str, PathLike, tuple, list],
        "layers": [str, list, re.Pattern, callable],
        "tap": [StrOptions({"layer", "activation"})],
        "neuron": [StrOptions({"unit", "channel"})],
        "threshold": checks.THRESHOLD_CONSTRAINTS,
        "output": [StrOptions({"layer", "channel"})],
        "normalize": [StrOptions({"count", "fraction"})],
        "statistics": [tuple, list],
        "lags": [tuple, list],
        "max_maps": [Interval(Integral, 1, None, closed="left")],
        "grid_size": [Interval(Integral, 2, None, closed="left")],
        "image_size": [None, tuple, list],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "on_error": [StrOptions({"raise", "nan"})],
        "memory": [None, str, PathLike, joblib.Memory],
        "n_jobs": [None, Integral],
        "device": [None, str],
        "engine": [StrOptions({"auto", "keras", "openvino"})],
        "reductions": [StrOptions({"auto", "host", "device"})],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        backbone: BackboneLike | Sequence[BackboneLike] = "dlib-resnet29",
        *,
        weights: FilePath | Sequence[FilePath | None] | None = None,
        layers: Layers = "conv+dense",
        tap: Tap = "layer",
        neuron: Literal["unit", "channel"] = "unit",
        threshold: Threshold = "mean",
        output: Literal["layer", "channel"] = "layer",
        normalize: Literal["count", "fraction"] = "count",
        statistics: Sequence[Statistic] = ("coverage",),
        lags: Sequence[tuple[int, int]] = LAGS,
        max_maps: int = 128,
        grid_size: int = 4,
        image_size: ImageSize | Sequence[ImageSize | None] | None = None,
        batch_size: int = 32,
        on_error: OnError = "raise",
        memory: Memory = None,
        n_jobs: int | None = None,
        device: str | None = None,
        engine: Literal["auto", "keras", "openvino"] = "auto",
        reductions: Literal["auto", "host", "device"] = "auto",
        verbose: int = 0,
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.layers = layers
        self.tap = tap
        self.neuron = neuron
        self.threshold = threshold
        self.output = output
        self.normalize = normalize
        self.statistics = statistics
        self.lags = lags
        self.max_maps = max_maps
        self.grid_size = grid_size
        self.image_size = image_size
        self.batch_size = batch_size
        self.on_error = on_error
        self.memory = memory
        self.n_jobs = n_jobs
        self.device = device
        self.engine = engine
        self.reductions = reductions
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Images, y: ArrayLike | None = None) -> Self:
        """Learn the threshold of each layer from the training images.

        Parameters
        ----------
        X : array-like
            Images: an array (n, height, width, 3) or (n, height, width), uint8 or float on the
            0-255 scale; a 1-D array, list, Series or one-column DataFrame of paths, contents of
            files (bytes or io.BytesIO), PIL images or arrays of differing sizes; or a 2-D numeric
            array for a network on vectors.
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
        ValueError
            If the pixels of a batch of float images are on a scale from 0 to 1.
        """
        with notified_fit(self, X, y, self._show_progress) as watch:
            self._fit(X, y, watch)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Images, y: object = None) -> Self:
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
    def fit_transform(self, X: Images, y: ArrayLike | None = None) -> NDArray[np.floating[Any]]:
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
            counter = self._fit(X, y, watch, fills_rows=True)
            features = self._count(counter)
        self._warn_of_failures(counter)
        return features

    def merge(self, *others: NeuronCoverageTransformer) -> Self:
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
        together: list[NeuronCoverageTransformer] = [self, *others]
        for other in together:
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

    def transform(self, X: Images) -> NDArray[np.floating[Any]]:
        """Count the active neurons of each image.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.

        Returns
        -------
        coverage : ndarray of shape (n_samples, n_features)
            In the order of `get_feature_names_out`: MNC of eq. 2, one count for each layer,
            float64; with ``output="channel"`` the `statistics` of each feature map, float32. The
            row of an unreadable image is NaN.
        """
        check_is_fitted(self)
        counter = self._open_counter(X, reset=False, fills_rows=True)
        features = self._count(counter)
        self._warn_of_failures(counter)
        return features

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Ignored; the names are those of the network's layers.

        Returns
        -------
        names : ndarray of shape (n_features_out,), object
            The layer's name; with ``output="channel"``, ``layer:map`` for a count, and
            ``layer:map:std`` and so on for other statistics. With several quantiles, such as
            ``:q0.25`` follows.
        """
        check_is_fitted(self)
        names = self.layer_names_.copy()
        if self.output == "channel":
            layout = self._layout(self._network_spec().open())
            names = (self._statistics(layout) or layout).feature_names()
        return threshold_rule(self.threshold).feature_names(names)

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
