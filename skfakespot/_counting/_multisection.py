# SPDX-License-Identifier: BSD-3-Clause
"""Counts against several thresholds of each layer: multisections of the layer's outputs."""

import numpy as np

from ._device_plans import CountPlan
from ._device_reducers import feature_plan
from ._reducers import CountReduction
from ._reductions import count_active


class MultisectionReduction(CountReduction):
    """Counts the neurons above each of a layer's thresholds (n_layers, n_thresholds), float64."""

    @property
    def n_counts(self):
        """Number of counts for each feature."""
        return self.thresholds.shape[1]

    def plan(self, layer):
        """Return the plan of a layer and its thresholds."""
        return CountPlan(feature_plan(self.layout, layer), self.n_counts), self.thresholds[layer]

    def count(self, layer, neurons):
        """Count the neurons of a layer: (n_images, columns, n_thresholds)."""
        columns = self.layout.columns[layer]
        counts = [count_active(neurons, limit, columns) for limit in self.thresholds[layer]]
        return np.stack(counts, axis=2)
