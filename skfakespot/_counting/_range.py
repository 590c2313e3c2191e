# SPDX-License-Identifier: BSD-3-Clause
"""The range of each neuron's outputs over some images, and counts of the neurons outside it."""

from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from ._finite import refuse_non_finite
from ._reducers import CountReduction, Reduction
from ._reductions import count_in_columns, neurons_of

# Neurons whose extremes are updated together; they stay in the cache of a core.
_PIECE = 1 << 14


class Side(NamedTuple):
    """An end of a range: what is nearer to it, farther from it, and beyond it."""

    nearer: Callable
    farther: Callable
    beyond: Callable
    start: float


_LOW = Side(np.minimum, np.maximum, np.less, np.inf)
_HIGH = Side(np.maximum, np.minimum, np.greater, -np.inf)
SIDES = {"boundary": (_LOW, _HIGH), "strong": (_HIGH,)}


class Extremes:
    """The two most extreme outputs of each neuron on one side, and which image has the first.

    With the second, the range over all other images is known for each image.
    """

    def __init__(self, side, n_neurons):
        self._side = side
        self.first, self.second = np.full((2, n_neurons), side.start, dtype=np.float32)
        self.holder = np.zeros(n_neurons, dtype=np.int32)

    def add(self, first, second, holder, piece=slice(None)):
        """Take further images into account: their extremes, and the image of the first."""
        nearer, farther, beyond, _ = self._side
        own_first, own_second = self.first[piece], self.second[piece]
        np.copyto(self.holder[piece], holder, where=beyond(first, own_first))
        nearer(own_second, second, out=own_second)
        nearer(own_second, farther(own_first, first), out=own_second)
        nearer(own_first, first, out=own_first)

    def add_images(self, neurons):
        """Take the outputs of a batch into account, (n_images, n_neurons)."""
        for start in range(0, neurons.shape[1], _PIECE):
            piece = slice(start, start + _PIECE)
            for image, row in enumerate(neurons[:, piece]):
                self.add(row, self._side.start, image, piece)

    def held_alone(self):
        """Neurons whose first extreme is beyond the range of the other images, and its holders."""
        neurons = np.flatnonzero(self._side.beyond(self.first, self.second))
        return neurons, self.holder[neurons]


class RangeReduction(Reduction):
    """Finds the extremes of each neuron over the images of a batch."""

    def __init__(self, layout, sides):
        self.layout, self.sides = layout, sides

    def make_reducer(self, n_images):
        """Make the reducer of a batch; its results are itself, n_images times."""
        return _RangeReducer(self, n_images)


class _RangeReducer:
    def __init__(self, reduction, n_images):
        self._neuron, self._n_images = reduction.layout.neuron, n_images
        self.layers = [
            [Extremes(side, n_neurons) for side in reduction.sides]
            for n_neurons in reduction.layout.n_neurons
        ]

    def __call__(self, layer, outputs):
        neurons = neurons_of(outputs, self._neuron)
        for extremes in self.layers[layer]:
            extremes.add_images(neurons)

    def results(self):
        return [self] * self._n_images


class TrainingRange:
    """The range of each neuron over all training images, and over all but one of them.

    Parameters
    ----------
    layout : FeatureLayout
        Neurons and features of the network.
    sides : tuple of Side
        The ends of the range that are found.
    batches : iterable of ReducedBatch
        Results of a `RangeReduction`.
    """

    def __init__(self, layout, sides, batches):
        self._layout, images = layout, []
        self._layers = [[Extremes(side, n) for side in sides] for n in layout.n_neurons]
        for indices, results in batches:
            images.append(indices)
            for reducer, group in groupby(zip(results, indices, strict=True), itemgetter(0)):
                self._add(reducer, np.array([index for _, index in group], dtype=np.int32))
        self.images = np.concatenate([np.empty(0, dtype=np.intp), *images])

    def _add(self, reducer, images):
        for all_sides, sides in zip(self._layers, reducer.layers, strict=True):
            for extremes, new in zip(all_sides, sides, strict=True):
                extremes.add(new.first, new.second, images[new.holder])

    def limits(self):
        """Return the ends of all neurons' ranges, (n_sides, n_neurons), float32."""
        layers = [np.stack([extremes.first for extremes in sides]) for sides in self._layers]
        refuse_non_finite(self._layout, [not np.isfinite(layer).all() for layer in layers])
        return np.concatenate(layers, axis=1)

    def fill(self, counts):
        """Count the neurons of each image that lie outside the range of all other images.

        Writes the rows of `images` into counts (n_all_images, n_features).
        """
        counts[self.images] = 0
        layout = self._layout
        for layer, sides in enumerate(self._layers):
            for extremes in sides:
                neurons, holders = extremes.held_alone()
                features = layout.first_features[layer] + neurons % layout.columns[layer]
                np.add.at(counts, (holders, features), 1)


class OutsideReduction(CountReduction):
    """Counts the neurons outside their range, whose ends are (n_sides, n_neurons), float32."""

    def __init__(self, layout, sides, limits):
        self.layout, self.sides, self.limits = layout, sides, limits

    def plan(self, layer):  # noqa: ARG002
        """Return no plan: the ends of all ranges would be copied to the device for each batch."""
        return None, None

    def count(self, layer, neurons):
        """Count the neurons (n_images, n_neurons) of a layer: (n_images, columns)."""
        first, columns = self.layout.n_neurons[:layer].sum(), self.layout.columns[layer]
        limits = self.limits[:, first : first + neurons.shape[1]]
        counts = np.zeros((len(neurons), columns), dtype=np.int64)
        for image, row in enumerate(neurons):
            for side, limit in zip(self.sides, limits, strict=True):
                counts[image] += count_in_columns(side.beyond(row, limit), columns)
        return counts
