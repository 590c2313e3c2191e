# SPDX-License-Identifier: BSD-3-Clause
"""The reduction that computes the statistics of feature maps."""

import numpy as np

from ._device_reducers import DeviceReducer
from ._device_statistics import StatisticPlan
from ._finite import all_finite, refuse_non_finite
from ._map_statistics import describe_maps, root_covariances
from ._reducers import Reduction
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

    def make_device_reducer(self, n_images):
        """Make a `DeviceReducer` with the same results."""
        return _DeviceStatisticReducer(self.statistics, n_images)


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
        values = {}
        if self._takes_maps:
            moments, autocorrelation, sums = describe_maps(outputs, self._lags)
            values.update(moments=moments, autocorrelation=autocorrelation, sums=sums)
        else:
            values["sums"] = sum_neurons(outputs.reshape(len(outputs), -1))
        if layer in self._gram_layers:
            values["gram"] = root_covariances(outputs)
        self.take(layer, values)

    def take(self, layer, values):
        """Take the values of a layer, dict of ndarrays."""
        first = self._first_maps[layer]
        maps = slice(first, first + self._layout.n_maps[layer])
        for name, rows in (("moments", self._moments), ("autocorrelation", self._autocorrelation)):
            if name in values:
                rows[..., maps] = values[name].reshape(rows[..., maps].shape)
        if "gram" in values:
            self._gram[layer] = values["gram"]
        self._sums[:, layer] = values["sums"].reshape(-1)
        self._overflows[layer] = not all(
            all_finite(own) for name, own in values.items() if name != "sums"
        )

    def plans(self):
        """List what the device computes of each layer, for `take`."""
        lags = self._lags if self._takes_maps else ()
        layers = range(self._layout.n_layers)
        return [StatisticPlan(self._takes_maps, lags, n in self._gram_layers) for n in layers]

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


class _DeviceStatisticReducer(DeviceReducer):
    def __init__(self, statistics, n_images):
        self._reducer = _StatisticReducer(statistics, n_images)
        super().__init__(self._reducer.plans())

    def take(self, layer, values):
        names = {"moments", "autocorrelation", "gram"} & values.keys()
        own = {name: values[name] for name in names}
        sums = np.where(values["finite"][:, 0], values["sums"][:, 0], np.nan)
        self._reducer.take(layer, {**own, "sums": sums})

    def results(self):
        return self._reducer.results()
