# SPDX-License-Identifier: BSD-3-Clause
"""One threshold for each feature map: sums of the maps, and counts against their means."""

import numpy as np

from ._device_plans import CountPlan
from ._device_reducers import DeviceSumReducer, feature_plan
from ._finite import refuse_non_finite
from ._reducers import CountReduction, Reduction
from ._reductions import count_active, neurons_of

# Rows of so many values are added fastest.
_ROW = 1024


class MapSumReduction(Reduction):
    """Adds up the neurons of each feature map of each image."""

    def __init__(self, layout):
        self.layout = layout

    def make_reducer(self, n_images):
        """Make the reducer of a batch; its results are sums (n_maps,), float64."""
        return _MapSumReducer(self.layout, n_images)

    def make_unit_reducer(self, n_images):
        """Make a `DeviceReducer` with the same results."""
        return DeviceSumReducer(self.layout, n_images)


class _MapSumReducer:
    def __init__(self, layout, n_images):
        self._layout = layout
        self._sums = [np.empty((n_images, n_maps)) for n_maps in layout.n_maps]

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, layer, outputs):
        n_maps = self._layout.n_maps[layer]
        for image, neurons in enumerate(neurons_of(outputs, self._layout.neuron)):
            self._sums[layer][image] = sum_of_maps(neurons, n_maps)

    def results(self):
        refuse_non_finite(self._layout, [not np.isfinite(sums).all() for sums in self._sums])
        return list(np.concatenate(self._sums, axis=1))


def sum_of_maps(neurons, n_maps):
    """Add the neurons of each map in float64; neuron i belongs to map i modulo `n_maps`."""
    together = max(1, _ROW // n_maps)
    end = len(neurons) // (together * n_maps) * together * n_maps
    wide = neurons[:end].reshape(-1, together * n_maps)
    sums = np.add.reduce(wide, axis=0, dtype=np.float64).reshape(together, n_maps).sum(axis=0)
    return sums + np.add.reduce(neurons[end:].reshape(-1, n_maps), axis=0, dtype=np.float64)


class ExactSum:
    """A running sum of float64 arrays, with twice the digits, so that their order does not matter.

    The sum of two numbers and its rounding error are found as in Knuth, The Art of Computer
    Programming, vol. 2, section 4.2.2.
    """

    def __init__(self, size):
        self._sum, self._error = np.zeros((2, size))

    def add(self, values):
        """Add an array."""
        total = self._sum + values
        added = total - self._sum
        self._error += (self._sum - (total - added)) + (values - added)
        self._sum = total

    def rounded(self):
        """Return the sum, rounded to float64."""
        return self._sum + self._error


class MapCountReduction(CountReduction):
    """Counts the neurons above the threshold of their own feature map (n_maps,), float64."""

    def plan(self, layer):
        """Return the plan of a layer and the thresholds of its maps."""
        limits = self._limits(layer)
        return CountPlan(feature_plan(self.layout, layer), len(limits), True), limits

    def count(self, layer, neurons):
        """Count the neurons (n_images, n_neurons) of a layer: (n_images, columns)."""
        counts = count_active(neurons, self._limits(layer), self.layout.n_maps[layer])
        return counts.reshape(len(counts), self.layout.columns[layer], -1).sum(axis=2)

    def _limits(self, layer):
        first = self.layout.n_maps[:layer].sum()
        return self.thresholds[first : first + self.layout.n_maps[layer]]
