# SPDX-License-Identifier: BSD-3-Clause
"""Networks whose outputs are NaN, infinite or overflow: an error names the first such layer."""

import joblib
import keras
import numpy as np
import pytest
from networks import varied_images

from skfakespot import NeuronCoverageTransformer, clear_caches

THRESHOLDS = [
    "mean",
    0.5,
    "per-map",
    ("quantile", 0.5),
    ("quantile", [0.1, 0.9]),
    ("top", 3),
    "boundary",
    "strong",
]
STATISTICS = ["coverage", "mean", "std", "kurtosis", "autocorrelation", "gram", "grid"]
READINGS = [{"threshold": threshold, "output": "channel"} for threshold in THRESHOLDS]
READINGS += [{"threshold": 0.5, "output": "layer"}, {"neuron": "channel"}]
READINGS += [{"output": "channel", "statistics": (name,)} for name in STATISTICS]


@pytest.fixture(scope="module")
def images():
    return varied_images(6)


def chain(dtype=None):
    """Three convolutions, each on all maps of the one before, and a dense layer."""
    x = inputs = keras.Input((12, 10, 3))
    for number in range(3):
        initializer = keras.initializers.GlorotUniform(number + 1)
        x = keras.layers.Conv2D(
            4, 3, padding="same", kernel_initializer=initializer, name=f"conv_{number}", dtype=dtype
        )(x)
    x = keras.layers.Flatten(dtype=dtype)(x)
    initializer = keras.initializers.GlorotUniform(4)
    x = keras.layers.Dense(5, kernel_initializer=initializer, name="dense", dtype=dtype)(x)
    return keras.Model(inputs, x, name="chain")


@pytest.fixture(scope="module")
def network():
    """A network that is compiled once, whose weights each test may change."""
    return chain()


@pytest.fixture(autouse=True)
def sound_weights(network):
    weights = network.get_weights()
    yield
    network.set_weights(weights)
    clear_caches(networks=False)


def spoil(network, layer, value):
    """Give one map of a layer a bias that is no number; the others stay as they are."""
    kernel, bias = network.get_layer(layer).get_weights()
    bias[1] = value
    network.get_layer(layer).set_weights([kernel, bias])


@pytest.mark.parametrize("layer", ["conv_1", "dense"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_one_map_that_is_not_finite_is_an_error_that_names_its_layer(
    network, images, reading, value, layer
):
    labels = np.arange(6) % 2
    coverage = NeuronCoverageTransformer(network, **reading).fit(images, labels)
    spoil(network, layer, value)
    for action in (coverage.transform, lambda X: coverage.fit_transform(X, labels)):
        with pytest.raises(ValueError, match=rf"layer '{layer}' .* of the network 'chain'"):
            action(255 - images)


@pytest.mark.parametrize("statistics", [("std",), ("autocorrelation",), ("gram",)])
def test_finite_outputs_whose_squares_overflow_are_an_error(network, images, statistics):
    kernel, bias = network.get_layer("conv_1").get_weights()
    network.get_layer("conv_1").set_weights([kernel * np.float32(1e25), bias])
    coverage = NeuronCoverageTransformer(network, output="channel", statistics=statistics)
    with pytest.raises(ValueError, match=r"'conv_1' has outputs that are so large that their sq"):
        coverage.fit_transform(images)
    NeuronCoverageTransformer(network).fit(images)  # which needs no squares


def test_a_network_of_float16_that_overflows_is_an_error(images):
    network = chain("float16")
    kernel, bias = network.get_layer("conv_1").get_weights()
    network.get_layer("conv_1").set_weights([kernel * 1000, bias])
    coverage = NeuronCoverageTransformer(network)
    with pytest.raises(ValueError, match=r"layer 'conv_1' has .*float16 holds numbers up to"):
        coverage.fit_transform(images)


def test_workers_name_the_layer_too(network, images):
    spoil(network, "conv_2", np.nan)
    coverage = NeuronCoverageTransformer(network, batch_size=2, n_jobs=2)
    with (
        joblib.parallel_config("threading"),
        pytest.raises(ValueError, match="layer 'conv_2' has outputs that are NaN"),
    ):
        coverage.fit(images)
