"""Which neurons the layers of a network have, and which features they are counted in."""

import math

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

    Attributes
    ----------
    n_neurons, n_maps, columns, first_features : ndarray of shape (n_layers,)
        Of each layer the number of neurons, of feature maps and of features, and the first feature.
    feature_layers, feature_sizes : ndarray of shape (n_features,)
        Of each feature its layer, and the number of neurons that it counts.
    """

    def __init__(self, layer_names, shapes, neuron, output):
        self.layer_names, self.neuron, self.output = layer_names, neuron, output
        self.n_maps = channels = np.array([shape[-1] for shape in shapes])
        places = np.array([math.prod(shape[:-1]) for shape in shapes])
        self.n_neurons = channels if neuron == "channel" else channels * places
        self.columns = channels if output == "channel" else np.ones_like(channels)
        self.first_features = np.cumsum(self.columns) - self.columns
        self.feature_layers = np.repeat(np.arange(len(shapes)), self.columns)
        sizes = places if output == "channel" else self.n_neurons
        self.feature_sizes = sizes[self.feature_layers]
        self.n_layers, self.n_features = len(shapes), len(self.feature_layers)

    def features_of(self, layer):
        """Slice of the features of a layer."""
        first = self.first_features[layer]
        return slice(first, first + self.columns[layer])

    def feature_names(self):
        """Names of the features: the layer's, and with one for each map ``layer:number``."""
        if self.output == "layer":
            return np.array(self.layer_names, dtype=object)
        numbers = np.arange(self.n_features) - self.first_features[self.feature_layers]
        names = np.array(self.layer_names, dtype=object)[self.feature_layers]
        pairs = zip(names, numbers, strict=True)
        return np.array([f"{name}:{number}" for name, number in pairs], dtype=object)
