"""Passes of the network over all images."""

import numpy as np


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
