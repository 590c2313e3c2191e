# SPDX-License-Identifier: BSD-3-Clause
"""Which statistics are taken of the feature maps, and the columns that they fill."""

from typing import NamedTuple

import numpy as np

STATISTICS = (
    "coverage",
    "mean",
    "std",
    "skewness",
    "kurtosis",
    "autocorrelation",
    "gram",
    "grid",
)
LAGS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
_MOMENTS = ("mean", "std", "skewness", "kurtosis")
# The statistics that come from counts of active neurons; the others do not depend on thresholds.
_COUNTED = ("coverage", "grid")

_NO_COLUMNS = {
    "gram": "There is no layer of at most {max_maps} feature maps for 'gram': raise max_maps.",
    "grid": "No layer has feature maps of {grid} x {grid} places for 'grid': lower grid_size.",
}


class Group(NamedTuple):
    """Statistics that are computed and stored together, in one row for each image."""

    name: str
    key: str
    n_values: int


class StatisticLayout:
    """The columns of the statistics of the feature maps of a network's layers.

    Parameters
    ----------
    names : sequence of str
        Some of `STATISTICS`, in the order of their columns.
    layout : FeatureLayout
        The feature maps. It has a grid if "grid" is one of the names.
    lags : tuple of (int, int)
        Steps of "autocorrelation".
    max_maps : int
        "gram" is taken of layers of at most so many maps.

    Attributes
    ----------
    n_columns : int
        Number of columns.
    groups : tuple of Group
        The statistics that do not come from counts.
    gram_layers : ndarray, int
        The layers that "gram" is taken of.
    """

    def __init__(self, names, layout, *, lags=LAGS, max_maps=128):
        self.names, self.layout, self.lags = tuple(names), layout, tuple(map(tuple, lags))
        n_maps = int(layout.n_maps.sum())
        self.gram_layers = np.flatnonzero(layout.n_maps <= max_maps)
        maps = layout.n_maps[self.gram_layers]
        widths = dict.fromkeys((*_MOMENTS, "coverage"), n_maps)
        widths["autocorrelation"] = len(self.lags) * n_maps
        widths["gram"] = int((maps * (maps + 1) // 2).sum())
        widths["grid"] = int(layout.n_grid_features)
        for name in self.names:
            if widths[name] == 0:
                raise ValueError(_NO_COLUMNS[name].format(max_maps=max_maps, grid=layout.grid_size))
        ends = np.cumsum([widths[name] for name in self.names])
        starts = [0, *ends[:-1].tolist()]
        self._columns = dict(zip(self.names, map(slice, starts, ends.tolist()), strict=True))
        self.n_columns = int(ends[-1])
        keys = {
            "moments": (4 * n_maps, "moments"),
            "autocorrelation": (widths["autocorrelation"], f"autocorrelation {self.lags}"),
            "gram": (widths["gram"], f"gram {max_maps}"),
        }
        wanted = dict.fromkeys(map(_group_of, self.names))
        self.groups = tuple(
            Group(name, key, size) for name, (size, key) in keys.items() if name in wanted
        )

    @property
    def takes_counts(self):
        """Whether any of the statistics comes from counts of active neurons."""
        return any(name in _COUNTED for name in self.names)

    def place(self, row, group, values):
        """Write a group's values for one image into a row (n_columns,)."""
        if group.name != "moments":
            row[self._columns[group.name]] = values
            return
        for name, moment in zip(_MOMENTS, values.reshape(4, -1), strict=True):
            if name in self._columns:
                row[self._columns[name]] = moment

    def place_counts(self, matrix, counts, *, as_fractions):
        """Write counts (n_images, layout.n_features) into a matrix (n_images, n_columns)."""
        layout, sizes = self.layout, self.layout.feature_sizes[None]
        chosen = {
            "coverage": layout.add_cells,
            "grid": lambda features: features[:, layout.is_grid_feature],
        }
        for name, choose in chosen.items():
            if name in self._columns:
                values = choose(counts) / choose(sizes) if as_fractions else choose(counts)
                matrix[:, self._columns[name]] = values

    def feature_names(self):
        """Names of the columns, ndarray (n_columns,), object."""
        return np.concatenate([self._names_of(name) for name in self.names])

    def feature_layers(self):
        """Number of the layer of each column, ndarray (n_columns,), int."""
        return np.concatenate([self._layers_of(name) for name in self.names])

    def _layers_of(self, statistic):
        layout = self.layout
        of_maps = np.repeat(np.arange(layout.n_layers), layout.n_maps)
        if statistic == "grid":
            return layout.feature_layers[layout.is_grid_feature]
        if statistic == "autocorrelation":
            return np.tile(of_maps, len(self.lags))
        if statistic == "gram":
            n_maps = layout.n_maps[self.gram_layers]
            return np.repeat(self.gram_layers, n_maps * (n_maps + 1) // 2)
        return of_maps

    def _names_of(self, statistic):
        maps = self.layout.map_names()
        if statistic == "coverage":
            return maps
        if statistic == "grid":
            return self.layout.grid_names()
        if statistic == "autocorrelation":
            return _with_suffixes(maps, [f"autocorrelation({d},{r})" for d, r in self.lags])
        if statistic == "gram":
            return self._gram_names()
        return _with_suffixes(maps, [statistic])

    def _gram_names(self):
        names = []
        for layer in self.gram_layers:
            pairs = zip(*np.triu_indices(self.layout.n_maps[layer]), strict=True)
            layer_name = self.layout.layer_names[layer]
            names += [f"{layer_name}:{first},{second}:gram" for first, second in pairs]
        return np.array(names, dtype=object)


def _with_suffixes(maps, suffixes):
    return np.array([f"{name}:{suffix}" for suffix in suffixes for name in maps], dtype=object)


def _group_of(statistic):
    return "moments" if statistic in _MOMENTS else statistic
