# SPDX-License-Identifier: BSD-3-Clause
"""Reductions: what is kept of the layers' outputs while a batch passes through the network.

A `Reduction` belongs to a pass. It makes one reducer for each batch, which is called with the
outputs of each layer and then returns one result for each image. A new statistic is a new
`Reduction` in a file of its own.
"""

import copy
from abc import ABC, abstractmethod

import numpy as np

from ._bands import round_down
from ._device_plans import CountPlan
from ._device_reducers import (
    DeviceCountReducer,
    DeviceMeanReducer,
    DeviceProfileReducer,
    feature_plan,
)
from ._finite import all_finite, refuse_non_finite
from ._profile import ActivationProfile
from ._reductions import count_active, neurons_of, split_cells, sum_and_split, sum_neurons


class Reduction(ABC):
    """What is kept of each image in a pass. It can be sent to another process."""

    @abstractmethod
    def make_reducer(self, n_images):
        """Make the reducer of a batch; see `skfakespot._network.NetworkReader.read`."""

    def make_device_reducer(self, n_images):
        """Make a `DeviceReducer` of a batch, or return None if there is none for this reduction."""
        if self.layout.neuron == "channel":
            return DeviceMeanReducer(self.layout, self.make_reducer(n_images))
        return self.make_unit_reducer(n_images)

    def make_unit_reducer(self, n_images):  # noqa: B027
        """Make it for neurons that are single outputs; some reductions have none."""

    def snapshot(self):
        """Return the reduction as it is now, for a batch that is computed later."""
        return self

    def update(self, results):  # noqa: B027 - most reductions have nothing to learn
        """Learn from the results of a batch, for batches that follow."""


class CountReduction(Reduction):
    """Counts the neurons above the thresholds (n_layers,), float64: eq. 2.

    A subclass that overrides `count` counts other neurons, `n_counts` times for each feature.
    """

    n_counts = 1

    def __init__(self, layout, thresholds):
        self.layout, self.thresholds = layout, round_down(thresholds)

    def make_reducer(self, n_images):
        """Make the reducer of a batch; its results are (n_features * n_counts,), int64."""
        return _CountReducer(self, n_images)

    def make_unit_reducer(self, n_images):
        """Make a `DeviceReducer`, whose plans are those of `plan`."""
        layers = range(self.layout.n_layers)
        plans, arguments = zip(*map(self.plan, layers), strict=True)
        if None in plans:
            return None
        return DeviceCountReducer(self.layout, self.n_counts, n_images, plans, arguments)

    def plan(self, layer):
        """Return the plan of a layer and its arguments; a plan of None is for the host alone."""
        return CountPlan(feature_plan(self.layout, layer)), self.thresholds[[layer]]

    def count(self, layer, neurons):
        """Count neurons (n_images, n_neurons) of a layer, or of a cell of its maps.

        Returns (n_images, columns * n_counts).
        """
        columns = self.layout.columns[layer] // self.layout.cells[layer]
        return count_active(neurons, self.thresholds[layer], columns)


class _CountReducer:
    def __init__(self, reduction, n_images):
        self._layout, self._reduction = reduction.layout, reduction
        shape = (n_images, self._layout.n_features, reduction.n_counts)
        self._counts = np.empty(shape, dtype=np.int64)
        self._non_finite = np.zeros(self._layout.n_layers, dtype=bool)

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, layer, outputs):
        layout = self._layout
        neurons = neurons_of(outputs, layout.neuron)
        cells = layout.divide(layer, outputs) if layout.cells[layer] > 1 else [neurons]
        columns = layout.columns[layer] // len(cells)
        counts = [
            self._reduction.count(layer, cell).reshape(len(neurons), columns, -1) for cell in cells
        ]
        counts = np.concatenate(counts, axis=1)
        self._counts[:, self._layout.features_of(layer)] = counts
        self._non_finite[layer] = not all_finite(neurons)

    def results(self):
        refuse_non_finite(self._layout, self._non_finite)
        return list(self._counts.reshape(len(self._counts), -1))


class ProfileReduction(Reduction):
    """Keeps a profile of each image, in a band that follows the images seen."""

    def __init__(self, layout, band):
        self.layout, self.band = layout, band

    def snapshot(self):
        """Return a copy whose band stays as it is now."""
        return ProfileReduction(self.layout, copy.copy(self.band))

    def update(self, results):
        """Let the band follow the means of these images."""
        sums = np.array([profile.sums for profile in results])
        self.band.update(sums / self.layout.n_neurons)

    def make_reducer(self, n_images):
        """Make the reducer of a batch; its results are of type `ActivationProfile`."""
        return _ProfileReducer(self, n_images)

    def make_unit_reducer(self, n_images):
        """Make a `DeviceReducer` with the same results."""
        return DeviceProfileReducer(self.layout, self.band, n_images)


class _ProfileReducer:
    def __init__(self, reduction, n_images):
        self._layout, self._band = reduction.layout, reduction.band
        n_layers = self._layout.n_layers
        self._sums = np.empty((n_images, n_layers))
        self._low, self._high = np.empty((2, n_layers), dtype=np.float32)
        self._above = np.empty((n_images, self._layout.n_features), dtype=np.int32)
        self._inside = [[] for _ in range(n_layers)]
        self._inside_columns = [[] for _ in range(n_layers)]

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, layer, outputs):
        layout = self._layout
        neurons = neurons_of(outputs, layout.neuron)
        means = np.empty(0)
        if self._band.needs_means:
            means = sum_neurons(neurons) / layout.n_neurons[layer]
        low, high = self._band.of_layer(layer, means)
        if layout.cells[layer] == 1:
            split = sum_and_split(neurons, low, high, layout.columns[layer])
        else:
            cells = layout.divide(layer, outputs)
            split = sum_neurons(neurons), *split_cells(cells, low, high, layout.n_maps[layer])
        sums, above, inside, columns = split
        if layout.output == "channel" and layout.columns[layer] == 1:
            columns = [[np.zeros(len(own), np.uint16) for own in pieces] for pieces in inside]
        self._sums[:, layer] = sums
        self._low[layer], self._high[layer] = low, high
        self._above[:, layout.features_of(layer)] = above
        self._inside[layer], self._inside_columns[layer] = inside, columns

    def results(self):
        refuse_non_finite(self._layout, ~np.isfinite(self._sums).all(axis=0))
        return [self._profile(image) for image in range(len(self._sums))]

    def _profile(self, image):
        pieces = [layer[image] for layer in self._inside]
        columns = [piece for layer in self._inside_columns for piece in layer[image]]
        return ActivationProfile(
            self._sums[image],
            self._low,
            self._high,
            self._above[image],
            np.concatenate([piece for layer in pieces for piece in layer]),
            np.array([sum(map(len, layer)) for layer in pieces], dtype=np.int32),
            np.concatenate([np.empty(0, np.uint16), *columns]),
        )
