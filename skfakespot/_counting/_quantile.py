# SPDX-License-Identifier: BSD-3-Clause
"""Exact quantiles of each layer, found by histograms in two passes."""

import threading

import numpy as np

from ._finite import refuse_non_finite
from ._reducers import Reduction
from ._reductions import groups, neurons_of

# The first pass finds the upper 16 bits of the quantile's ordinal, the second the lower 16.
_N_BINS = 1 << 16
_FIRST_FINITE, _LAST_FINITE = 0x80, 0xFF7F
_SIGN = np.uint32(1 << 31)


def find_quantiles(layout, run_pass, quantiles):
    """Find quantiles of each layer over all images and neurons: (n_layers, n_quantiles), float64.

    Each is the least float32 value that at least this share of the neurons do not exceed.
    ``run_pass(reduction)`` lets all images pass through the network, twice.
    """
    first = HistogramReduction(layout)
    run_pass(first)
    finite = np.zeros(_N_BINS, dtype=bool)
    finite[_FIRST_FINITE : _LAST_FINITE + 1] = True
    refuse_non_finite(layout, first.histograms[:, :, ~finite].any(axis=(1, 2)))
    up_to = first.histograms.cumsum(axis=2)
    rank = np.ceil(up_to[:, :, -1] * np.asarray(quantiles)).clip(1).astype(np.int64)
    upper, rank = _bins_of(rank, up_to)
    second = HistogramReduction(layout, upper)
    run_pass(second)
    lower, _ = _bins_of(rank, second.histograms.cumsum(axis=2))
    thresholds = from_ordinals(upper.astype(np.uint32) << 16 | lower.astype(np.uint32))
    # Devices compute denormal numbers as zero.
    is_denormal = np.abs(thresholds) < np.finfo(np.float32).tiny
    return np.where(is_denormal, 0.0, thresholds.astype(np.float64))


def _bins_of(ranks, up_to):
    """The bins in which the values of ranks (n_layers, n_ranks) lie, and their ranks there.

    Takes the cumulative histograms (n_layers, n_ranks or 1, n_bins).
    """
    bins = np.empty_like(ranks)
    before = np.zeros_like(ranks)
    for place, rank in np.ndenumerate(ranks):
        cumulative = up_to[place if up_to.shape[1] > 1 else (place[0], 0)]
        bins[place] = np.searchsorted(cumulative, rank)
        if bins[place] > 0:
            before[place] = cumulative[bins[place] - 1]
    return bins, ranks - before


class HistogramReduction(Reduction):
    """Adds the neurons of all images to histograms of each layer, in this process.

    A bin holds the values whose ordinals have the same upper 16 bits. With `upper` (n_layers,
    n_histograms), a histogram counts only values with these upper bits, and a bin holds those with
    the same lower bits.
    """

    def __init__(self, layout, upper=None):
        self.layout, self.upper = layout, upper
        n_histograms = 1 if upper is None else upper.shape[1]
        self.histograms = np.zeros((layout.n_layers, n_histograms, _N_BINS), dtype=np.int64)
        self._lock = threading.Lock()

    def make_reducer(self, n_images):
        """Make the reducer of a batch."""
        return _HistogramReducer(self, n_images)

    def add(self, layer, number, bins, counts):
        """Add the counts of some bins to a histogram."""
        with self._lock:
            self.histograms[layer, number, bins] += counts


class _HistogramReducer:
    def __init__(self, reduction, n_images):
        self._reduction, self._n_images = reduction, n_images
        self._found = []

    def __call__(self, layer, outputs):
        neurons = neurons_of(outputs, self._reduction.layout.neuron)
        if self._reduction.upper is None:
            rows, histograms = [0], _histogram_of_upper_bits(neurons)
        else:
            upper, rows = np.unique(self._reduction.upper[layer], return_inverse=True)
            histograms = _histograms_of_lower_bits(neurons, upper)
        for number, row in enumerate(rows):
            bins = np.flatnonzero(histograms[row])
            self._found.append((layer, number, bins, histograms[row, bins]))

    def results(self):
        for found in self._found:
            self._reduction.add(*found)
        return [None] * self._n_images


def _histogram_of_upper_bits(neurons):
    histogram = np.zeros((1, _N_BINS), dtype=np.int64)
    for images in groups(neurons):
        bins = to_ordinals(neurons[images].ravel()) >> 16
        histogram += np.bincount(bins, minlength=_N_BINS)
    return histogram


def _histograms_of_lower_bits(neurons, upper):
    """One histogram for each of some different upper bits, (n_histograms, n_bins)."""
    first_of = np.full(_N_BINS, -1, dtype=np.intp)
    first_of[upper] = np.arange(len(upper)) * _N_BINS
    histograms = np.zeros(len(upper) * _N_BINS, dtype=np.int64)
    for images in groups(neurons):
        ordinals = to_ordinals(neurons[images].ravel())
        firsts = first_of[ordinals >> 16]
        inside = np.flatnonzero(firsts >= 0)
        np.add.at(histograms, firsts[inside] + (ordinals[inside] & (_N_BINS - 1)), 1)
    return histograms.reshape(len(upper), _N_BINS)


def to_ordinals(values):
    """Turn float32 values into uint32 numbers that are in the same order."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    # All bits of a negative number are inverted, and the sign bit of the others.
    return bits ^ ((bits.view(np.int32) >> 31).view(np.uint32) | _SIGN)


def from_ordinals(ordinals):
    """Turn the numbers of `to_ordinals` back into float32 values."""
    ordinals = np.asarray(ordinals, dtype=np.uint32)
    return np.where(ordinals < _SIGN, ~ordinals, ordinals ^ _SIGN).view(np.float32)
