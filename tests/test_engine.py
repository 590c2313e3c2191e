# SPDX-License-Identifier: BSD-3-Clause
"""One pass through the network gives what two passes give, to the last bit."""

from importlib.util import find_spec

import keras
import numpy as np
import pytest
from exactness import (
    assert_same_but_for_rounding,
    count_by_numpy,
    count_ties,
    neurons_of_layers,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from networks import exact_network, outputs_by_layer, varied_images
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skfakespot import NeuronCoverageTransformer, clear_caches
from skfakespot._counting._profile import ActivationProfile
from skfakespot._counting._reductions import count_active, neurons_of, sum_and_split, sum_neurons
from skfakespot.backbones import Backbone

pytestmark = [pytest.mark.usefixtures("no_profiles"), pytest.mark.numeric]

LAYERS = ["conv_1", "depthwise", "conv_2", "dense"]
READINGS = [("unit", "layer"), ("unit", "channel"), ("channel", "layer")]


@pytest.fixture(scope="module")
def images():
    return varied_images(70)


def read_twice(coverage, images):
    """The plain algorithm: all images for the thresholds, then all again for the counts."""
    coverage = clone(coverage).fit(images)
    clear_caches(networks=False)
    return coverage.thresholds_, coverage.transform(images)


def orders(images):
    by_brightness = np.argsort(images.mean(axis=(1, 2, 3)))
    constant = images.copy()
    constant[3] = 7
    return {
        "as they come": images,
        "by brightness": images[by_brightness],
        "the dark ones twice": np.concatenate([images[by_brightness[:40]]] * 2),
        "a constant image": constant,
        "all equal": np.repeat(images[:1], 50, axis=0),
        "black, then one white": np.concatenate(
            [images[:50] // 64, np.full((1, 12, 10, 3), 255, np.uint8)]
        ),
        "one image": images[:1],
        "two images": images[:2],
    }


@pytest.mark.backends
@pytest.mark.parametrize(("neuron", "output"), READINGS)
def test_one_pass_equals_two_in_any_order(exact, images, neuron, output):
    for name, X in orders(images).items():
        coverage = NeuronCoverageTransformer(exact, neuron=neuron, output=output, batch_size=8)
        thresholds, expected = read_twice(coverage, X)
        clear_caches(networks=False)
        counts = coverage.fit_transform(X)
        assert_array_equal(coverage.thresholds_, thresholds, err_msg=name)
        assert_array_equal(counts, expected, err_msg=name)
        outputs = outputs_by_layer(exact, X, LAYERS)
        by_numpy = count_by_numpy(outputs, thresholds, neuron=neuron, output=output)
        assert_array_equal(counts, by_numpy, err_msg=name)


@pytest.mark.parametrize("threshold", [0.05, -1e9, ("quantile", 0.7)])
def test_one_pass_equals_two_for_other_thresholds(exact, images, threshold):
    coverage = NeuronCoverageTransformer(exact, threshold=threshold, batch_size=8)
    thresholds, expected = read_twice(coverage, images)
    clear_caches(networks=False)
    assert_array_equal(coverage.fit_transform(images), expected)
    assert_array_equal(coverage.thresholds_, thresholds)
    outputs = outputs_by_layer(exact, images, LAYERS)
    assert_array_equal(expected, count_by_numpy(outputs, thresholds))


@pytest.mark.parametrize(("neuron", "output"), READINGS)
def test_sums_that_are_rounded_differently_change_ties_only(network, images, neuron, output):
    """Outputs of Keras' own call, in one batch, may differ from ours in the last bits."""
    outputs = outputs_by_layer(network, images, LAYERS)
    layers = neurons_of_layers(outputs, neuron)
    thresholds = np.array([layer.mean() for layer in layers])
    expected = count_by_numpy(outputs, thresholds, neuron=neuron, output=output)
    # If ties were not rare, the comparison would mean nothing.
    ties = count_ties(outputs, thresholds, neuron=neuron, output=output)
    assert ties.sum() <= 1e-4 * sum(layer.size for layer in outputs)
    order = np.random.default_rng(1).permutation(len(images))
    for batch_size in (1, 7, 32, 70):
        clear_caches(networks=False)
        coverage = NeuronCoverageTransformer(
            network, neuron=neuron, output=output, batch_size=batch_size
        )
        counts = np.empty_like(expected)
        counts[order] = coverage.fit_transform(images[order])
        assert_same_but_for_rounding(
            (coverage.thresholds_, counts),
            (thresholds, expected),
            outputs,
            neuron=neuron,
            output=output,
        )


@settings(max_examples=30, deadline=None)
@given(
    rows=hnp.arrays(np.float32, (40, 3), elements=st.floats(-8, 8, width=32)),
    outlier=st.sampled_from([0.0, 1e6, -1e6, 3e38]),
    at=st.integers(0, 39),
    batch_size=st.integers(1, 41),
)
def test_one_pass_equals_two_with_an_outlier(rows, outlier, at, batch_size):
    clear_caches(networks=False)
    rows[at] += np.float32(outlier)
    coverage = NeuronCoverageTransformer(vector_network(), batch_size=batch_size)
    counts = coverage.fit_transform(rows)
    active = rows.astype(np.float64) > coverage.thresholds_[0]
    assert_array_equal(counts[:, 0], active.sum(axis=1))
    assert_allclose(coverage.thresholds_[0], rows.mean(dtype=np.float64), rtol=1e-6, atol=1e-6)
    clear_caches(networks=False)
    assert_array_equal(coverage.transform(rows), counts)


def vector_network(cache=[]):  # noqa: B006
    """Its neurons are its inputs."""
    if not cache:
        inputs = keras.Input((3,))
        dense = keras.layers.Dense(3, kernel_initializer="identity", use_bias=False)
        cache.append(keras.Model(inputs, dense(inputs)))
    return cache[0]


@pytest.mark.backends
@pytest.mark.parametrize(("neuron", "output"), READINGS)
def test_order_and_batch_size_do_not_change_a_bit(exact, images, neuron, output):
    coverage = NeuronCoverageTransformer(exact, neuron=neuron, output=output)
    expected = coverage.fit_transform(images)
    order = np.random.default_rng(1).permutation(len(images))
    for batch_size in (1, 7, 32, 70):
        clear_caches(networks=False)
        other = clone(coverage).set_params(batch_size=batch_size)
        assert_array_equal(other.fit_transform(images[order]), expected[order])
        assert_array_equal(other.thresholds_, coverage.thresholds_)


class Counting:
    """Preprocessing that counts the images that pass through the network."""

    def __init__(self):
        self.n_images = 0

    def __call__(self, batch):
        self.n_images += len(batch)
        return batch.astype(np.float32)


@pytest.mark.backends
def test_each_image_passes_through_the_network_once(network, images):
    counting = Counting()
    coverage = NeuronCoverageTransformer(
        Backbone(name="counting", model=network, preprocess=counting), batch_size=8
    )
    coverage.fit_transform(images[np.argsort(images.mean(axis=(1, 2, 3)))])
    assert counting.n_images == len(images)
    coverage.transform(images)
    coverage.fit(images[10:])
    coverage.transform(images[::-1])
    assert counting.n_images == len(images)


def test_images_of_the_same_content_pass_through_once(network, images):
    counting = Counting()
    backbone = Backbone(name="counting", model=network, preprocess=counting)
    twice = np.concatenate([images[:9], images[:9]])
    counts = NeuronCoverageTransformer(backbone, batch_size=4, threshold=0.1).fit_transform(twice)
    assert counting.n_images == 9
    assert_array_equal(counts[:9], counts[9:])


@pytest.mark.backends
def test_only_images_whose_band_misses_pass_through_again(exact, images):
    """A white image among black ones moves the mean away from where it was expected."""
    counting = Counting()
    backbone = Backbone(name="counting", model=exact, preprocess=counting)
    X = np.concatenate([images // 64, np.full((1, 12, 10, 3), 255, np.uint8)])
    coverage = NeuronCoverageTransformer(backbone, batch_size=4)
    counts = coverage.fit_transform(X)
    assert len(X) < counting.n_images < 2 * len(X)
    expected = count_by_numpy(outputs_by_layer(exact, X, LAYERS), coverage.thresholds_)
    assert_array_equal(counts, expected)


def test_changed_weights_are_seen(images):
    model = exact_network()
    coverage = NeuronCoverageTransformer(model)
    before = coverage.fit_transform(images)
    for variable in model.trainable_variables:
        variable.assign(-variable)
    after = coverage.fit_transform(images)
    assert (before != after).any()
    outputs = outputs_by_layer(model, images, LAYERS)
    assert_array_equal(after, count_by_numpy(outputs, coverage.thresholds_))


@settings(max_examples=200, deadline=None)
@given(
    outputs=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=4, max_dims=4, max_side=6),
        elements=st.floats(-4, 4, width=32),
    ),
    ends=st.lists(st.floats(-5, 5, width=32), min_size=3, max_size=3),
    per_channel=st.booleans(),
)
def test_a_profile_counts_for_any_threshold_in_its_band(outputs, ends, per_channel):
    low, threshold, high = np.sort(np.array(ends, dtype=np.float32))
    neurons = neurons_of(outputs, "unit")
    columns = outputs.shape[-1] if per_channel else 1
    sums, above, inside, inside_columns = sum_and_split(neurons, low, high, columns)
    expected = (neurons > threshold).reshape(len(outputs), -1, columns).sum(axis=1)
    assert_array_equal(count_active(neurons, threshold, columns), expected)
    for image, counts in enumerate(expected):
        values = np.concatenate(inside[image])
        profile = ActivationProfile(
            sums=sums[image : image + 1],
            low=np.array([low]),
            high=np.array([high]),
            above=above[image].astype(np.int32),
            values=values,
            lengths=np.array([len(values)], dtype=np.int32),
            features=np.concatenate([np.empty(0, np.uint16), *inside_columns[image]]),
        )
        first, exact = np.array([0]), np.array([threshold])
        copied = ActivationProfile.from_bytes(profile.to_bytes())
        narrower = profile.trimmed(exact, exact, first)
        for kept in (profile, copied, narrower):
            assert kept.covers(exact)
            assert_array_equal(kept.counts(exact, first), counts)
        assert not profile.covers(np.nextafter(np.array([high]), np.float32(np.inf)))


@pytest.mark.parametrize(
    "shape", [(2, 1100, 1000, 1), (1, 127, 129, 33), (3, 5), (2, 600_011), (40, 90, 110, 3)]
)
def test_large_layers_are_reduced_in_pieces(shape):
    outputs = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    neurons = neurons_of(outputs, "unit")
    for columns in (1, shape[-1] if len(shape) == 4 else 1):
        sums, above, inside, _ = sum_and_split(neurons, np.float32(0.1), np.float32(0.2), columns)
        assert_array_equal(sums, sum_neurons(neurons))
        counts = count_active(neurons, np.float32(0.2), columns)
        assert_array_equal(counts, above)
        expected = (neurons > np.float32(0.2)).reshape(shape[0], -1, columns).sum(axis=1)
        assert_array_equal(above, expected)
        for image, values in enumerate(inside):
            row = neurons[image]
            within = row[(row > np.float32(0.1)) & (row <= np.float32(0.2))]
            assert_array_equal(np.concatenate(values), within)
    exact = neurons.sum(axis=1, dtype=np.float64)
    assert_allclose(sum_neurons(neurons), exact, rtol=1e-5, atol=1e-2)
    means = neurons_of(outputs, "channel")
    axes = tuple(range(1, outputs.ndim - 1))
    expected = outputs.mean(axis=axes, dtype=np.float64) if axes else outputs
    assert_allclose(means, expected, rtol=1e-5, atol=1e-6)


def overflowing_network():
    """A network of images whose second layer overflows where a pixel is white."""
    x = inputs = keras.Input((2, 2, 3))
    for name, factor in [("first", 1e30), ("second", 2e6), ("third", 1.0)]:
        kernel = keras.initializers.Constant(factor)
        layer = keras.layers.Conv2D(2, 1, name=name, kernel_initializer=kernel, use_bias=False)
        x = layer(x)
    return keras.Model(inputs, x)


@pytest.mark.backends
@pytest.mark.parametrize("threshold", ["mean", 0.5, ("quantile", 0.5)])
@pytest.mark.parametrize("output", ["layer", "channel"])
def test_outputs_that_are_not_finite_are_an_error_that_names_the_layer(threshold, output):
    images = np.zeros((3, 2, 2, 3), dtype=np.uint8)
    coverage = NeuronCoverageTransformer(
        overflowing_network(), threshold=threshold, output=output
    ).fit(images)
    images[1] = 255
    for action in (clone(coverage).fit, clone(coverage).fit_transform, coverage.transform):
        clear_caches(networks=False)
        with pytest.raises(ValueError, match=r"layer 'second' has outputs that are NaN or inf"):
            action(images)


def test_a_network_of_nan_is_an_error(network, images):
    model = keras.models.clone_model(network)
    model.get_layer("norm_1").set_weights([np.ones(4), np.zeros(4), np.zeros(4), -np.ones(4)])
    coverage = NeuronCoverageTransformer(network).fit(images)
    coverage.set_params(backbone=model)
    with pytest.raises(ValueError, match="layer 'depthwise' has outputs that are NaN"):
        coverage.transform(images)
    coverage.set_params(layers=["conv_1"]).fit(images)


def test_an_infinite_output_does_not_change_the_sums_of_other_images():
    neurons = np.random.default_rng(0).normal(size=(3, 9000)).astype(np.float32)
    alone = sum_neurons(neurons[:1])
    neurons[1, 7] = np.inf
    sums = sum_neurons(neurons)
    assert_array_equal(sums[:1], alone)
    assert np.isinf(sums[1])
    neurons[1] = np.float32(3e38)
    assert_allclose(sum_neurons(neurons)[1], 9000 * np.float64(np.float32(3e38)))


def test_dense_layers_do_not_depend_on_the_batch():
    """On any processor, because each image is computed alone."""
    rows = np.random.default_rng(0).normal(size=(70, 2048)).astype(np.float32)
    inputs = keras.Input((2048,))
    x = keras.layers.Dense(512, "relu", kernel_initializer=keras.initializers.GlorotUniform(1))(
        inputs
    )
    x = keras.layers.Dense(64, kernel_initializer=keras.initializers.GlorotUniform(2))(x)
    coverage = NeuronCoverageTransformer(keras.Model(inputs, x))
    expected = coverage.fit_transform(rows)
    for batch_size in (1, 7, 70):
        clear_caches(networks=False)
        other = clone(coverage).set_params(batch_size=batch_size)
        assert_array_equal(other.fit_transform(rows[::-1]), expected[::-1])
        assert_array_equal(other.thresholds_, coverage.thresholds_)


def test_a_layer_of_more_channels_than_sixteen_bits_can_number():
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    kernel = np.eye(4, 70_000, dtype=np.float32)
    kernel[np.arange(70_000) % 4, np.arange(70_000)] = 1
    inputs = keras.Input((4,))
    wide = keras.layers.Dense(70_000, use_bias=False, name="wide")
    outputs = keras.layers.Dense(3, kernel_initializer="ones", name="next")(wide(inputs))
    wide.set_weights([kernel])
    coverage = NeuronCoverageTransformer(keras.Model(inputs, outputs), output="channel")
    counts = coverage.fit_transform(rows)
    assert counts.shape == (5, 70_003)
    expected = rows[:, np.arange(70_000) % 4].astype(np.float64) > coverage.thresholds_[0]
    assert_array_equal(counts[:, :70_000], expected)
    clear_caches(networks=False)
    assert_array_equal(coverage.transform(rows), counts)


def test_a_folder_named_openvino_is_no_engine(network, tmp_path, monkeypatch):
    (tmp_path / "openvino").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    if find_spec("openvino").origin:
        pytest.skip("OpenVINO is installed")
    coverage = NeuronCoverageTransformer(network, engine="openvino")
    with pytest.raises(ImportError, match=r"pip install 'skfakespot\[openvino\]'"):
        coverage.fit(varied_images(4))
