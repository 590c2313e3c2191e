# SPDX-License-Identifier: BSD-3-Clause
"""Two reductions in one pass through the network."""

import itertools

import numpy as np

from ._device_plans import CombinedPlan
from ._device_reducers import DeviceReducer
from ._reducers import Reduction


class CombinedReduction(Reduction):
    """Two reductions in one pass; the result of an image is the pair of their results.

    One of them may be None, and so is its result.
    """

    def __init__(self, first, second):
        self._parts = first, second

    def snapshot(self):
        """Return both as they are now."""
        return CombinedReduction(*(part and part.snapshot() for part in self._parts))

    def update(self, results):
        """Let both learn from the results of a batch."""
        for part, own in zip(self._parts, zip(*results, strict=True), strict=True):
            if part is not None:
                part.update(own)

    def make_reducer(self, n_images):
        """Make the reducer of a batch."""
        return _CombinedReducer([part and part.make_reducer(n_images) for part in self._parts])

    def make_device_reducer(self, n_images):
        """Make a `DeviceReducer` of the batch, or return None if either has none."""
        made = [part.make_device_reducer(n_images) for part in self._parts if part is not None]
        if None in made:
            return None
        return _CombinedDeviceReducer([part and made.pop(0) for part in self._parts])


class _CombinedReducer:
    def __init__(self, parts):
        self._parts = parts

    def __call__(self, layer, outputs):
        for part in self._parts:
            if part is not None:
                part(layer, outputs)

    def results(self):
        return _results_of_both(self._parts)


class _CombinedDeviceReducer(DeviceReducer):
    def __init__(self, parts):
        self._parts = parts
        present = [part for part in parts if part is not None]
        if len(present) == 1:
            super().__init__(present[0].plans, present[0].arguments)
            return
        first, second = present
        super().__init__(
            map(CombinedPlan, first.plans, second.plans),
            map(np.append, first.arguments, second.arguments),
        )

    def take(self, layer, values):
        for part in self._parts:
            if part is not None:
                part.take(layer, values)

    def results(self):
        return _results_of_both(self._parts)


def _results_of_both(parts):
    first, second = ([] if part is None else part.results() for part in parts)
    return list(itertools.zip_longest(first, second))
