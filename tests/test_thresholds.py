# SPDX-License-Identifier: BSD-3-Clause
"""Thresholds that are not one mean a layer, against plain NumPy on whole activations."""

import math
import pickle
from itertools import pairwise

import joblib
import keras
import numpy as np
import pytest
from exactness import neurons_of_layers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from networks import exact_network, outputs_by_layer, varied_images
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from skfakespot import (
    NeuronCoverageTransformer,
    clear_caches,
    count_network_images,
    make_fakespotter,
)
from skfakespot.backbones import Backbone
from skfakespot.images import UnreadableImageWarning

pytestmark = [pytest.mark.usefixtures("no_profiles"), pytest.mark.numeric]

LAYERS = ["conv_1", "depthwise", "conv_2", "dense"]
N_MAPS = [4, 4, 5, 7]
READINGS = [("unit", "layer"), ("unit", "channel"), ("channel", "layer")]
QUANTILES = [0.25, 0.5, 0.9]
KINDS = ["per-map", ("quantile", QUANTILES), ("top", 5), "boundary", "strong"]
LEARNT = ["per-map", ("quantile", QUANTILES), "boundary", "strong"]


@pytest.fixture(scope="module")
def images():
    return varied_images(40)


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(1).permutation(np.repeat([0, 1], [23, 17]))


@pytest.fixture(scope="module")
def outputs(exact, images):
    return outputs_by_layer(exact, images, LAYERS)


@pytest.fixture
def paths(images, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


@pytest.fixture(scope="module")
def identity():
    """A network on vectors, whose neurons are its three inputs."""
    inputs = keras.Input((3,))
    layer = keras.layers.Dense(3, kernel_initializer="identity", use_bias=False)
    return keras.Model(inputs, layer(inputs))


def per_feature(chosen, output):
    """Counts of chosen neurons, from one array (n_images, n_places, n_maps) for each layer."""
    if output == "channel":
        return np.concatenate([layer.sum(axis=1) for layer in chosen], axis=1)
    return np.stack([layer.sum(axis=(1, 2)) for layer in chosen], axis=1)


def outside(layer, training, others, sides):
    """Whether neurons lie outside their range over the training images, bool.

    With `others`, a training image is compared with the range of the other training images.
    """
    chosen = np.zeros(layer.shape, dtype=bool)
    for image, values in enumerate(layer):
        others_of = training[training != image] if others else training
        chosen[image] = values > layer[others_of].max(axis=0)
        if sides == "boundary":
            chosen[image] |= values < layer[others_of].min(axis=0)
    return chosen


@pytest.mark.parametrize(("neuron", "output"), READINGS)
def test_per_map_thresholds_are_means_of_feature_maps(exact, images, outputs, neuron, output):
    coverage = NeuronCoverageTransformer(
        exact, threshold="per-map", neuron=neuron, output=output, batch_size=7
    )
    counts = coverage.fit_transform(images)
    layers = neurons_of_layers(outputs, neuron)
    means = [layer.mean(axis=(0, 1)) for layer in layers]
    assert coverage.thresholds_.shape == (sum(N_MAPS),)
    rounding = 1e-6 if neuron == "channel" else 1e-14
    assert_allclose(coverage.thresholds_, np.concatenate(means), rtol=rounding, atol=1e-15)
    chosen = [layer > mean for layer, mean in zip(layers, means, strict=True)]
    assert_array_equal(counts, per_feature(chosen, output))
    assert_array_equal(coverage.transform(images), counts)


def test_a_neuron_at_the_mean_of_its_constant_map_is_not_active():
    """0.1 has no short binary fraction, so that sums in float32 would be rounded."""
    inputs = keras.Input((80, 80, 3))
    layer = keras.layers.Conv2D(
        2, 1, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(0.1)
    )
    images = np.zeros((5, 80, 80, 3), dtype=np.uint8)
    coverage = NeuronCoverageTransformer(
        keras.Model(inputs, layer(inputs)), threshold="per-map", output="channel"
    )
    assert_array_equal(coverage.fit_transform(images), np.zeros((5, 2)))
    assert_array_equal(coverage.thresholds_, np.float32(0.1))


@settings(max_examples=25, deadline=None)
@given(
    values=hnp.arrays(np.float32, (12, 3), elements=st.integers(-(2**24), 2**24)),
    order=st.permutations(range(12)),
    batch_size=st.integers(1, 12),
)
@example(
    values=np.array([[1e17, 1, 3], [1, 1, 1], [-1e17, 1, 5]], dtype=np.float32),
    order=[1, 0, 2],
    batch_size=2,
)
def test_per_map_thresholds_do_not_depend_on_order_or_batches(identity, values, order, batch_size):
    coverage = NeuronCoverageTransformer(identity, threshold="per-map").fit(values)
    exact_means = [math.fsum(column) / len(values) for column in values.T.tolist()]
    assert_array_equal(coverage.thresholds_, exact_means)
    other = clone(coverage).set_params(batch_size=batch_size).fit(values[order])
    assert_array_equal(other.thresholds_, coverage.thresholds_)


def test_means_of_feature_maps_can_be_updated_and_merged(exact, images):
    whole = NeuronCoverageTransformer(exact, threshold="per-map", output="channel").fit(images)
    updated = clone(whole)
    parts = [images[start:end] for start, end in pairwise([0, 11, 12, 40])]
    for part in parts:
        updated.partial_fit(part)
    merged, *others = [clone(whole).fit(part) for part in parts]
    merged.merge(*others)
    for coverage in (updated, merged):
        assert coverage.n_samples_seen_ == len(images)
        assert_allclose(coverage.thresholds_, whole.thresholds_, rtol=1e-14)
        assert_array_equal(coverage.transform(images), whole.transform(images))


@pytest.mark.parametrize("threshold", [("quantile", QUANTILES), ("top", 5), "boundary", "strong"])
def test_what_is_not_learnt_as_sums_is_not_updated_or_merged(exact, images, labels, threshold):
    coverage = NeuronCoverageTransformer(exact, threshold=threshold, output="channel")
    with pytest.raises(ValueError, match=r"cannot be updated; use fit .*'per-map'"):
        coverage.partial_fit(images)
    coverage.fit(images, labels)
    with pytest.raises(ValueError, match=r"cannot be merged; use fit .*'per-map'"):
        coverage.merge(clone(coverage).fit(images, labels))


@pytest.mark.parametrize(("neuron", "output"), READINGS)
def test_several_quantiles_have_a_count_each(exact, images, outputs, neuron, output):
    coverage = NeuronCoverageTransformer(
        exact, threshold=("quantile", QUANTILES), neuron=neuron, output=output, batch_size=7
    )
    counts = coverage.fit_transform(images)
    assert coverage.thresholds_.shape == (4, 3)
    single = clone(coverage)
    for number, quantile in enumerate(QUANTILES):
        single.set_params(threshold=("quantile", quantile))
        assert_array_equal(counts[:, number::3], single.fit_transform(images))
        assert_array_equal(coverage.thresholds_[:, number], single.thresholds_)
    assert_array_equal(coverage.transform(images), counts)
    if neuron == "channel":
        return  # a quantile is the output of a neuron, which NumPy's mean may round differently
    layers = neurons_of_layers(outputs)
    expected = [np.quantile(layer, QUANTILES, method="inverted_cdf") for layer in layers]
    assert_array_equal(coverage.thresholds_, expected)
    for number in range(3):
        limits = coverage.thresholds_[:, number]
        chosen = [layer > limit for layer, limit in zip(layers, limits, strict=True)]
        assert_array_equal(counts[:, number::3], per_feature(chosen, output))


def test_features_of_quantiles_are_named_by_them(exact, images):
    coverage = NeuronCoverageTransformer(exact, threshold=("quantile", [0.25, 1 / 3, 1]))
    names = coverage.fit(images).get_feature_names_out().tolist()
    assert names[:4] == [
        "conv_1:q0.25",
        "conv_1:q0.3333333333333333",
        "conv_1:q1",
        "depthwise:q0.25",
    ]
    coverage.set_params(output="channel", threshold=("quantile", (0.5,))).fit(images)
    names = coverage.get_feature_names_out()
    assert names[:5].tolist() == [
        "conv_1:0:q0.5",
        "conv_1:1:q0.5",
        "conv_1:2:q0.5",
        "conv_1:3:q0.5",
        "depthwise:0:q0.5",
    ]
    assert names.shape == coverage.transform(images).shape[1:]


@settings(max_examples=25, deadline=None)
@given(
    values=hnp.arrays(
        np.float32, (7, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
    ),
    quantiles=st.lists(st.floats(0, 1), min_size=1, max_size=5, unique=True),
)
def test_several_quantiles_of_any_values_are_exact(identity, values, quantiles):
    coverage = NeuronCoverageTransformer(identity, threshold=("quantile", quantiles)).fit(values)
    seen = keras.ops.convert_to_numpy(identity(values))
    seen = np.where(np.abs(seen) < np.finfo(np.float32).tiny, 0, seen)
    expected = np.quantile(seen.astype(float), quantiles, method="inverted_cdf")
    assert_array_equal(coverage.thresholds_, [expected])


@pytest.mark.parametrize("k", [1, 5, 24, 29, 30, 500])
def test_the_k_largest_outputs_of_a_layer_are_counted(exact, images, outputs, k):
    coverage = NeuronCoverageTransformer(exact, threshold=("top", k), output="channel")
    counts = coverage.fit_transform(images)
    chosen = []
    for layer in neurons_of_layers(outputs):
        flat = layer.reshape(len(layer), -1)
        n_as_large = (flat[:, None, :] >= flat[:, :, None]).sum(axis=2)
        chosen.append((n_as_large <= k).reshape(layer.shape))
    assert_array_equal(counts, per_feature(chosen, "channel"))
    assert coverage.thresholds_.shape == (0,)
    assert_array_equal(coverage.transform(images[::-1]), counts[::-1])


def test_neurons_that_tie_for_the_last_place_of_the_top_are_not_counted(identity):
    counts = NeuronCoverageTransformer(identity, threshold=("top", 1), output="channel")
    rows = np.array([[1, 2, 0], [2, 2, 0], [0, 0, 0], [-1, -3, -2]], dtype=np.float32)
    assert_array_equal(counts.fit_transform(rows), [[0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0]])
    assert_array_equal(
        counts.set_params(threshold=("top", 2)).fit_transform(rows),
        [[1, 1, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1]],
    )


def test_the_top_of_whole_layers_is_refused(exact, images):
    for neuron in ("unit", "channel"):
        coverage = NeuronCoverageTransformer(exact, threshold=("top", 5), neuron=neuron)
        with pytest.raises(ValueError, match=r"would count k neurons .* Use output='channel'"):
            coverage.fit(images)


@pytest.mark.parametrize(("neuron", "output"), READINGS)
@pytest.mark.parametrize("kind", ["boundary", "strong"])
def test_neurons_outside_the_range_of_real_images(
    exact, images, labels, outputs, kind, neuron, output
):
    coverage = NeuronCoverageTransformer(
        exact, threshold=kind, neuron=neuron, output=output, batch_size=7
    )
    with count_network_images() as passed:
        counts = coverage.fit_transform(images, labels)
    assert passed.n_images == len(images)
    real = np.flatnonzero(labels == 0)
    # The means of feature maps are rounded to float32, as the transformer's are.
    layers = [layer.astype(np.float32) for layer in neurons_of_layers(outputs, neuron)]
    chosen = [outside(layer, real, others=True, sides=kind) for layer in layers]
    assert_array_equal(counts, per_feature(chosen, output))
    assert counts[real].sum() > 0
    chosen = [outside(layer, real, others=False, sides=kind) for layer in layers]
    again = coverage.transform(images)
    assert_array_equal(again, per_feature(chosen, output))
    assert_array_equal(again[real], 0)
    assert_array_equal(again[labels == 1], counts[labels == 1])
    ends = [layer[real].max(axis=0).ravel() for layer in layers]
    assert_allclose(coverage.thresholds_[-1], np.concatenate(ends), rtol=1e-6)
    assert coverage.thresholds_.dtype == np.float32
    assert len(coverage.thresholds_) == (2 if kind == "boundary" else 1)
    assert coverage.n_samples_seen_ == len(real)


@settings(max_examples=50, deadline=None)
@given(
    values=hnp.arrays(np.float32, (8, 3), elements=st.integers(-2, 2)),
    n_real=st.integers(2, 8),
    batch_size=st.integers(1, 8),
    kind=st.sampled_from(["boundary", "strong"]),
)
def test_the_range_of_other_images_with_ties(identity, values, n_real, batch_size, kind):
    labels = (np.arange(8) >= n_real).astype(int)
    coverage = NeuronCoverageTransformer(
        identity, threshold=kind, output="channel", batch_size=batch_size
    )
    counts = coverage.fit_transform(values, labels)
    real = np.arange(n_real)
    assert_array_equal(counts, outside(values, real, others=True, sides=kind))
    assert_array_equal(coverage.transform(values), outside(values, real, others=False, sides=kind))


def test_what_was_learnt_of_real_images_counts_as_if_each_were_new(exact, images, labels):
    """fit_transform of a real image is transform after a fit without it."""
    coverage = NeuronCoverageTransformer(exact, threshold="boundary", output="channel")
    counts = coverage.fit_transform(images, labels)
    for image in np.flatnonzero(labels == 0)[:5]:
        without = clone(coverage).fit(np.delete(images, image, axis=0), np.delete(labels, image))
        assert_array_equal(without.transform(images[image : image + 1])[0], counts[image])


@pytest.mark.parametrize("reductions", ["host", "device"])
def test_a_threshold_that_float32_cannot_hold_is_not_rounded_up(reductions):
    inputs = keras.Input((1,))
    layer = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)
    coverage = NeuronCoverageTransformer(
        keras.Model(inputs, layer(inputs)),
        threshold=np.nextafter(100.0, 0.0),
        reductions=reductions,
    )
    X = np.array([[99.0], [100.0]])
    assert_array_equal(coverage.fit_transform(X), [[0], [1]])
    clear_caches(networks=False)
    assert_array_equal(coverage.transform(X), [[0], [1]])


@pytest.mark.parametrize("reductions", ["host", "device"])
def test_all_neurons_may_lie_outside_the_range(reductions):
    inputs = keras.Input((20, 20, 3))
    layer = keras.layers.Conv2D(1, 1, kernel_initializer="ones", use_bias=False)
    coverage = NeuronCoverageTransformer(
        keras.Model(inputs, layer(inputs)), threshold="boundary", reductions=reductions
    )
    images = np.zeros((3, 20, 20, 3), dtype=np.uint8)
    images[2] = 255
    assert_array_equal(coverage.fit_transform(images, [0, 0, 1]), [[0], [0], [400]])


def test_labels_of_a_range(exact, images, labels):
    coverage = NeuronCoverageTransformer(exact, threshold="boundary")
    expected = coverage.fit_transform(images, labels)
    names = np.array(["real", "fake"])[labels]
    assert_array_equal(clone(coverage).fit_transform(images, names), expected)
    only_real = clone(coverage).fit(images[labels == 0], np.zeros(23))
    assert_array_equal(only_real.thresholds_, coverage.thresholds_)
    with pytest.raises(
        ValueError, match=r"requires y to be passed, but the target y is None. Give"
    ):
        clone(coverage).fit(images)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(coverage).fit(images, labels[1:])
    with pytest.raises(ValueError, match=r"1 of the images are real .* at least 2"):
        clone(coverage).fit(images[:4], [1, 0, 1, 1])
    with pytest.raises(ValueError, match="exactly two are needed"):
        clone(coverage).fit(images, np.ones(40))
    unfitted = clone(coverage)
    with pytest.raises(NotFittedError):
        unfitted.transform(images)


def test_only_ranges_require_labels(exact):
    required = {
        str(kind): get_tags(NeuronCoverageTransformer(exact, threshold=kind)).target_tags.required
        for kind in ["mean", 0.5, *KINDS]
    }
    assert {kind for kind, is_required in required.items() if is_required} == {"boundary", "strong"}


@pytest.mark.parametrize("threshold", KINDS, ids=str)
def test_workers_batches_and_the_store_change_nothing(exact, images, labels, threshold, tmp_path):
    coverage = NeuronCoverageTransformer(exact, threshold=threshold, output="channel")
    expected = coverage.fit_transform(images, labels)
    others = {
        "batches of one": {"batch_size": 1},
        "threads": {"batch_size": 4, "n_jobs": 3},
        "store": {"memory": tmp_path},
        "store, again": {"memory": tmp_path},
    }
    NeuronCoverageTransformer(exact, output="channel", memory=tmp_path).fit_transform(images)
    for name, change in others.items():
        other = clone(coverage).set_params(**change)
        with joblib.parallel_config("threading"):
            counts = other.fit_transform(images, labels)
            assert_array_equal(counts, expected, err_msg=name)
            assert_array_equal(other.transform(images), coverage.transform(images), err_msg=name)
        assert_array_equal(other.thresholds_, coverage.thresholds_, err_msg=name)
    loaded = pickle.loads(pickle.dumps(coverage))
    assert_array_equal(loaded.transform(images), coverage.transform(images))


@pytest.mark.slow
def test_processes(images, labels):
    for threshold in KINDS:
        coverage = NeuronCoverageTransformer(
            exact_network(), threshold=threshold, output="channel", batch_size=4
        )
        expected = coverage.fit_transform(images, labels)
        counts = clone(coverage).set_params(n_jobs=2).fit_transform(images, labels)
        assert_array_equal(counts, expected, err_msg=str(threshold))


@pytest.mark.parametrize("threshold", KINDS, ids=str)
def test_unreadable_images_are_named_once_and_left_out(paths, images, labels, exact, threshold):
    coverage = NeuronCoverageTransformer(
        exact, threshold=threshold, output="channel", on_error="nan", batch_size=4
    )
    bad = [np.flatnonzero(labels == 0)[3], np.flatnonzero(labels == 1)[2]]
    good = np.delete(np.arange(len(images)), bad)
    expected = coverage.fit_transform(images[good], labels[good])
    for index in bad:
        paths[index].write_bytes(b"no image")
    other = clone(coverage)
    with pytest.warns(UnreadableImageWarning) as caught:
        counts = other.fit_transform(paths, labels)
    assert sorted(warning.message.index for warning in caught) == sorted(bad)
    assert np.isnan(counts[bad]).all()
    assert_array_equal(counts[good], expected)
    assert_array_equal(other.thresholds_, coverage.thresholds_)
    assert other.n_samples_seen_ == coverage.n_samples_seen_


@pytest.mark.parametrize("threshold", KINDS, ids=str)
def test_fractions_of_the_neurons(exact, images, labels, threshold):
    counts = NeuronCoverageTransformer(exact, threshold=threshold, output="channel")
    fractions = clone(counts).set_params(normalize="fraction").fit_transform(images, labels)
    sizes = np.repeat([10 * 8, 8 * 6, 3 * 2, 1], N_MAPS)
    if isinstance(threshold, tuple) and threshold[0] == "quantile":
        sizes = np.repeat(sizes, len(QUANTILES))
    assert_allclose(fractions * sizes, counts.fit_transform(images, labels), rtol=1e-6)


@pytest.mark.parametrize("threshold", KINDS, ids=str)
def test_outputs_that_are_not_finite_name_the_layer(threshold):
    x = inputs = keras.Input((2, 2, 3))
    for name, factor in [("first", 1e30), ("second", 2e6)]:
        kernel = keras.initializers.Constant(factor)
        x = keras.layers.Conv2D(2, 1, name=name, kernel_initializer=kernel, use_bias=False)(x)
    images, labels = np.zeros((4, 2, 2, 3), dtype=np.uint8), [0, 0, 1, 0]
    coverage = NeuronCoverageTransformer(
        keras.Model(inputs, x), threshold=threshold, output="channel"
    ).fit(images, labels)
    images[1] = 255
    for action in (clone(coverage).fit_transform, lambda X, _: coverage.transform(X)):
        with pytest.raises(ValueError, match=r"layer 'second' has outputs that are NaN or inf"):
            action(images, labels)


class SmallDevice(keras.layers.Layer):
    """A last layer that has room for five images, when the others have been shown."""

    def call(self, inputs):
        import tensorflow

        def refuse(batch):
            if len(batch) > 5:
                raise MemoryError("OOM when allocating tensor")
            return batch

        outputs = tensorflow.numpy_function(refuse, [inputs], tensorflow.float32)
        return tensorflow.ensure_shape(outputs, inputs.shape)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the layer is TensorFlow's")
@pytest.mark.parametrize("threshold", LEARNT, ids=str)
def test_batches_that_are_halved_are_learnt_from_once(exact, images, labels, threshold):
    inputs = keras.Input((12, 10, 3))
    small = keras.Model(inputs, SmallDevice()(exact_network()(inputs)))
    coverage = NeuronCoverageTransformer(small, threshold=threshold, batch_size=32)
    with pytest.warns(UserWarning, match="not enough memory for"):
        counts = coverage.fit_transform(images, labels)
    expected = clone(coverage).set_params(backbone=exact).fit_transform(images, labels)
    assert_array_equal(counts, expected)


@pytest.mark.parametrize(
    "threshold",
    [
        ("quantile", []),
        ("quantile", [0.5, 0.5]),
        ("quantile", [0.5, 2]),
        ("quantile", ["a"]),
        ("quantile", "0.5"),
        ("quantile", np.eye(2)),
        ("top", 0),
        ("top", 1.5),
        ("top", True),
        ("top", [1, 2]),
        ("top",),
        "top",
        "per-layer",
    ],
    ids=str,
)
def test_unknown_thresholds_are_refused(exact, images, threshold):
    coverage = NeuronCoverageTransformer(exact, threshold=threshold, output="channel")
    with pytest.raises(ValueError, match=r"accepted are 'mean', 'per-map'|'threshold' parameter"):
        coverage.fit(images)


def test_detectors_of_boundary_coverage(exact, images, labels):
    detector = make_fakespotter(Backbone("exact", exact), random_state=0)
    detector.set_params(coverage__threshold="boundary", classify__max_iter=2)
    clear_caches(networks=False)
    probabilities = detector.fit(images, labels).predict_proba(images)
    assert probabilities.shape == (40, 2)
