# SPDX-License-Identifier: BSD-3-Clause
"""What is added and counted on the device equals what NumPy adds and counts, on every backend."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest
from exactness import count_by_numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from networks import outputs_by_layer, small_network, varied_images
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skfakespot import NeuronCoverageTransformer, clear_caches, count_network_images

pytestmark = [pytest.mark.usefixtures("no_profiles"), pytest.mark.backends]

LAYERS = ["conv_1", "depthwise", "conv_2", "dense"]
ALL_STATISTICS = (
    "coverage", "mean", "std", "skewness", "kurtosis", "autocorrelation", "gram", "grid",
)  # fmt: skip
COUNTS = [
    {"output": "channel"},
    {"threshold": 0.05},
    {"threshold": ("quantile", 0.7)},
    {"threshold": ("quantile", [0.3, 0.7]), "output": "channel"},
    {"threshold": ("top", 5), "output": "channel"},
]


@pytest.fixture(scope="module")
def images():
    return varied_images(40)


@pytest.fixture(scope="module")
def fitted(exact, images):
    """Thresholds and counts of the plain reading, reduced on the device."""
    coverage = NeuronCoverageTransformer(exact, reductions="device", batch_size=16)
    return coverage, coverage.fit_transform(images)


def on_host(coverage):
    clear_caches(networks=False)
    return clone(coverage).set_params(reductions="host")


def test_counts_are_those_of_whole_activations(exact, fitted, images):
    coverage, counts = fitted
    outputs = outputs_by_layer(exact, images, LAYERS)
    means = [layer.mean(dtype=np.float64) for layer in outputs]
    assert_allclose(coverage.thresholds_, means, rtol=1e-9)
    assert_array_equal(counts, count_by_numpy(outputs, coverage.thresholds_))
    clear_caches(networks=False)
    assert_array_equal(coverage.transform(images), counts)


def test_the_order_and_the_batch_do_not_change_a_bit(fitted, images):
    coverage, counts = fitted
    order = np.random.default_rng(1).permutation(len(images))
    other = clone(coverage).set_params(batch_size=13)
    clear_caches(networks=False)
    assert_array_equal(other.fit_transform(images[order]), counts[order])
    assert_array_equal(other.thresholds_, coverage.thresholds_)


@pytest.mark.parametrize("reading", COUNTS, ids=str)
def test_counts_equal_those_of_the_host(exact, images, reading):
    coverage = NeuronCoverageTransformer(exact, reductions="device", batch_size=20, **reading)
    counts = coverage.fit_transform(images)
    host = on_host(coverage)
    assert_array_equal(host.fit_transform(images), counts)
    assert_allclose(coverage.thresholds_, host.thresholds_, rtol=1e-6)


@pytest.mark.parametrize(
    "reading",
    [{"neuron": "channel"}, {"threshold": "per-map", "output": "channel"}],
    ids=str,
)
def test_means_of_maps_are_those_of_the_host_but_for_rounding(exact, images, reading):
    coverage = NeuronCoverageTransformer(exact, reductions="device", batch_size=20, **reading)
    counts = coverage.fit_transform(images)
    host = on_host(coverage).fit(images)
    assert_allclose(coverage.thresholds_, host.thresholds_, rtol=1e-6)
    assert np.count_nonzero(host.transform(images) != counts) <= 1e-3 * counts.size


@pytest.mark.parametrize("reductions", ["host", "device"])
def test_a_layer_of_one_map_among_others(images, reductions):
    inputs = keras.Input((12, 10, 3))
    one = keras.layers.Conv2D(1, 1, kernel_initializer="ones", use_bias=False, name="one")(inputs)
    kernel = keras.initializers.Constant(0.5)
    two = keras.layers.Conv2D(2, 1, kernel_initializer=kernel, use_bias=False, name="two")(one)
    coverage = NeuronCoverageTransformer(
        keras.Model(inputs, two), output="channel", reductions=reductions
    )
    counts = coverage.fit_transform(images)
    sums = images.sum(axis=-1).reshape(len(images), -1)
    expected = (sums > coverage.thresholds_[0]).sum(axis=1)
    assert_array_equal(counts, np.stack([expected] * 3, axis=1))


@pytest.mark.parametrize("threshold", ["boundary", "strong"])
def test_ranges_are_found_by_the_host(exact, images, threshold):
    labels = np.arange(len(images)) % 2
    coverage = NeuronCoverageTransformer(exact, reductions="device", threshold=threshold)
    counts = coverage.fit_transform(images, labels)
    assert_array_equal(on_host(coverage).fit_transform(images, labels), counts)


@pytest.mark.parametrize("output", ["layer", "channel"])
def test_profiles_take_as_many_bytes_as_those_of_the_host(exact, images, tmp_path, output):
    sizes = []
    for reductions in ("device", "host"):
        folder = tmp_path / reductions
        NeuronCoverageTransformer(
            exact, reductions=reductions, output=output, memory=folder
        ).fit_transform(images)
        sizes.append(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()))
    assert sizes[0] == sizes[1]


def test_statistics_are_those_of_the_host_but_for_rounding(network, images):
    images = images.copy()
    images[3] = 7
    coverage = NeuronCoverageTransformer(
        network, reductions="device", output="channel", statistics=ALL_STATISTICS, grid_size=2
    )
    features = coverage.fit_transform(images)
    expected = on_host(coverage).fit_transform(images)
    names = coverage.get_feature_names_out().astype(str)
    is_count = np.array([name.count(":") == 1 or ":grid" in name for name in names])
    assert_array_equal(features[:, is_count], expected[:, is_count])
    scale = np.abs(expected[:, ~is_count]).max(axis=0)
    apart = np.abs(features - expected)[:, ~is_count] / np.maximum(scale, 1e-6)
    assert apart.max() < 1e-3
    assert np.median(apart) < 1e-6


def test_several_networks_are_reduced_as_one(exact, images):
    backbones = [exact, small_network()]
    coverage = NeuronCoverageTransformer(backbones, reductions="device").fit(images)
    first = NeuronCoverageTransformer(exact, reductions="device").fit(images)
    counts = coverage.transform(images)
    assert_array_equal(counts[:, : len(LAYERS)], first.transform(images))
    assert_array_equal(on_host(coverage).fit(images).transform(images), counts)


def test_few_images_whose_neurons_are_all_kept(exact, images):
    coverage = NeuronCoverageTransformer(exact, reductions="device", batch_size=2)
    counts = coverage.fit_transform(images[:9])
    assert_array_equal(on_host(coverage).fit_transform(images[:9]), counts)


def test_outputs_that_are_not_finite_name_the_layer(network, images):
    model = keras.models.clone_model(network)
    model.get_layer("norm_1").set_weights([np.ones(4), np.zeros(4), np.zeros(4), -np.ones(4)])
    coverage = NeuronCoverageTransformer(network, reductions="device").fit(images)
    coverage.set_params(backbone=model)
    for action in (coverage.transform, clone(coverage).fit):
        clear_caches(networks=False)
        with pytest.raises(ValueError, match="layer 'depthwise' has outputs that are NaN"):
            action(images)


@given(
    values=hnp.arrays(
        np.float32, (2, 37, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
    )
)
def test_sums_on_the_device_keep_their_bound(values):
    from importlib import import_module

    module = import_module(f"skfakespot._network._operations_{keras.backend.backend()}")
    arguments = [1.0] if keras.backend.backend() == "jax" else []
    operations = module.Operations(*arguments)
    for order in (slice(None), slice(None, None, -1)):
        tensor = keras.ops.convert_to_tensor(np.ascontiguousarray(values[:, order]))
        sums = operations.decode(keras.ops.convert_to_numpy(operations.add_exactly(tensor)))
        for image, by_map in zip(values, sums, strict=True):
            for own, total in zip(image.T, by_map, strict=True):
                exact = math.fsum(own.tolist())
                bound = len(own) * 2.0**-33 * 2 * np.abs(own.astype(np.float64)).max()
                assert abs(total - exact) <= bound + len(own) * np.finfo(np.float32).tiny


def shares_of_bytes(coverage, images):
    """Bytes that leave the device in `fit_transform` and `transform`, over those of all outputs."""
    shares = []
    for method in ("fit_transform", "transform"):
        clear_caches(networks=False)
        with count_network_images() as count:
            getattr(coverage, method)(images)
        outputs = 4 * int(coverage.n_neurons_.sum()) * len(images)
        shares.append(count.n_bytes / outputs)
    return shares


def test_few_bytes_leave_the_device():
    images = np.random.default_rng(0).integers(0, 256, (96, 48, 40, 3), dtype=np.uint8)
    coverage = NeuronCoverageTransformer(small_network((48, 40, 3)), reductions="device")
    fit_transform, transform = shares_of_bytes(coverage, images)
    assert fit_transform <= 0.06
    assert transform <= 0.01
    assert shares_of_bytes(coverage.set_params(reductions="host"), images)[0] == 1


@pytest.mark.parametrize(
    ("backbone", "size"),
    [
        pytest.param("dlib-resnet29", (150, 150), marks=pytest.mark.slow),
        pytest.param("vggface-resnet50", (224, 224), marks=pytest.mark.long),
    ],
)
def test_few_bytes_of_large_networks_leave_the_device(monkeypatch, backbone, size):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    from device import synthetic_faces

    coverage = NeuronCoverageTransformer(backbone, weights="random", reductions="device")
    fit_transform, transform = shares_of_bytes(coverage, synthetic_faces(320, size))
    assert fit_transform <= 0.06
    assert transform <= 0.01
