"""What is kept of the layers' outputs while a batch passes through the network."""

import threading

import numpy as np

from ._bands import round_down
from ._profiles import Profile
from ._reductions import count_active, neurons_of, sum_and_split, sum_neurons

# Quantiles are found by halves of a float32 number's 32 bits.
N_BINS = 1 << 16


class CountRecorder:
    """Counts each image's neurons above the thresholds (eq. 2).

    Parameters
    ----------
    thresholds : ndarray of shape (n_layers,), float64
        One threshold for each layer.
    reader : NeuronReader
        Reads the network.
    n_images : int
        Number of images in the batch.
    """

    def __init__(self, thresholds, reader, n_images):
        self._thresholds = round_down(thresholds)
        self._reader = reader
        self._counts = np.empty((n_images, len(reader.feature_layers)), dtype=np.int64)

    def __call__(self, layer, outputs):
        """Take the outputs of a layer."""
        neurons = neurons_of(outputs, self._reader.neuron)
        columns = self._reader.columns[layer]
        first = self._reader.first_features[layer]
        self._counts[:, first : first + columns] = count_active(
            neurons, self._thresholds[layer], columns
        )

    def results(self):
        """Counts of each image, list of ndarray (n_features,), int64."""
        return list(self._counts)


class ProfileRecorder:
    """Keeps each image's profile.

    Parameters
    ----------
    band : FixedBand or RunningBand
        Which values are kept.
    reader : NeuronReader
        Reads the network.
    n_images : int
        Number of images in the batch.
    """

    def __init__(self, band, reader, n_images):
        n_layers = len(reader.layer_names)
        self._band, self._reader = band, reader
        self._sums = np.empty((n_images, n_layers))
        self._low, self._high = np.empty((2, n_layers), dtype=np.float32)
        self._above = np.empty((n_images, len(reader.feature_layers)), dtype=np.int32)
        self._inside = [[] for _ in range(n_layers)]
        self._inside_columns = [[] for _ in range(n_layers)]

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, layer, outputs):
        """Take the outputs of a layer."""
        reader = self._reader
        neurons = neurons_of(outputs, reader.neuron)
        means = np.empty(0)
        if self._band.needs_means:
            means = sum_neurons(neurons) / reader.n_neurons[layer]
        low, high = self._band.of_layer(layer, means)
        columns, first = reader.columns[layer], reader.first_features[layer]
        sums, above, inside, inside_columns = sum_and_split(neurons, low, high, columns)
        self._sums[:, layer] = sums
        self._low[layer], self._high[layer] = low, high
        self._above[:, first : first + columns] = above
        self._inside[layer], self._inside_columns[layer] = inside, inside_columns

    def results(self):
        """Profile of each image, list of Profile."""
        return [self._profile(image) for image in range(len(self._sums))]

    def _profile(self, image):
        pieces = [layer[image] for layer in self._inside]
        columns = [piece for layer in self._inside_columns for piece in layer[image]]
        return Profile(
            self._sums[image],
            self._low,
            self._high,
            self._above[image],
            np.concatenate([piece for layer in pieces for piece in layer]),
            np.array([sum(map(len, layer)) for layer in pieces], dtype=np.int32),
            np.concatenate([np.empty(0, np.uint16), *columns]),
        )


class HistogramRecorder:
    """Adds the neurons of all images to one histogram for each layer.

    Parameters
    ----------
    histograms : ndarray of shape (n_layers, 65536), int64
        What is added to. A bin holds the values with the same upper half of their place in the
        order of float32 numbers or, where `upper` is given, those with that upper half and the
        same lower half.
    upper : ndarray of shape (n_layers,), uint32, or None
        See above.
    reader : NeuronReader
        Reads the network.
    n_images : int
        Number of images in the batch.
    """

    def __init__(self, histograms, upper, reader, n_images):
        self._total, self._upper = histograms, upper
        self._reader, self._n_images = reader, n_images
        self._histograms = np.zeros_like(histograms)

    def __call__(self, layer, outputs):
        """Take the outputs of a layer."""
        for neurons in neurons_of(outputs, self._reader.neuron):
            places = to_places(neurons)
            bins = places >> 16
            if self._upper is not None:
                bins = places[bins == self._upper[layer]] & (N_BINS - 1)
            self._histograms[layer] += np.bincount(bins, minlength=N_BINS)

    def results(self):
        """Nothing for each image; the histograms are added up."""
        with _adding:
            self._total += self._histograms
        return [None] * self._n_images


_adding = threading.Lock()


def to_places(values):
    """Places of float32 values among all of them, uint32."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    # Of a negative number all bits are turned over, of others the first.
    return bits ^ ((bits.view(np.int32) >> 31).view(np.uint32) | np.uint32(1 << 31))


def from_places(places):
    """Float32 values at these places, the inverse of `to_places`."""
    places = np.asarray(places, dtype=np.uint32)
    negative = places < np.uint32(1 << 31)
    return np.where(negative, ~places, places ^ np.uint32(1 << 31)).view(np.float32)
