# SPDX-License-Identifier: BSD-3-Clause
"""Which neurons the layers of a network have, and which features they are counted in."""

import math
from itertools import pairwise

import numpy as np


class FeatureLayout:
    """Neurons and features of the layers that are read.

    Parameters
    ----------
    layer_names : tuple of str
        The layers.
    shapes : tuple of tuple of int
        Shape of each layer's output for one image; the last axis holds the feature maps.
    neuron : {"unit", "channel"}
        A neuron is every scalar of a layer's output, or the spatial mean of a feature map.
    output : {"layer", "channel"}
        A feature counts the neurons of a whole layer, or of one feature map.
    grid_size : int, default=1
        With ``output="channel"``, feature maps are divided into a grid of so many rows and columns
        of cells, and each cell is a feature of its own. Maps of fewer places a side stay whole.
    network : str, default="the network"
        What messages call the network.

    Attributes
    ----------
    n_neurons, n_maps, n_places, cells, columns, first_features : ndarray of shape (n_layers,)
        Of each layer the number of neurons, of feature maps, of places of a map, of cells of a
        map, and of features, and the first feature. Features are in the order of layers, cells and
        maps.
    feature_layers, feature_sizes : ndarray of shape (n_features,)
        Of each feature its layer, and the number of neurons that it counts.
    is_grid_feature : ndarray of shape (n_features,), bool
        Whether the feature is a cell of a divided map.
    """

    def __init__(self, layer_names, shapes, neuron, output, grid_size=1, *, network="the network"):
        self.layer_names, self.neuron, self.output = layer_names, neuron, output
        self.grid_size, self.network, self._shapes = grid_size, network, shapes
        self.n_maps = np.array([shape[-1] for shape in shapes])
        places = np.array([math.prod(shape[:-1]) for shape in shapes])
        self.n_places = places
        self.n_neurons = self.n_maps if neuron == "channel" else self.n_maps * places
        by_map = output == "channel"
        is_divided = np.array([by_map and _is_divided(shape, grid_size) for shape in shapes])
        self.cells = np.where(is_divided, grid_size**2, 1)
        self.columns = self.n_maps * self.cells if by_map else np.ones_like(self.n_maps)
        self.first_features = np.cumsum(self.columns) - self.columns
        self.feature_layers = np.repeat(np.arange(len(shapes)), self.columns)
        self.is_grid_feature = is_divided[self.feature_layers]
        self.n_layers, self.n_features = len(shapes), len(self.feature_layers)
        sizes = [
            self._cell_sizes(layer) if by_map else self.n_neurons[[layer]]
            for layer in range(self.n_layers)
        ]
        self.feature_sizes = np.concatenate(sizes)

    @property
    def n_grid_features(self):
        """Number of features that are cells of divided maps."""
        return int(self.is_grid_feature.sum())

    def features_of(self, layer):
        """Slice of the features of a layer."""
        first = self.first_features[layer]
        return slice(first, first + self.columns[layer])

    def divide(self, layer, outputs):
        """List a layer's outputs (n_images, ...) for each cell, (n_images, n_neurons_of_cell)."""
        return [
            np.ascontiguousarray(outputs[:, rows, columns]).reshape(len(outputs), -1)
            for rows, columns in self.cell_slices(layer)
        ]

    def add_cells(self, counts):
        """Add the cells of each map: from (n_images, n_features) to (n_images, n_maps)."""
        if self.grid_size == 1:
            return counts
        layers = []
        for layer in range(self.n_layers):
            cells = counts[:, self.features_of(layer)].reshape(len(counts), -1, self.n_maps[layer])
            layers.append(cells.sum(axis=1))
        return np.concatenate(layers, axis=1)

    def feature_names(self):
        """Names of the features: the layer's, and with one for each map ``layer:number``."""
        if self.output == "layer":
            return np.array(self.layer_names, dtype=object)
        return self.map_names()

    def map_names(self):
        """Names of the feature maps, ``layer:number``."""
        names = zip(self.layer_names, self.n_maps.tolist(), strict=True)
        return np.array(
            [f"{name}:{number}" for name, n_maps in names for number in range(n_maps)],
            dtype=object,
        )

    def grid_names(self):
        """Names of the cells of divided maps, ``layer:number:grid(row,column)``."""
        side = range(self.grid_size)
        return np.array(
            [
                f"{self.layer_names[layer]}:{number}:grid({row},{column})"
                for layer in np.flatnonzero(self.cells > 1)
                for row in side
                for column in side
                for number in range(self.n_maps[layer])
            ],
            dtype=object,
        )

    def cell_slices(self, layer):
        """List the cells of a layer's maps, pairs of a slice of rows and a slice of columns."""
        height, width = self._shapes[layer][:2]
        rows, columns = (_slices(n_places, self.grid_size) for n_places in (height, width))
        return [(own_rows, own_columns) for own_rows in rows for own_columns in columns]

    def _cell_sizes(self, layer):
        if self.cells[layer] == 1:
            size = self.n_neurons[layer] // self.n_maps[layer]
            return np.full(self.n_maps[layer], size)
        sizes = [
            (rows.stop - rows.start) * (columns.stop - columns.start)
            for rows, columns in self.cell_slices(layer)
        ]
        return np.repeat(sizes, self.n_maps[layer])


def _is_divided(shape, grid_size):
    return grid_size > 1 and len(shape) == 3 and min(shape[:2]) >= grid_size


def _slices(n_places, n_parts):
    """Cut places into parts that differ by one place at most."""
    ends = [n_places * part // n_parts for part in range(n_parts + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]
