# SPDX-License-Identifier: BSD-3-Clause
"""Comparisons of results whose network outputs may differ in the last bits.

Between batches and processors the float32 outputs of a layer may be rounded differently. Then a
threshold moves by as little, and a count changes only where an output is that close to it.
"""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

# Of float32 sums, relative to the mean absolute output of a layer: eight units in the last place.
ROUNDING = 2.0**-20


def neurons_of_layers(outputs, neuron="unit"):
    """Neurons of each layer in float64, arrays (n_images, n_places, n_channels)."""
    layers = []
    for layer in outputs:
        values = layer.astype(np.float64)
        if neuron == "channel":
            values = values.mean(axis=tuple(range(1, values.ndim - 1)))
        layers.append(values.reshape(len(values), -1, values.shape[-1]))
    return layers


def count_by_numpy(outputs, thresholds, *, neuron="unit", output="layer"):
    """Eq. (2) on whole activations."""
    layers = zip(neurons_of_layers(outputs, neuron), thresholds, strict=True)
    return _per_feature([values > threshold for values, threshold in layers], output)


def count_ties(outputs, thresholds, *, neuron="unit", output="layer", rounding=ROUNDING):
    """Number of neurons of each image and feature that lie within rounding of the threshold."""
    ties = []
    for values, threshold in zip(neurons_of_layers(outputs, neuron), thresholds, strict=True):
        ties.append(np.abs(values - threshold) <= 2 * rounding * np.abs(values).mean())
    return _per_feature(ties, output)


def _per_feature(chosen, output):
    if output == "channel":
        return np.concatenate([layer.sum(axis=1) for layer in chosen], axis=1)
    return np.stack([layer.sum(axis=(1, 2)) for layer in chosen], axis=1)


def assert_same_but_for_rounding(actual, expected, outputs, *, rounding=ROUNDING, **reading):
    """Compare thresholds and counts; only neurons that tie with a threshold may be counted apart.

    Parameters
    ----------
    actual, expected : tuple of (thresholds, counts)
        Results of the same images.
    outputs : list of ndarray
        Outputs of each layer for these images, from any batches.
    rounding : float
        Of an output, relative to the mean absolute output of its layer.
    **reading : dict
        Parameters ``neuron`` and ``output`` of the transformer.
    """
    (thresholds, counts), (expected_thresholds, expected_counts) = actual, expected
    for threshold, expected_threshold, layer in zip(
        thresholds, expected_thresholds, outputs, strict=True
    ):
        bound = rounding * np.abs(layer).mean(dtype=np.float64)
        assert_allclose(threshold, expected_threshold, rtol=0, atol=bound)
    ties = count_ties(outputs, expected_thresholds, rounding=rounding, **reading)
    assert_array_equal(np.abs(counts - expected_counts) > ties, False)
