# SPDX-License-Identifier: BSD-3-Clause
"""Bands around the thresholds, estimated from the images seen so far."""

from dataclasses import dataclass

import numpy as np

from .._keras import import_keras

# Widths in standard errors of the mean. With three folds or more, the thresholds of a
# cross-validation lie within the first. The mean of all images lies within the second of a running
# mean; the third is added while few images have been seen. Wider bands cost time for every image,
# narrower bands send more images through the network again.
_WIDTH_KEPT = 4.0
_WIDTH_RUNNING = 3.0
_WIDTH_OF_FEW = 16.0
# The spread cannot be estimated from fewer images, so all of their values are kept.
_N_FEW = 4
# From so many images on, a batch is split without its own means.
_N_ENOUGH = 32
# Relative to the threshold; sums of another order differ by less.
_SLACK = 2.0**-21


def round_down(thresholds):
    """Largest float32 values that are not above the thresholds.

    A float32 output is above a float64 threshold exactly where it is above this value.
    """
    thresholds = np.asarray(thresholds, dtype=np.float64)
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def half_widths(means, center):
    """Half widths of bands in which the thresholds of similar sets of images lie.

    Takes the means of each image's neurons (n_images, n_layers) and the thresholds (n_layers,).
    """
    n_images = len(means)
    if n_images == 1:
        return _SLACK * np.abs(center)
    spread = means.std(axis=0, ddof=1)
    return _WIDTH_KEPT * spread / np.sqrt(n_images) + _SLACK * np.abs(center)


_ARGUMENTS = (
    "is_known",
    "low",
    "high",
    "n_seen",
    "mean",
    "squares",
    "has_center",
    "center",
    "width",
)


@np.errstate(over="ignore", invalid="ignore")
def _arguments(**values):
    return np.array([values.get(name, 0.0) for name in _ARGUMENTS], dtype=np.float32)


@dataclass(frozen=True)
class BandPlan:
    """A band that the device computes in float32, from the images of the batch and those before.

    Every band gives the same counts, so that its rounding does not matter.
    """

    n_arguments = len(_ARGUMENTS)

    def bounds(self, means, is_image, arguments):
        """Low and high end, tensors without axes.

        Takes the means of the images of the batch (n_images,), whether they count (n_images,), 1.0
        or 0.0, and the arguments of a `FixedBand` or a `RunningBand`.
        """
        ops = import_keras().ops
        of = {name: arguments[place] for place, name in enumerate(_ARGUMENTS)}
        n_images = ops.sum(is_image)
        means = ops.where(is_image > 0, means, 0.0)
        mean = ops.sum(means) / n_images
        squares = ops.sum(((means - mean) * is_image) ** 2)
        seen = of["n_seen"], of["mean"], of["squares"]
        n_seen, mean, squares = _merged(seen, (n_images, mean, squares))
        center = ops.where(of["has_center"] > 0, of["center"], mean)
        spread = ops.sqrt(squares / ops.maximum(n_seen - 1, 1.0))
        half = _SLACK * ops.abs(center) + spread * of["width"]
        low, high = center - half, center + half
        # Means or squares that are too large for float32 leave all neurons in the band.
        low, high = ops.where(low <= high, low, -np.inf), ops.where(low <= high, high, np.inf)
        is_known = of["is_known"] > 0
        return ops.where(is_known, of["low"], low), ops.where(is_known, of["high"], high)


class FixedBand:
    """Bands around thresholds that are known: (n_layers,), float64, like their half widths."""

    needs_means = False

    def __init__(self, thresholds, half_widths):
        self.low = round_down(thresholds - half_widths)
        self.high = round_down(thresholds + half_widths)

    def of_layer(self, layer, means):  # noqa: ARG002
        """Low and high end of a layer's band, float32."""
        return self.low[layer], self.high[layer]

    def arguments(self, layer, n_images):  # noqa: ARG002
        """Arguments of a layer's `BandPlan`."""
        return _arguments(is_known=True, low=self.low[layer], high=self.high[layer])

    def update(self, means):
        """Do nothing: the thresholds are known."""


class RunningBand:
    """Bands around the means of all `n_images`, while only some of them have been seen.

    `means` (n_seen, n_layers) are those of images seen before; `center` (n_layers,) are the
    thresholds, if they do not depend on the images.
    """

    def __init__(self, n_images, means, center=None):
        self._n_images = n_images
        self._center = center
        self._seen = _moments(means)

    @property
    def needs_means(self):
        """Whether `of_layer` needs the means of the batch."""
        return self._seen[0] < _N_ENOUGH

    @np.errstate(over="ignore", invalid="ignore")
    def of_layer(self, layer, means):
        """Low and high end of a layer's band, float32, from all images seen and this batch."""
        if self._are_few(self._seen[0] + len(means)):
            return np.float32(-np.inf), np.float32(np.inf)
        seen = tuple(moment[layer] for moment in self._seen[1:])
        n_seen, mean, squares = _merged((self._seen[0], *seen), _moments(means))
        center = mean if self._center is None else self._center[layer]
        spread = np.sqrt(squares / max(n_seen - 1, 1))
        half = _SLACK * np.abs(center) + spread * self._width(n_seen)
        return round_down(center - half), round_down(center + half)

    def arguments(self, layer, n_images):
        """Arguments of a layer's `BandPlan` for a batch of `n_images`."""
        if not self.needs_means:
            low, high = self.of_layer(layer, np.empty(0))
            return _arguments(is_known=True, low=low, high=high)
        n_seen, means, squares = self._seen
        if self._are_few(n_seen + n_images):
            return _arguments(is_known=True, low=-np.inf, high=np.inf)
        center = {} if self._center is None else {"has_center": True, "center": self._center[layer]}
        return _arguments(
            n_seen=n_seen,
            mean=means[layer],
            squares=squares[layer],
            width=self._width(n_seen + n_images),
            **center,
        )

    def _are_few(self, n_seen):
        return n_seen < max(1, min(_N_FEW, self._n_images))

    def _width(self, n_seen):
        """Half width of a band in standard deviations of the images' means."""
        width = _WIDTH_KEPT / np.sqrt(self._n_images)
        if self._center is None:
            unseen = max(0.0, 1 / n_seen - 1 / self._n_images)
            width += (_WIDTH_RUNNING + _WIDTH_OF_FEW / n_seen) * np.sqrt(unseen)
        return width

    def bounds(self):
        """Low and high end of every layer's band, two ndarrays (n_layers,), float32."""
        bands = [self.of_layer(layer, np.empty(0)) for layer in range(len(self._seen[1]))]
        return tuple(np.array(ends, dtype=np.float32) for ends in zip(*bands, strict=True))

    @np.errstate(over="ignore", invalid="ignore")
    def update(self, means):
        """Take the means of further images into account, ndarray (n_images, n_layers)."""
        self._seen = _merged(self._seen, _moments(means))


def _moments(means):
    """Number, mean and sum of squared deviations."""
    n = len(means)
    mean = means.mean(axis=0) if n else np.zeros(means.shape[1:])
    return n, mean, ((means - mean) ** 2).sum(axis=0)


def _merged(first, second):
    """Moments of both together, of numbers, arrays or tensors; one of them has images."""
    (n_first, mean_first, squares_first), (n_second, mean_second, squares_second) = first, second
    n = n_first + n_second
    step = mean_second - mean_first
    return (
        n,
        mean_first + step * (n_second / n),
        squares_first + squares_second + step**2 * (n_first * n_second / n),
    )
