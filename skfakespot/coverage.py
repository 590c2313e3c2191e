"""The transformer: images in, mean neuron coverage of each layer out."""

import math
import re
import warnings
from contextlib import contextmanager
from functools import partial
from numbers import Integral, Real
from os import PathLike
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ._documentation import DocumentationLinkMixin
from ._progress import notify_callbacks, show_progress
from ._sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    InvalidParameterError,
    StrOptions,
    _check_feature_names,
    _fit_context,
)
from .backbones import freeze, resolve_backbone, thaw
from .engine import (
    ImageSource,
    NetworkPlan,
    Profiler,
    add_exactly,
    device_scope,
    open_store,
    shared_reader,
)
from .images import UnreadableImageWarning, as_samples


class NeuronCoverageTransformer(
    DocumentationLinkMixin, CallbackSupportMixin, TransformerMixin, BaseEstimator
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
    threshold : {"mean"}, float or tuple of ("quantile", q), default="mean"
        ξ of a layer: the mean of eq. 1; one number for all layers (DeepXplore's rule); or the
        q-quantile of its neurons' outputs, q in [0, 1], exactly, which takes two passes more.
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
        network, so that the folds of a cross-validation, other processes and later runs count its
        neurons without running the network again. At most 4 GiB are kept, the newest. With None,
        profiles of the training images are kept in this process only, 256 MiB of them, and 64 MiB
        of counts; see
        `skfakespot.engine.forget_profiles`.
    n_jobs : None or int, default=None
        Number of joblib workers that the images are split over, on whatever joblib backend is
        active. Decoding and the network use all cores in any case: worth it for several machines.
    device : None, "cpu", "gpu" or "gpu:N", default=None
        Where the network runs; None for Keras' choice.
    verbose : int, default=0
        With 1, show a progress bar if stderr is a terminal.

    Attributes
    ----------
    thresholds_ : ndarray of shape (n_layers,), float64
        ξ of each layer.
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
    >>> bool((counts <= coverage.n_neurons_).all())
    True
    """

    _parameter_constraints = {
        "backbone": "no_validation",
        "weights": [None, str, Path],
        "layers": [str, list, re.Pattern, callable],
        "tap": [StrOptions({"layer", "activation"})],
        "neuron": [StrOptions({"unit", "channel"})],
        "threshold": [StrOptions({"mean"}), Interval(Real, None, None, closed="neither"), tuple],
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
        y : None
            Ignored; the thresholds do not depend on labels.

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
        with self._announced(X, y) as watch:
            self._fit(X, watch)
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
        if isinstance(self.threshold, tuple):
            raise ValueError(
                "A quantile cannot be updated; use fit with all images, or threshold='mean'."
            )
        first = not hasattr(self, "thresholds_")
        self._learn(self._check_X(X, reset=first), first=first)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Learn the thresholds, then count the active neurons of the same images.

        The counts are those of `fit` and then `transform`, exactly, but each image passes through
        the network once: see the user guide on scaling.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.
        y : None
            Ignored.

        Returns
        -------
        coverage : ndarray of shape (n_samples, n_features)
            See `transform`.
        """
        with self._announced(X, y) as watch:
            return self._count(*self._fit(X, watch))

    def merge(self, *others):
        """Add what other transformers have learnt, from other images or on other machines.

        Parameters
        ----------
        *others : NeuronCoverageTransformer
            Fitted with the same parameters. They stay as they are.

        Returns
        -------
        self : object
            This transformer, with the thresholds of all images together: those of `fit` on all of
            them, but for the rounding of the last digits.

        Raises
        ------
        ValueError
            If a transformer reads other neurons, or has learnt a quantile.

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
            if isinstance(other.threshold, tuple):
                raise ValueError(
                    "A quantile cannot be merged; use fit with all images, or threshold='mean'."
                )
        for other in others:
            for name in ("backbone", "weights", "tap", "neuron", "image_size", "threshold"):
                mine, its = getattr(self, name), getattr(other, name)
                if isinstance(mine, str | Real | tuple | None) and mine != its:
                    raise ValueError(
                        f"Transformers with {name}={mine!r} and {name}={its!r} cannot be merged: "
                        "fit them with the same parameters."
                    )
            if not np.array_equal(self.layer_names_, other.layer_names_) or not np.array_equal(
                self.n_neurons_, other.n_neurons_
            ):
                raise ValueError(
                    f"Transformers of {len(self.layer_names_)} and {len(other.layer_names_)} "
                    "layers, or of layers of other sizes, cannot be merged: fit them with the same "
                    "backbone and the same layers."
                )
        for other in others:
            self._sums = self._sums + other._sums
            self.n_samples_seen_ += other.n_samples_seen_
            self._margins = np.fmax(self._margins, other._margins)
        if self.threshold == "mean":
            self.thresholds_ = self._sums / (self.n_neurons_ * self.n_samples_seen_)
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
        samples, reader = self._check_X(X, reset=False), self._reader()
        failures = {}
        counts = self._count(self._profiler(samples, reader, failures), reader)
        self._warn_of(failures)
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
            feature map.
        """
        check_is_fitted(self)
        if self.output == "layer":
            return self.layer_names_.copy()
        layers = self._reader().feature_layers
        channels = np.arange(len(layers)) - np.searchsorted(layers, layers)
        pairs = zip(self.layer_names_[layers], channels, strict=True)
        return np.array([f"{name}:{channel}" for name, channel in pairs], dtype=object)

    @property
    def backbone_(self):
        """The network, built again after unpickling."""
        check_is_fitted(self)
        return self._backbone()

    def __sklearn_clone__(self):
        # scikit-learn would deep-copy the user's network, which would then be compiled again.
        shell = object.__new__(type(self))
        vars(shell).update(vars(self), backbone=None)
        cloned = super(NeuronCoverageTransformer, shell).__sklearn_clone__()
        cloned.backbone = self.backbone
        return cloned

    def __getstate__(self):
        state = super().__getstate__()
        return {**state, "backbone": freeze(state["backbone"])}

    def __setstate__(self, state):
        super().__setstate__({**state, "backbone": thaw(state["backbone"])})

    def __sklearn_is_fitted__(self):
        return hasattr(self, "thresholds_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Images come as 4-D or 1-D input too; 2-D input keeps the common checks meaningful.
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    @contextmanager
    def _announced(self, X, y):
        """Tell callbacks of a fit; yield what watches its passes."""
        hooks = {"estimator": self, "X": X, "y": y}
        context = self._init_callback_context(max_subtasks=None)
        context.call_on_fit_task_begin(**hooks)

        def watch(batches, about):
            shown = show_progress(batches, about, enabled=bool(self.verbose))
            return notify_callbacks(shown, about, context=context, hooks=hooks)

        yield watch
        fitted = {name: vars(self)[name] for name in _FITTED if name in vars(self)}
        context.call_on_fit_task_end(**hooks, reconstruction_attributes=fitted)

    def _fit(self, X, watch):
        """Learn the thresholds; return the images' profiler and the reader of the network."""
        self._forget()
        if not isinstance(self.threshold, tuple):
            return self._learn(self._check_X(X, reset=True), first=True, watch=watch)
        kind, quantile = self.threshold
        if kind != "quantile" or not 0 <= quantile <= 1:
            raise InvalidParameterError(
                f"threshold={self.threshold!r}; accepted are 'mean', a number, and ('quantile', q) "
                "with q in [0, 1]."
            )
        samples, reader = self._check_X(X, reset=True), self._reader()
        failures = {}
        profiler = self._profiler(samples, reader, failures, watch)
        thresholds = profiler.quantile(quantile)
        self._warn_of(failures)
        self.n_samples_seen_ = self._n_readable(samples, failures)
        self._margins = np.zeros_like(thresholds)
        self._set_thresholds(reader, thresholds)
        return profiler, reader

    def _learn(self, samples, *, first, watch=None):
        """Update the sums of eq. 1 and the thresholds; return what `_fit` returns."""
        reader = self._reader()
        fixed = None
        if isinstance(self.threshold, Real):
            fixed = np.full(len(reader.layer_names), float(self.threshold))
        failures = {}
        profiler = self._profiler(samples, reader, failures, watch)
        sums = profiler.sums(center=fixed)
        self._warn_of(failures)
        n_readable = self._n_readable(samples, failures)
        totals = add_exactly(np.delete(sums, list(failures), axis=0))
        self._sums = totals if first else self._sums + totals
        self.n_samples_seen_ = n_readable if first else self.n_samples_seen_ + n_readable
        means = self._sums / (reader.n_neurons * self.n_samples_seen_)
        self._set_thresholds(reader, means if fixed is None else fixed)
        self._margins = profiler.settle(self.thresholds_, sums)
        return profiler, reader

    def _count(self, profiler, reader):
        coverage = profiler.counts(
            self.thresholds_,
            None if self.memory is None else self._margins,
            dtype=np.float64 if self.output == "layer" else np.float32,
        )
        if self.normalize == "fraction":
            coverage /= reader.feature_sizes
        return coverage

    def _set_thresholds(self, reader, thresholds):
        self.layer_names_ = np.array(reader.layer_names, dtype=object)
        self.n_neurons_ = reader.n_neurons
        self.thresholds_ = thresholds

    def _n_readable(self, samples, failures):
        if len(failures) == len(samples):
            raise ValueError(
                f"None of the {len(samples)} images could be read, so there is nothing to learn "
                "from. The warnings name each file and the reason."
            )
        return len(samples) - len(failures)

    def _warn_of(self, failures):
        for index, error in sorted(failures.items()):
            warnings.warn(UnreadableImageWarning(error.source, error.reason, index), stacklevel=4)

    def _forget(self):
        for name in ("thresholds_", "feature_names_in_"):
            if hasattr(self, name):
                delattr(self, name)

    def _backbone(self):
        return resolve_backbone(
            self.backbone,
            weights=self.weights,
            sample_shape=self._sample_shape,
            image_size=self.image_size,
        )

    def _reader(self):
        if self.neuron == self.output == "channel":
            raise ValueError(
                "neuron='channel' with output='channel' would count one neuron a feature, 0 or 1. "
                "Use neuron='unit' with output='channel', or neuron='channel' with output='layer'."
            )
        return _make_reader(self.backbone, **self._reader_options())

    def _reader_options(self):
        return {
            "weights": self.weights,
            "sample_shape": self._sample_shape,
            "image_size": self._image_size(),
            "layers": self.layers,
            "tap": self.tap,
            "neuron": self.neuron,
            "output": self.output,
            "device": self.device,
        }

    def _profiler(self, samples, reader, failures, watch=None):
        """Profiler of the images, which puts the error of each unreadable one into `failures`."""

        def note(index, error):
            if self.on_error == "raise":
                raise error
            failures[index] = error

        may_change = not isinstance(self.backbone, str | Path)
        make_reader = partial(_make_reader, freeze(self.backbone), **self._reader_options())
        return Profiler(
            reader,
            ImageSource(samples, self._image_size(), self.batch_size),
            open_store(reader, self.memory, may_change=may_change),
            make_plan=lambda: NetworkPlan(make_reader, reader),
            n_jobs=self.n_jobs,
            on_failure=note,
            watch=watch or partial(show_progress, enabled=bool(self.verbose)),
        )

    def _image_size(self):
        """(height, width) of the images that the network is given, None for vectors."""
        backbone = self._backbone()
        own = backbone.input_size
        if own is None:
            return None
        if self.image_size is None:
            if None in own:
                raise ValueError(
                    f"The backbone {backbone.name!r} takes images of any size: set image_size="
                    "(height, width)."
                )
            return own
        size = tuple(self.image_size)
        if len(size) != 2 or any(b not in (None, a) for a, b in zip(size, own, strict=True)):
            raise ValueError(
                f"image_size={self.image_size!r} does not fit the backbone {backbone.name!r}, "
                f"which takes images of (height, width) {own}."
            )
        return size

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
        self._check_shape(samples)
        return samples

    def _check_shape(self, samples):
        is_vector, fitted_shape = samples.kind == "vector", self._sample_shape
        if None not in (samples.shape, fitted_shape) and samples.shape != fitted_shape:
            raise ValueError(
                f"X holds samples of shape {samples.shape}, but {type(self).__name__} was fitted "
                f"on samples of shape {fitted_shape}. Give samples of that shape, or fit again."
            )
        backbone = self._backbone()
        expected = backbone.input_shape
        if is_vector != (len(expected) == 1) or (is_vector and samples.shape != expected):
            given = f"rows of {samples.shape[0]} numbers" if is_vector else "images"
            raise ValueError(
                f"The backbone {backbone.name!r} takes samples of shape {expected}, but X holds "
                f"{given}. Give images as an array (n, height, width, 3) or a list of paths, and "
                "rows of numbers to a network on vectors only."
            )


_FITTED = (
    *("thresholds_", "layer_names_", "n_neurons_", "n_samples_seen_", "n_features_in_"),
    *("feature_names_in_", "image_shape_in_", "_sample_shape", "_sums", "_margins"),
)


def _make_reader(backbone, *, weights, sample_shape, image_size, device, **options):
    """Reader of the network, also in a process that has not seen it yet."""
    with device_scope(device):
        resolved = resolve_backbone(
            thaw(backbone), weights=weights, sample_shape=sample_shape, image_size=image_size
        )
        input_shape = resolved.input_shape if image_size is None else (*image_size, 3)
        return shared_reader(resolved, input_shape=input_shape, device=device, **options)
