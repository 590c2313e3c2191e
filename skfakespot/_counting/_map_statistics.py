# SPDX-License-Identifier: BSD-3-Clause
"""Moments, autocorrelation and covariances of the feature maps of one layer."""

import numpy as np


def describe_maps(outputs, lags=()):
    """Return the moments and the autocorrelation of each image's feature maps, and their sum.

    Parameters
    ----------
    outputs : ndarray of shape (n_images, ..., n_maps), float32
        A layer's outputs.
    lags : tuple of (int, int), default=()
        Steps down, at least 0, and to the right.

    Returns
    -------
    moments : ndarray of shape (n_images, 4, n_maps), float32
        Mean, standard deviation, skewness and kurtosis over a map's places; the last two are 0 for
        a constant map.
    autocorrelation : ndarray of shape (n_images, n_lags, n_maps), float32
        Mean product of two standardised values that are a lag apart; 0 for a constant map, and
        for a map that is smaller than the lag.
    sums : ndarray of shape (n_images,), float64
        Sum of all outputs of an image.
    """
    from ._map_kernels import describe  # compiled at its first use

    n_images, *places, n_maps = outputs.shape
    width = places[-1] if places else 1
    maps = np.ascontiguousarray(outputs, dtype=np.float32).reshape(n_images, -1, width, n_maps)
    moments = np.empty((n_images, 4, n_maps), dtype=np.float32)
    autocorrelation = np.empty((n_images, len(lags), n_maps), dtype=np.float32)
    sums = np.empty(n_images)
    describe(maps, np.array(lags, dtype=np.int64).reshape(-1, 2), sums, moments, autocorrelation)
    return moments, autocorrelation, sums


def root_covariances(outputs):
    """Return the signed roots of the covariances of each image's maps.

    Takes a layer's outputs (n_images, ..., n_maps), float32. Returns the upper triangle, row by
    row, (n_images, n_maps * (n_maps + 1) / 2), float32.
    """
    n_maps = outputs.shape[-1]
    values = outputs.reshape(len(outputs), -1, n_maps)
    values = values - values.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    rows, columns = np.triu_indices(n_maps)
    covariances = np.empty((len(values), len(rows)), dtype=np.float32)
    for image, own in enumerate(values):
        covariances[image] = (own.T @ own)[rows, columns]
    covariances /= np.float32(values.shape[1])
    return np.copysign(np.sqrt(np.abs(covariances)), covariances)
