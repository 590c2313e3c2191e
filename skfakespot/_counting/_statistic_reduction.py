"""The reduction that computes the statistics of feature maps."""

import itertools

import numpy as np

from ._map_statistics import describe_maps, root_covariances
from ._reducers import Reduction, all_finite, refuse_non_finite
from ._reductions import sum_neurons


class StatisticReduction(Reduction):
    """Computes the groups of statistics of a `StatisticLayout`, and each layer's sum.

    The result of an image is a dict: of each group its values, float32, and as "sums" the sums of
    the layers' neurons (n_layers,), float64.
    """

    def __init__(self, statistics):
        self.statistics = statistics

    def make_reducer(self, n_images):
        """Make the reducer of a batch."""
        return _StatisticReducer(self.statistics, n_images)


class _StatisticReducer:
    def __init__(self, statistics, n_images):
        layout = self._layout = statistics.layout
        self._n_images = n_images
        names = self._names = {group.name for group in statistics.groups}
        self._lags = statistics.lags if "autocorrelation" in names else ()
        self._gram_layers = set(statistics.gram_layers.tolist()) if "gram" in names else ()
        self._takes_maps = not names.isdisjoint({"moments", "autocorrelation"})
        self._sums = np.empty((n_images, layout.n_layers))
        self._overflows = np.zeros(layout.n_layers, dtype=bool)
        self._first_maps = np.cumsum(layout.n_maps) - layout.n_maps
        self._moments = np.empty((n_images, 4, layout.n_maps.sum()), dtype=np.float32)
        shape = (n_images, len(self._lags), layout.n_maps.sum())
        self._autocorrelation = np.empty(shape, dtype=np.float32)
        self._gram = {}

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, layer, outputs):
        first = self._first_maps[layer]
        maps = slice(first, first + self._layout.n_maps[layer])
        if self._takes_maps:
            moments, autocorrelation, sums = describe_maps(outputs, self._lags)
            self._moments[..., maps], self._autocorrelation[..., maps] = moments, autocorrelation
            self._overflows[layer] = not (all_finite(moments) and all_finite(autocorrelation))
        else:
            sums = sum_neurons(outputs.reshape(len(outputs), -1))
        self._sums[:, layer] = sums
        if layer in self._gram_layers:
            self._gram[layer] = root_covariances(outputs)
            self._overflows[layer] |= not all_finite(self._gram[layer])

    def results(self):
        non_finite = ~np.isfinite(self._sums).all(axis=0)
        refuse_non_finite(
            self._layout,
            non_finite | self._overflows,
            "NaN or infinite" if non_finite.any() else "so large that their squares are infinite",
        )
        rows = {"sums": self._sums}
        if "moments" in self._names:
            rows["moments"] = self._moments.reshape(self._n_images, -1)
        if "autocorrelation" in self._names:
            rows["autocorrelation"] = self._autocorrelation.reshape(self._n_images, -1)
        if "gram" in self._names:
            pieces = [self._gram[layer] for layer in sorted(self._gram)]
            rows["gram"] = np.concatenate(pieces, axis=1)
        return [
            {name: values[image] for name, values in rows.items()}
            for image in range(self._n_images)
        ]


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


class _CombinedReducer:
    def __init__(self, parts):
        self._parts = parts

    def __call__(self, layer, outputs):
        for part in self._parts:
            if part is not None:
                part(layer, outputs)

    def results(self):
        first, second = ([] if part is None else part.results() for part in self._parts)
        return list(itertools.zip_longest(first, second))
