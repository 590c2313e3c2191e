# SPDX-License-Identifier: BSD-3-Clause
"""Reducers of a batch whose layers are reduced on the device; see `_reducers`."""

from abc import ABC, abstractmethod

import numpy as np

from ._bands import BandPlan
from ._device_plans import FeaturePlan, ProfilePlan, SumPlan
from ._finite import refuse_non_finite
from ._profile import ActivationProfile

NO_ARGUMENTS = np.empty(0, dtype=np.float32)


class DeviceReducer(ABC):
    """What is computed of each layer on the device, and what becomes of it.

    `plans` is a tuple of a `LayerPlan` for each layer, and `arguments` a list of float32 arrays
    with their values for this batch.
    """

    def __init__(self, plans, arguments=None):
        self.plans = tuple(plans)
        self.arguments = [NO_ARGUMENTS] * len(self.plans) if arguments is None else list(arguments)

    @abstractmethod
    def take(self, layer, values):
        """Take the values of a layer, dict of ndarrays; see `LayerResults`."""

    @abstractmethod
    def results(self):
        """Return one result for each image."""


def feature_plan(layout, layer):
    """Return which neurons of a layer belong to which feature of a `FeatureLayout`."""
    by_map = layout.output == "channel"
    if layout.cells[layer] == 1:
        return FeaturePlan(by_map)
    cells = [tuple((own.start, own.stop) for own in cell) for cell in layout.cell_slices(layer)]
    return FeaturePlan(by_map, tuple(cells))


class DeviceCountReducer(DeviceReducer):
    """Takes the counts of plans; the results are (n_features * n_counts,), int64."""

    def __init__(self, layout, n_counts, n_images, plans, arguments=None):
        super().__init__(plans, arguments)
        self._layout = layout
        self._counts = np.empty((n_images, layout.n_features, n_counts), dtype=np.int64)
        self._non_finite = np.zeros(layout.n_layers, dtype=bool)

    def take(self, layer, values):
        """Take the counts of a layer."""
        features = self._layout.features_of(layer)
        own = self._counts[:, features]
        own[:] = values["counts"].reshape(own.shape)
        self._non_finite[layer] = not values["finite"].all()

    def results(self):
        """Return the counts of each image."""
        refuse_non_finite(self._layout, self._non_finite)
        return list(self._counts.reshape(len(self._counts), -1))


class DeviceSumReducer(DeviceReducer):
    """Takes the sums of feature maps; the results are (n_maps,), float64."""

    def __init__(self, layout, n_images):
        super().__init__([SumPlan()] * layout.n_layers)
        self._layout, self._n_images = layout, n_images
        self._sums = [None] * layout.n_layers
        self._non_finite = np.zeros(layout.n_layers, dtype=bool)

    def take(self, layer, values):
        """Take the sums of a layer."""
        self._sums[layer] = values["sums"]
        self._non_finite[layer] = not values["finite"].all()

    def results(self):
        """Return the sums of each image."""
        refuse_non_finite(self._layout, self._non_finite)
        return list(np.concatenate(self._sums, axis=1))


class DeviceMeanReducer(DeviceReducer):
    """Gives the means of feature maps, the neurons of ``neuron="channel"``, to a reducer."""

    def __init__(self, layout, reducer):
        super().__init__([SumPlan()] * layout.n_layers)
        self._n_places, self._reducer = layout.n_places, reducer

    def take(self, layer, values):
        """Reduce the means of a layer."""
        with np.errstate(over="ignore", invalid="ignore"):
            means = (values["sums"] / self._n_places[layer]).astype(np.float32)
        means[~values["finite"][:, 0]] = np.nan
        self._reducer(layer, means)

    def results(self):
        """Return those of the reducer."""
        return self._reducer.results()


class DeviceProfileReducer(DeviceReducer):
    """Takes profiles in a band; the results are of type `ActivationProfile`."""

    def __init__(self, layout, band, n_images):
        layers = range(layout.n_layers)
        super().__init__(
            [ProfilePlan(feature_plan(layout, layer), BandPlan()) for layer in layers],
            [band.arguments(layer, n_images) for layer in layers],
        )
        self._layout = layout
        self._sums = np.empty((n_images, layout.n_layers))
        self._low, self._high = np.empty((2, layout.n_layers), dtype=np.float32)
        self._above = np.empty((n_images, layout.n_features), dtype=np.int32)
        self._lengths = np.empty((n_images, layout.n_layers), dtype=np.int32)
        self._values = [None] * layout.n_layers
        self._columns = [None] * layout.n_layers
        self._non_finite = np.zeros(layout.n_layers, dtype=bool)

    def take(self, layer, values):
        """Take the sums, counts and neurons of a layer."""
        self._sums[:, layer] = values["sums"][:, 0]
        self._low[layer], self._high[layer] = values["band"][0]
        self._above[:, self._layout.features_of(layer)] = values["above"]
        self._lengths[:, layer] = values["lengths"]
        ends = np.cumsum(values["lengths"])[:-1]
        self._values[layer] = np.split(values["values"], ends)
        columns = values.get("columns", np.empty(0, dtype=np.int32))
        is_small = self._layout.columns[layer] <= 1 << 16
        columns = columns.astype(np.uint16 if is_small else np.uint32)
        self._columns[layer] = np.split(columns, ends) if len(columns) else []
        self._non_finite[layer] = not values["finite"].all()

    def results(self):
        """Return the profile of each image."""
        refuse_non_finite(self._layout, self._non_finite)
        return [self._profile(image) for image in range(len(self._sums))]

    def _profile(self, image):
        columns = [layer[image] for layer in self._columns if layer]
        return ActivationProfile(
            self._sums[image],
            self._low,
            self._high,
            self._above[image],
            np.concatenate([layer[image] for layer in self._values]),
            self._lengths[image],
            np.concatenate([np.empty(0, np.uint16), *columns]),
        )
