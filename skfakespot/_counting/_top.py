# SPDX-License-Identifier: BSD-3-Clause
"""Counts of the neurons with the largest outputs of their layer: top-k neuron coverage."""

import numpy as np

from ._device_plans import TopPlan
from ._device_reducers import NO_ARGUMENTS, feature_plan
from ._reducers import CountReduction


class TopReduction(CountReduction):
    """Counts the neurons above the (k + 1)-th largest output of their layer for the same image.

    They are the k largest. Neurons that tie with the (k + 1)-th are not counted, so that the
    counts do not depend on the order of neurons.
    """

    def __init__(self, layout, k):
        self.layout, self.k = layout, k

    def plan(self, layer):
        """Return the plan of a layer, which has no arguments."""
        return TopPlan(feature_plan(self.layout, layer), self.k), NO_ARGUMENTS

    def count(self, layer, neurons):
        """Count the neurons (n_images, n_neurons) of a layer: (n_images, columns)."""
        columns, n_neurons = self.layout.columns[layer], neurons.shape[1]
        limits = np.full(len(neurons), -np.inf, dtype=np.float32)
        if self.k < n_neurons:
            rank = n_neurons - self.k - 1
            limits = np.array([np.partition(row, rank)[rank] for row in neurons])
        images, places = np.nonzero(neurons > limits[:, None])
        counts = np.bincount(images * columns + places % columns, minlength=len(neurons) * columns)
        return counts.reshape(len(neurons), columns)
