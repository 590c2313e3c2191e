"""Passes of the network over all images."""

import numpy as np

from ._reader import N_EDGES


def sum_neurons(reader, batches):
    """Add up the neurons' outputs over all images: the numerator of eq. 1.

    Parameters
    ----------
    reader : NeuronReader
        Reads the network.
    batches : iterable of Batch
        The readable images.

    Returns
    -------
    sums : ndarray of shape (n_layers,), float64
        Sum over images and neurons.
    n_images : int
        Number of images that were readable.
    """
    sums, n_images = np.zeros(len(reader.layer_names)), 0
    for batch in batches:
        sums += reader.sums(batch.data).sum(axis=0)
        n_images += len(batch.indices)
    return sums, n_images


def count_active_neurons(reader, batches, thresholds, *, n_images, dtype):
    """Count the neurons above their layer's threshold for every image: eq. 2.

    Parameters
    ----------
    reader : NeuronReader
        Reads the network.
    batches : iterable of Batch
        The readable images.
    thresholds : ndarray of shape (n_layers,), float64
        One threshold for each layer.
    n_images : int
        Number of images, the unreadable ones included.
    dtype : dtype
        Floating-point type of the counts.

    Returns
    -------
    counts : ndarray of shape (n_images, n_features)
        The row of an unreadable image is NaN.
    """
    counts = np.full((n_images, len(reader.feature_layers)), np.nan, dtype=dtype)
    for batch in batches:
        counts[batch.indices] = reader.counts(batch.data, thresholds)
    return counts


def quantile_thresholds(reader, make_batches, quantile):
    """Find each layer's quantile over all images and neurons, exactly.

    Parameters
    ----------
    reader : NeuronReader
        Reads the network.
    make_batches : callable
        Returns a new iterable of Batch at each call: the images pass through four times at most.
    quantile : float
        In [0, 1].

    Returns
    -------
    thresholds : ndarray of shape (n_layers,), float64
        The least float32 value that at least this share of the layer's neurons do not exceed.
    n_images : int
        Number of images that were readable.
    """
    lowest, highest, n_images = np.inf, -np.inf, 0
    for batch in make_batches():
        ranges = reader.ranges(batch.data)
        lowest = np.minimum(lowest, ranges[:, 0])
        highest = np.maximum(highest, ranges[:, 1])
        n_images += len(batch.indices)
    if n_images == 0:
        return None, 0
    rank = np.ceil(quantile * reader.n_neurons * n_images).clip(1)
    # The quantile lies above `low` and not above `high`, as places in the order of float32.
    low, high = _to_order(lowest) - 1, _to_order(highest)
    while (high - low > 1).any():
        steps = np.arange(1, N_EDGES + 1) / (N_EDGES + 1)
        places = low[:, None] + ((high - low)[:, None] * steps).astype(np.int64)
        histograms = sum(
            reader.histograms(batch.data, _from_order(places)).astype(np.int64)
            for batch in make_batches()
        )
        up_to = histograms.cumsum(axis=1)
        reached = (up_to >= rank[:, None]).argmax(axis=1)
        places = np.column_stack([low, places, high])
        rows = np.arange(len(places))
        low, high = places[rows, reached], places[rows, reached + 1]
    thresholds = _from_order(high).astype(np.float64)
    # Devices take denormal numbers for zero.
    thresholds[np.abs(thresholds) < np.finfo(np.float32).tiny] = 0.0
    return thresholds, n_images


def _to_order(values):
    """Places of float32 values among all of them, which are dense integers."""
    bits = np.asarray(values, dtype=np.float32).view(np.int32).astype(np.int64)
    return np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))


def _from_order(places):
    bits = np.where(places >= 0, places, -places | -0x80000000)
    return bits.astype(np.int32).view(np.float32)
