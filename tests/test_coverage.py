# SPDX-License-Identifier: BSD-3-Clause

import copy
import os
import pickle

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
from exactness import assert_same_but_for_rounding, count_by_numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from networks import coverage_by_numpy, outputs_by_layer, small_network
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skfakespot import NeuronCoverageTransformer
from skfakespot.backbones import Backbone, BackboneError
from skfakespot.images import ImageError, UnreadableImageWarning

LAYERS = ["conv_1", "depthwise", "conv_2", "dense"]

pytestmark = pytest.mark.numeric


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (9, 12, 10, 3), dtype=np.uint8)


@pytest.fixture
def paths(images, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


@pytest.mark.parametrize("neuron", ["unit", "channel"])
def test_thresholds_and_counts_equal_numpy(network, images, neuron):
    coverage = NeuronCoverageTransformer(network, neuron=neuron, batch_size=4)
    counts = coverage.fit_transform(images)
    assert coverage.layer_names_.tolist() == LAYERS
    outputs = outputs_by_layer(network, images, LAYERS)
    assert_same_but_for_rounding(
        (coverage.thresholds_, counts), coverage_by_numpy(outputs, neuron), outputs, neuron=neuron
    )


def test_counts_per_feature_map_add_up_to_counts_per_layer(network, images):
    by_layer = NeuronCoverageTransformer(network).fit(images)
    by_channel = clone(by_layer).set_params(output="channel").fit(images)
    counts, maps = by_layer.transform(images), by_channel.transform(images)
    assert maps.dtype == np.float32
    names = by_channel.get_feature_names_out()
    assert names[:5].tolist() == ["conv_1:0", "conv_1:1", "conv_1:2", "conv_1:3", "depthwise:0"]
    layer_of = np.array([name.split(":")[0] for name in names])
    for column, layer in enumerate(LAYERS):
        assert_array_equal(maps[:, layer_of == layer].sum(axis=1), counts[:, column])


@given(chosen=st.sets(st.sampled_from(LAYERS), min_size=1, max_size=3))
@settings(max_examples=10)
def test_layers_are_counted_apart_as_together(network, images, chosen):
    whole = NeuronCoverageTransformer(network).fit(images)
    parts = [
        NeuronCoverageTransformer(network, layers=sorted(part)).fit(images)
        for part in (chosen, set(LAYERS) - chosen)
    ]
    columns = [whole.layer_names_.tolist().index(n) for part in parts for n in part.layer_names_]
    counts = np.hstack([part.transform(images) for part in parts])
    assert_array_equal(counts, whole.transform(images)[:, columns])
    thresholds = np.concatenate([part.thresholds_ for part in parts])
    assert_array_equal(thresholds, whole.thresholds_[columns])


def test_units_and_channels_share_their_thresholds(network, images):
    by_unit, by_channel = (
        NeuronCoverageTransformer(network, neuron=neuron).fit(images)
        for neuron in ("unit", "channel")
    )
    assert_allclose(by_unit.thresholds_, by_channel.thresholds_, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    images=hnp.arrays(np.uint8, st.tuples(st.integers(2, 12), *map(st.just, (12, 10, 3)))),
    batch_size=st.integers(1, 13),
    data=st.data(),
)
def test_order_and_batch_size_change_nothing(network, images, batch_size, data):
    order = data.draw(st.permutations(range(len(images))))
    reference = NeuronCoverageTransformer(network).fit(images)
    other = NeuronCoverageTransformer(network, batch_size=batch_size).fit(images[order])
    assert_allclose(other.thresholds_, reference.thresholds_, rtol=1e-6, atol=1e-9)
    other.thresholds_ = reference.thresholds_
    counts = reference.transform(images)
    assert_array_equal(other.transform(images[order]), counts[order])
    assert (counts >= 0).all()
    assert (counts <= reference.n_neurons_).all()


def test_a_neuron_at_the_threshold_is_not_active():
    """Eq. (2) is strict: all outputs of a constant layer are equal to their mean."""
    inputs = keras.Input((4, 4, 3))
    outputs = keras.layers.Conv2D(2, 1, kernel_initializer="zeros", bias_initializer="ones")(inputs)
    images = np.zeros((5, 4, 4, 3), dtype=np.uint8)
    counts = NeuronCoverageTransformer(keras.Model(inputs, outputs)).fit_transform(images)
    assert_array_equal(counts, np.zeros((5, 1)))


@pytest.mark.parametrize("threshold", [0.1, np.nextafter(np.float64(np.float32(0.3)), 0), -0.2, 7])
def test_a_number_is_one_threshold_for_all_layers(exact, images, threshold):
    coverage = NeuronCoverageTransformer(exact, threshold=threshold)
    counts = coverage.fit_transform(images)
    assert_array_equal(coverage.thresholds_, np.full(4, threshold))
    outputs = outputs_by_layer(exact, images, LAYERS)
    assert_array_equal(counts, count_by_numpy(outputs, coverage.thresholds_))


def test_a_threshold_between_two_float32_numbers_is_compared_exactly():
    """A pixel whose float32 value is just above or just below a float64 threshold."""
    inputs = keras.Input((1, 1, 3))
    outputs = keras.layers.Conv2D(1, 1, kernel_initializer="ones", use_bias=False)(inputs)
    images = np.full((1, 1, 1, 3), 1, dtype=np.uint8)
    for threshold, count in [(3 - 1e-9, 1), (3.0, 0), (3 + 1e-9, 0)]:
        coverage = NeuronCoverageTransformer(keras.Model(inputs, outputs), threshold=threshold)
        assert coverage.fit_transform(images).item() == count


@pytest.mark.parametrize("quantile", [0.0, 0.25, 0.5, 0.9, 0.999, 1.0])
def test_a_quantile_is_exact(exact, images, quantile):
    coverage = NeuronCoverageTransformer(exact, threshold=("quantile", quantile), batch_size=4)
    counts = coverage.fit_transform(images)
    outputs = outputs_by_layer(exact, images, LAYERS)
    expected = [np.quantile(output, quantile, method="inverted_cdf") for output in outputs]
    assert_array_equal(coverage.thresholds_, expected)
    assert_array_equal(counts, count_by_numpy(outputs, expected))


@pytest.fixture(scope="module")
def identity():
    """A network whose neurons are its two inputs."""
    inputs = keras.Input((2,))
    layer = keras.layers.Dense(2, kernel_initializer="identity", use_bias=False)
    return keras.Model(inputs, layer(inputs))


@settings(max_examples=50, deadline=None)
@given(
    values=hnp.arrays(
        np.float32, (7, 2), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
    ),
    quantile=st.floats(0, 1),
)
def test_the_quantile_of_any_values_is_exact(identity, values, quantile):
    coverage = NeuronCoverageTransformer(identity, threshold=("quantile", quantile)).fit(values)
    outputs = keras.ops.convert_to_numpy(identity(values))
    outputs = np.where(np.abs(outputs) < np.finfo(np.float32).tiny, 0, outputs)
    expected = np.quantile(outputs.astype(float), quantile, method="inverted_cdf")
    assert coverage.thresholds_.item() == expected


@pytest.mark.parametrize(
    "threshold",
    [
        ("quantile", 1.5),
        ("median", 0.5),
        "median",
        ("quantile",),
        ("quantile", "x"),
        ("quantile", None),
        (),
        ("quantile", 0.1, 0.9),
    ],
)
def test_unknown_thresholds_are_refused(network, images, threshold):
    with pytest.raises(ValueError, match=r"quantile|'threshold' parameter"):
        NeuronCoverageTransformer(network, threshold=threshold).fit(images)


def test_a_quantile_cannot_be_updated(network, images):
    with pytest.raises(ValueError, match="A quantile cannot be updated"):
        NeuronCoverageTransformer(network, threshold=("quantile", 0.5)).partial_fit(images)


def test_fraction_times_neurons_is_the_count(network, images):
    counts = NeuronCoverageTransformer(network).fit(images)
    for output in ("layer", "channel"):
        counts = NeuronCoverageTransformer(network, output=output)
        fractions = clone(counts).set_params(normalize="fraction").fit_transform(images)
        assert fractions.max() <= 1
        sizes = counts.fit(images).n_neurons_
        if output == "channel":
            sizes = np.repeat([10 * 8, 8 * 6, 3 * 2, 1], [4, 4, 5, 7])
        assert_allclose(fractions * sizes, counts.transform(images), rtol=1e-6)


def test_partial_fit_equals_fit(network, images):
    whole = NeuronCoverageTransformer(network).fit(images)
    parts = NeuronCoverageTransformer(network)
    for part in (images[5:], images[:2], images[2:5]):
        parts.partial_fit(part)
    assert parts.n_samples_seen_ == whole.n_samples_seen_ == len(images)
    assert_allclose(parts.thresholds_, whole.thresholds_, rtol=1e-6)
    assert_array_equal(parts.fit(images).thresholds_, whole.thresholds_)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("conv+dense", LAYERS),
        ("conv", LAYERS[:3]),
        ("dense", LAYERS[3:]),
        ("relu|norm", ["norm_1", "relu_1"]),
        (["dense", "conv_1"], ["conv_1", "dense"]),
        (lambda layer: layer.name.endswith("1"), ["conv_1", "norm_1", "relu_1"]),
    ],
    ids=["conv+dense", "conv", "dense", "regex", "names", "callable"],
)
def test_layers_are_selected_in_forward_order(network, images, layers, expected):
    coverage = NeuronCoverageTransformer(network, layers=layers).fit(images)
    assert coverage.get_feature_names_out().tolist() == expected


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["conv_11"], "no layer 'conv_11': did you mean 'conv_1'"),
        ("conv_9", "selects none of the 8 layers .* 'small_image_network', rescaling, conv_1"),
        (["nothing like it"], "no layer 'nothing like it': it has"),
        ([], "empty list"),
    ],
)
def test_layers_that_do_not_exist_are_refused(network, images, layers, message):
    with pytest.raises(ValueError, match=message):
        NeuronCoverageTransformer(network, layers=layers).fit(images)


def test_every_kind_of_X_gives_the_same_counts(network, images, paths):
    reference = NeuronCoverageTransformer(network).fit(images)
    expected = reference.transform(images)
    kinds = {
        "float": images.astype(np.float64),
        "paths": paths,
        "strings": [str(path) for path in paths],
        "object array": np.array(paths, dtype=object),
        "Series": pd.Series([str(path) for path in paths]),
        "DataFrame": pd.DataFrame({"face": [str(path) for path in paths]}),
        "PIL": [Image.fromarray(image) for image in images],
        "arrays": list(images),
        "contents": [path.read_bytes() for path in paths],
    }
    for kind, X in kinds.items():
        coverage = NeuronCoverageTransformer(network)
        assert_array_equal(coverage.fit_transform(X), expected, err_msg=kind)
        assert_array_equal(coverage.thresholds_, reference.thresholds_, err_msg=kind)
        assert coverage.n_features_in_ == (12 * 10 * 3 if kind == "float" else 1)


def test_what_is_known_of_X_after_fit(network, images, paths):
    coverage = NeuronCoverageTransformer(network).fit(images)
    assert (coverage.image_shape_in_, coverage.n_features_in_) == ((12, 10, 3), 360)
    coverage.fit(pd.DataFrame({"face": [str(path) for path in paths]}))
    assert coverage.image_shape_in_ is None
    assert coverage.feature_names_in_.tolist() == ["face"]
    coverage.fit(images[..., 0])
    assert not hasattr(coverage, "feature_names_in_")
    assert coverage.image_shape_in_ == (12, 10, 3)


def any_size_network():
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, keras.layers.Conv2D(3, 3, kernel_initializer="ones")(inputs))


@pytest.mark.parametrize("make_coverage", [
    lambda: NeuronCoverageTransformer(small_network()),
    lambda: NeuronCoverageTransformer(small_network),  # built for the images in fit
    lambda: NeuronCoverageTransformer(any_size_network(), image_size=(9, 8)),
    pytest.param(lambda: NeuronCoverageTransformer([small_network(), any_size_network()],
                                                   image_size=[None, (9, 8)]),
                 marks=pytest.mark.slow),
], ids=["model", "callable", "any size", "list"])  # fmt: skip
def test_arrays_of_images_of_another_size_than_in_fit_are_resized(images, make_coverage):
    coverage = make_coverage().fit(images)
    for others in (images[:, :, :9], images.repeat(2, axis=1), images[:, 1:, :, 0]):
        expected = coverage.transform(list(others))
        assert_array_equal(coverage.transform(others), expected)
        assert_array_equal(pickle.loads(pickle.dumps(coverage)).transform(others), expected)
    assert (coverage.image_shape_in_, coverage.n_features_in_) == ((12, 10, 3), 360)


def test_thresholds_are_learnt_from_arrays_of_differing_sizes(network, images):
    others = images.repeat(2, axis=1)
    expected = NeuronCoverageTransformer(network).fit([*images, *others]).thresholds_
    in_parts = NeuronCoverageTransformer(network).partial_fit(images).partial_fit(others)
    assert_allclose(in_parts.thresholds_, expected, rtol=1e-12)
    parts = [NeuronCoverageTransformer(network).fit(part) for part in (images, others)]
    assert_allclose(parts[0].merge(parts[1]).thresholds_, expected, rtol=1e-12)
    assert in_parts.image_shape_in_ == parts[0].image_shape_in_ == (12, 10, 3)


def test_vectors_are_no_images_and_keep_their_length(network, images):
    coverage = NeuronCoverageTransformer(network).fit(images)
    with pytest.raises(ValueError, match=r"but X holds rows of 360 numbers"):
        coverage.transform(images.reshape(len(images), -1))
    coverage = NeuronCoverageTransformer(small_network).fit(images[:, 0, 0])
    with pytest.raises(ValueError, match=r"X has 4 features, but .* is expecting 3 features"):
        coverage.transform(np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"samples of shape \(3,\), but X holds images"):
        coverage.transform(images)


def test_vectors_and_images_go_to_networks_of_their_kind(network, images):
    with pytest.raises(
        ValueError, match=r"takes samples of shape .*, but X holds rows of 4 numbers"
    ):
        NeuronCoverageTransformer(network).fit(np.ones((3, 4)))
    with pytest.raises(ValueError, match="but X holds images"):
        NeuronCoverageTransformer(small_network((4,))).fit(images)


def test_an_unreadable_image_is_an_error_or_a_row_of_nan(network, paths):
    paths[3].write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"3\.png"):
        NeuronCoverageTransformer(network).fit(paths)
    coverage = NeuronCoverageTransformer(network, on_error="nan")
    with pytest.warns(UnreadableImageWarning, match=r"3\.png") as caught:
        counts = coverage.fit_transform(paths)
    assert len(caught) == 1
    assert np.isnan(counts[3]).all()
    readable = [path for path in paths if path != paths[3]]
    assert_array_equal(np.delete(counts, 3, axis=0), coverage.fit_transform(readable))
    assert coverage.n_samples_seen_ == 8


def test_no_readable_image_at_all_is_an_error(network, tmp_path):
    coverage = NeuronCoverageTransformer(network, on_error="nan")
    with (
        pytest.warns(UnreadableImageWarning),
        pytest.raises(ValueError, match="None of the 2 images could be read"),
    ):
        coverage.fit([tmp_path / "a.png", tmp_path / "b.png"])
    with pytest.raises(NotFittedError):
        coverage.transform([])


def test_image_size_must_fit_the_backbone(network, images):
    with pytest.raises(ValueError, match=r"image_size=\(8, 8\) does not fit .* \(12, 10\)"):
        NeuronCoverageTransformer(network, image_size=(8, 8)).fit(images)


def test_one_count_a_neuron_is_refused(network, images):
    with pytest.raises(ValueError, match="0 or 1"):
        NeuronCoverageTransformer(network, neuron="channel", output="channel").fit(images)


class OwnPath(os.PathLike):
    """A path of a class that is not pathlib's."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


def test_the_backbone_may_come_in_many_ways(network, images, tmp_path):
    file = tmp_path / "network.keras"
    network.save(file)
    expected = NeuronCoverageTransformer(network).fit_transform(images)
    backbone = Backbone(name="mine", model=network, preprocess=lambda batch: batch.astype("f4"))
    for choice in (file, str(file), OwnPath(file), lambda: network, lambda: backbone, backbone):
        assert_array_equal(NeuronCoverageTransformer(choice).fit_transform(images), expected)


def test_weights_are_named_by_any_path(images, tmp_path):
    coverage = NeuronCoverageTransformer(weights=OwnPath(tmp_path / "absent.dat"))
    with pytest.raises(BackboneError, match=r"absent\.dat"):
        coverage.fit(images)


def test_a_keras_file_that_was_replaced_is_read_again(images, tmp_path):
    file = tmp_path / "network.keras"
    small_network().save(file)
    before = NeuronCoverageTransformer(file).fit(images)
    other = small_network()
    kernel = other.get_layer("conv_1").kernel
    kernel.assign(-kernel)
    other.save(file)
    after = NeuronCoverageTransformer(str(file)).fit(images)
    assert (before.thresholds_ != after.thresholds_).any()


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("dlib", "Did you mean"),
        (3, "backbone=3 is a int; accepted are a name"),
        ([["dlib-resnet29"]], "is a list; accepted are"),
        (lambda: 3, "returned int; accepted are a keras.Model"),
        ("nowhere.keras", r"nowhere\.keras cannot be loaded"),
    ],
)
def test_unusable_backbones_are_refused(images, backbone, message):
    with pytest.raises(BackboneError, match=message):
        NeuronCoverageTransformer(backbone).fit(images)


def test_a_keras_file_with_code_is_not_run(images, tmp_path):
    inputs = keras.Input((12, 10, 3))
    outputs = keras.layers.Lambda(lambda batch: batch)(keras.layers.Conv2D(1, 1)(inputs))
    file = tmp_path / "lambda.keras"
    keras.Model(inputs, outputs).save(file)
    with pytest.raises(BackboneError, match="without Lambda layers"):
        NeuronCoverageTransformer(file).fit(images)


def test_networks_with_several_inputs_or_outputs_are_refused(images):
    inputs = keras.Input((12, 10, 3)), keras.Input((2,))
    flat = keras.layers.Flatten()(inputs[0])
    model = keras.Model(inputs, keras.layers.Concatenate()([flat, inputs[1]]))
    with pytest.raises(BackboneError, match="2 inputs and 1 outputs"):
        NeuronCoverageTransformer(model).fit(images)


def test_copies_give_the_same_counts_and_carry_no_weights(images):
    coverage = NeuronCoverageTransformer(weights="random").fit(images)
    expected = coverage.transform(images)
    data = pickle.dumps(coverage)
    assert len(data) < 10_000
    for other in (pickle.loads(data), copy.deepcopy(coverage)):
        assert_array_equal(other.transform(images), expected)
        assert other.backbone_.name == "dlib-resnet29"
    assert joblib.hash(coverage) == joblib.hash(pickle.loads(data))


def test_names_reach_pandas(network, images):
    coverage = NeuronCoverageTransformer(network).set_output(transform="pandas")
    assert coverage.fit_transform(images).columns.tolist() == LAYERS


def test_read_only_memmaps_are_taken(network, images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    expected = NeuronCoverageTransformer(network).fit_transform(images)
    assert_array_equal(NeuronCoverageTransformer(network).fit_transform(mapped), expected)
