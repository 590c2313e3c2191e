# SPDX-License-Identifier: BSD-3-Clause
"""Where in an image the neurons of each layer are active."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Real
from typing import TYPE_CHECKING, Literal

import numpy as np

from ._parts import find_detector, take_apart
from ._views import Frame, frame_of, read_views, see_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .._typing import Estimator, Images

KINDS = ("active", "excess")


@dataclass(frozen=True, eq=False, repr=False)
class ActivationMaps:
    """Maps of the activity of each layer for each image, as `activation_map` returns them.

    .. versionadded:: 0.1

    Parameters
    ----------
    layer_names : list of str
        The layers, in the order of the forward pass.
    active : list of ndarray of shape (n_images, rows, columns), float32
        For each layer, in its own resolution, the share of its feature maps that are active at
        each place, in [0, 1]: of which δ > ξ. With a contrast, the difference to its mean map.
        NaN for an image that cannot be read.
    excess : list of ndarray of shape (n_images, rows, columns), float32
        For each layer the mean of δ - ξ over its feature maps at each place. With a contrast, the
        difference to its mean map.
    frames : list of Frame or None
        Of each image the height and width, and the square of it that the network saw; None for an
        image that cannot be read.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from skfakespot import NeuronCoverageTransformer
    >>> from skfakespot.inspection import activation_map
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    >>> layers = keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3, name="conv")
    >>> network = keras.Sequential(layers)
    >>> coverage = NeuronCoverageTransformer(network).fit(images)
    >>> maps = activation_map(coverage, images)
    >>> maps
    ActivationMaps of 4 images and 1 layers
    >>> maps.active[0].shape
    (4, 14, 14)
    """

    layer_names: list[str]
    active: list[NDArray[np.float32]]
    excess: list[NDArray[np.float32]]
    frames: list[Frame | None]

    def __repr__(self):
        return f"ActivationMaps of {len(self.frames)} images and {len(self.layer_names)} layers"

    def on_image(
        self, image: int, layer: str | int, kind: Literal["active", "excess"] = "active"
    ) -> NDArray[np.float32]:
        """Bring a map onto its image, by bilinear interpolation.

        Parameters
        ----------
        image : int
            Position of the image in X.
        layer : str or int
            Name of the layer, or its position in `layer_names`.
        kind : {"active", "excess"}, default="active"
            Which of the maps.

        Returns
        -------
        map : ndarray of shape (height, width), float32
            One value for each pixel of the image. The places of a layer are taken to divide what
            the network saw evenly. NaN outside of the face, if the network saw only a crop of it.

        Raises
        ------
        ValueError
            If the image could not be read, or there is no such layer or kind of map.

        Examples
        --------
        >>> import keras
        >>> import numpy as np
        >>> from skfakespot import NeuronCoverageTransformer
        >>> from skfakespot.inspection import activation_map
        >>> images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
        >>> layers = keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3, name="conv")
        >>> network = keras.Sequential(layers)
        >>> coverage = NeuronCoverageTransformer(network).fit(images)
        >>> maps = activation_map(coverage, images)
        >>> maps.on_image(0, "conv", kind="excess").shape
        (16, 16)
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r}; accepted are 'active' and 'excess'.")
        if isinstance(layer, str):
            (layer,) = _positions([layer], self.layer_names)
        return frame_or_error(self.frames, image).place(getattr(self, kind)[layer][image])


def activation_map(
    transformer: Estimator,
    X: Images,
    *,
    layers: str | Sequence[str] | None = None,
    contrast: Images | ActivationMaps | None = None,
) -> ActivationMaps:
    """Map where in each image the neurons of each layer are active.

    A neuron of a convolution has a place in the image. At each place of a layer, this function
    computes the share of the feature maps whose neuron is active there (δ > ξ of eq. 2 of the
    FakeSpotter paper), and the mean of δ - ξ. Each image passes through the network once, and only
    these maps are kept of it.

    .. versionadded:: 0.1

    Parameters
    ----------
    transformer : NeuronCoverageTransformer, Pipeline or search
        A fitted transformer, or a fitted detector with one among its steps. Its threshold has to be
        one number for each layer or feature map: "mean", "per-map", a number, or one quantile.
    X : array-like
        Images; see `NeuronCoverageTransformer.fit`. If the detector finds faces, the maps are
        those of the largest face.
    layers : None, str or list of str, default=None
        Names of the layers that are mapped. None for all that the transformer reads.
    contrast : None, array-like or ActivationMaps, default=None
        Images with which X is compared, such as the real training images, or the maps of such
        images. From each map the mean map of these images is subtracted, so that what is unusual
        stands out. Images that cannot be read are left out.

    Returns
    -------
    maps : ActivationMaps
        Its ``active`` and ``excess`` hold an array of shape (n_images, rows, columns) for each
        layer, in the resolution of the layer. ``maps.on_image(image, layer)`` brings one of them
        onto the image. A layer without rows and columns, such as a fully-connected one, has a map
        of 1 x 1.

    Raises
    ------
    ImageError
        A ValueError: an image cannot be read, and the transformer has ``on_error="raise"``.
    ValueError
        If the transformer counts neurons by another threshold, X holds rows of numbers, or a layer
        is unknown.

    Warns
    -----
    UnreadableImageWarning
        If an image cannot be read, and the transformer has ``on_error="nan"``. Its maps are NaN.

    See Also
    --------
    evidence_map : Map what speaks for "fake" to a detector.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot import NeuronCoverageTransformer
    >>> from skfakespot.inspection import activation_map
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    >>> coverage = NeuronCoverageTransformer(weights="random").fit(images)
    >>> maps = activation_map(coverage, images[:1], layers=["stem_conv"], contrast=images[1:])
    >>> maps.active[0].shape, maps.on_image(0, "stem_conv").shape
    ((1, 72, 72), (64, 64))
    """
    parts = take_apart(find_detector(transformer))
    if parts is None:
        raise ValueError(
            f"{type(transformer).__name__} is no fitted NeuronCoverageTransformer and no Pipeline "
            "with one such step. Give the transformer, or the Pipeline that holds it."
        )
    reader = parts.coverage._network_spec().open()
    names = [layers] if isinstance(layers, str) else layers
    positions = range(len(reader.layer_names))
    if names is not None:
        positions = _positions(names, reader.layer_names)
    reduction = _MapReduction(layer_thresholds(parts.coverage), positions)
    reading = _Reading(parts, reader, reduction)
    maps = reading.maps(X)
    if contrast is not None:
        for own, mean in zip((*maps.active, *maps.excess), reading.means(contrast), strict=True):
            own -= mean
    return maps


def layer_thresholds(coverage):
    """List for each layer its threshold, or the thresholds of its feature maps (n_maps,).

    None if the threshold of a fitted transformer is not one number for each of these.
    """
    threshold, learnt = coverage.threshold, coverage.thresholds_
    if threshold == "per-map":
        shapes = coverage._network_spec().open().shapes
        ends = np.cumsum([shape[-1] for shape in shapes])
        return np.split(learnt, ends[:-1])
    is_quantile = isinstance(threshold, tuple) and threshold[0] == "quantile"
    if threshold == "mean" or isinstance(threshold, Real) or (is_quantile and learnt.ndim == 1):
        return list(learnt)
    return None


def frame_or_error(frames, image):
    """Return the frame of an image; raise a ValueError if the image could not be read."""
    if frames[image] is None:
        raise ValueError(f"Image {image} could not be read, so there is no map of it.")
    return frames[image]


def _positions(names, known):
    """Return the positions of layers by their names, in the order of the network."""
    known = list(known)
    for name in names:
        if name not in known:
            close = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known[:8])}."
            raise ValueError(f"No layer {name!r} is read: {hint}")
    return sorted({known.index(name) for name in names})


def _shape_of_map(shape):
    return shape[:2] if len(shape) == 3 else (1, 1)


class _Reading:
    """Maps of images, batch by batch."""

    def __init__(self, parts, reader, reduction):
        self._parts, self._reader, self._reduction = parts, reader, reduction

    def maps(self, X):
        """Map all images."""
        samples = see_images(self._parts.before, X)
        names = [self._reader.layer_names[layer] for layer in self._reduction.layers]
        shapes = [_shape_of_map(self._reader.shapes[layer]) for layer in self._reduction.layers]
        maps = [np.full((len(samples), *shape), np.nan, np.float32) for shape in 2 * shapes]
        frames = [None] * len(samples)
        for row, own in self._rows(samples):
            frames[row] = frame_of(samples, row)
            for all_images, each in zip(maps, own, strict=True):
                all_images[row] = each
        return ActivationMaps(names, maps[: len(names)], maps[len(names) :], frames)

    def means(self, contrast):
        """List the mean maps of a contrast, first all of "active", then all of "excess"."""
        if isinstance(contrast, ActivationMaps):
            names = [self._reader.layer_names[layer] for layer in self._reduction.layers]
            if contrast.layer_names != names:
                raise ValueError(
                    f"The contrast has maps of the layers {contrast.layer_names}, but "
                    f"{names} are needed. Make it with the same transformer and layers."
                )
            return [np.nanmean(each, axis=0) for each in (*contrast.active, *contrast.excess)]
        samples = see_images(self._parts.before, contrast)
        n_images, totals = 0, None
        for n_images, (_, own) in enumerate(self._rows(samples), start=1):  # noqa: B007
            own = [each.astype(np.float64) for each in own]
            totals = own if totals is None else [a + b for a, b in zip(totals, own, strict=True)]
        if totals is None:
            raise ValueError(f"None of the {len(samples)} images of the contrast can be read.")
        return [total / n_images for total in totals]

    def _rows(self, samples):
        coverage = self._parts.coverage
        batches = read_views(
            samples,
            self._reader.image_size,
            batch_size=coverage.batch_size,
            on_error=coverage.on_error,
        )
        for batch in batches:
            results = self._reader.read(batch.data, self._reduction.make_reducer)
            yield from zip(batch.indices.tolist(), results, strict=True)


class _MapReduction:
    """Makes reducers that keep the maps of some layers; see `NetworkReader.read`."""

    def __init__(self, thresholds, layers):
        if thresholds is None:
            raise ValueError(
                "The threshold of this transformer is not one number for each layer or feature "
                "map, so that its neurons have no map. Accepted are threshold='mean', 'per-map', a "
                "number, and ('quantile', q)."
            )
        self.thresholds, self.layers = thresholds, list(layers)

    def make_reducer(self, n_images):
        return _MapReducer(self, n_images)


class _MapReducer:
    def __init__(self, reduction, n_images):
        self._reduction, self._n_images = reduction, n_images
        self._active, self._excess = {}, {}

    def __call__(self, layer, outputs):
        if layer not in self._reduction.layers:
            return
        threshold = self._reduction.thresholds[layer]
        self._active[layer] = as_maps((outputs > threshold).mean(axis=-1, dtype=np.float32))
        excess = outputs.mean(axis=-1) - np.mean(threshold)
        self._excess[layer] = as_maps(excess.astype(np.float32))

    def results(self):
        layers = self._reduction.layers
        maps = [kind[layer] for kind in (self._active, self._excess) for layer in layers]
        return [[each[image] for each in maps] for image in range(self._n_images)]


def as_maps(values, combine=np.mean):
    """Return values (n_images, ...) of the places of a layer as maps (n_images, rows, columns).

    A layer that has no rows and columns has one place, for which its values are combined.
    """
    if values.ndim == 3:
        return values
    return combine(values.reshape(len(values), -1), axis=1)[:, None, None]
