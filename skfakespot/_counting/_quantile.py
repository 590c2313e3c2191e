"""Exact quantiles of each layer, found by histograms in two passes."""

import threading

import numpy as np

from ._reducers import Reduction, refuse_non_finite
from ._reductions import neurons_of

# The first pass finds the upper 16 bits of the quantile's ordinal, the second the lower 16.
_N_BINS = 1 << 16
_FIRST_FINITE, _LAST_FINITE = 0x80, 0xFF7F
_SIGN = np.uint32(1 << 31)


def find_quantile(layout, run_pass, quantile):
    """Find the quantile of each layer over all images and neurons: (n_layers,), float64.

    It is the least float32 value that at least this share of the neurons do not exceed.
    ``run_pass(reduction)`` lets all images pass through the network, twice.
    """
    first = HistogramReduction(layout)
    run_pass(first)
    finite = np.zeros(_N_BINS, dtype=bool)
    finite[_FIRST_FINITE : _LAST_FINITE + 1] = True
    refuse_non_finite(layout, first.histograms[:, ~finite].any(axis=1))
    up_to = first.histograms.cumsum(axis=1)
    rank = np.ceil(quantile * up_to[:, -1]).clip(1).astype(np.int64)
    upper, rank = _bin_of(rank, up_to)
    second = HistogramReduction(layout, upper)
    run_pass(second)
    lower, _ = _bin_of(rank, second.histograms.cumsum(axis=1))
    thresholds = from_ordinals(upper.astype(np.uint32) << 16 | lower.astype(np.uint32))
    # Devices compute denormal numbers as zero.
    is_denormal = np.abs(thresholds) < np.finfo(np.float32).tiny
    return np.where(is_denormal, 0.0, thresholds.astype(np.float64))


def _bin_of(rank, up_to):
    """The bins in which the values of a rank lie, and their ranks there."""
    bins = (up_to >= rank[:, None]).argmax(axis=1)
    before = np.where(bins > 0, up_to[np.arange(len(bins)), bins - 1], 0)
    return bins, rank - before


class HistogramReduction(Reduction):
    """Adds the neurons of all images to one histogram for each layer, in this process.

    A bin holds the values whose ordinals have the same upper 16 bits. With `upper` (n_layers,),
    only values with these upper bits are counted, and a bin holds those with the same lower bits.
    """

    def __init__(self, layout, upper=None):
        self.layout, self.upper = layout, upper
        self.histograms = np.zeros((layout.n_layers, _N_BINS), dtype=np.int64)
        self._lock = threading.Lock()

    def make_reducer(self, n_images):
        """Make the reducer of a batch."""
        return _HistogramReducer(self, n_images)

    def add(self, histograms):
        """Add the histograms of a batch."""
        with self._lock:
            self.histograms += histograms


class _HistogramReducer:
    def __init__(self, reduction, n_images):
        self._reduction, self._n_images = reduction, n_images
        self._histograms = np.zeros_like(reduction.histograms)

    def __call__(self, layer, outputs):
        for neurons in neurons_of(outputs, self._reduction.layout.neuron):
            ordinals = to_ordinals(neurons)
            bins = ordinals >> 16
            if self._reduction.upper is not None:
                bins = ordinals[bins == self._reduction.upper[layer]] & (_N_BINS - 1)
            self._histograms[layer] += np.bincount(bins, minlength=_N_BINS)

    def results(self):
        self._reduction.add(self._histograms)
        return [None] * self._n_images


def to_ordinals(values):
    """Turn float32 values into uint32 numbers that are in the same order."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    # All bits of a negative number are inverted, and the sign bit of the others.
    return bits ^ ((bits.view(np.int32) >> 31).view(np.uint32) | _SIGN)


def from_ordinals(ordinals):
    """Turn the numbers of `to_ordinals` back into float32 values."""
    ordinals = np.asarray(ordinals, dtype=np.uint32)
    return np.where(ordinals < _SIGN, ~ordinals, ordinals ^ _SIGN).view(np.float32)
