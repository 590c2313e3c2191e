# SPDX-License-Identifier: BSD-3-Clause
"""Networks that users bring: how their layers are found, and what is refused."""

import copy
import pickle
import random
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import keras
import numpy as np
import pytest
from exactness import assert_same_but_for_rounding
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import coverage_by_numpy, outputs_by_layer, small_network
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skfakespot import FakeSpotterClassifier, NeuronCoverageTransformer, clear_caches
from skfakespot.backbones import Backbone, BackboneError

pytestmark = pytest.mark.numeric


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 12, 10, 3), dtype=np.uint8)


def conv(filters, name, seed, **options):
    initializer = keras.initializers.GlorotUniform(seed)
    return keras.layers.Conv2D(filters, 3, name=name, kernel_initializer=initializer, **options)


def assert_same_as_numpy(coverage, counts, outputs, neuron="unit"):
    assert_same_but_for_rounding(
        (coverage.thresholds_, counts), coverage_by_numpy(outputs, neuron), outputs, neuron=neuron
    )


def test_a_shared_layer_is_read_at_each_of_its_calls(images):
    shared = conv(3, "shared", 1, padding="same")
    inputs = keras.Input((12, 10, 3))
    first = shared(inputs)
    second = shared(keras.layers.ReLU()(first))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(second))
    coverage = NeuronCoverageTransformer(model)
    counts = coverage.fit_transform(images)
    assert coverage.layer_names_.tolist() == ["shared", "shared#2"]
    batch = images.astype(np.float32)
    outputs = [keras.ops.convert_to_numpy(shared(batch))]
    outputs.append(keras.ops.convert_to_numpy(shared(np.maximum(outputs[0], 0))))
    assert_same_as_numpy(coverage, counts, outputs)
    by_name = NeuronCoverageTransformer(model, layers=["shared"]).fit(images)
    assert by_name.layer_names_.tolist() == ["shared", "shared#2"]


def test_nested_networks_are_entered(images):
    inner = small_network()
    inputs = keras.Input((12, 10, 3))
    outputs = keras.layers.Dense(2, name="head", kernel_initializer="ones")(inner(inputs))
    coverage = NeuronCoverageTransformer(keras.Model(inputs, outputs))
    counts = coverage.fit_transform(images)
    names = ["conv_1", "depthwise", "conv_2", "dense"]
    nested = [f"small_image_network/{name}" for name in names]
    assert coverage.layer_names_.tolist() == [*nested, "head"]
    inner_outputs = outputs_by_layer(inner, images, names)
    head = inner_outputs[-1].sum(axis=1, keepdims=True).repeat(2, axis=1)
    assert_same_as_numpy(coverage, counts, [*inner_outputs, head])


def test_a_sequential_network(images):
    layers = [keras.Input((12, 10, 3)), conv(3, "conv", 1), keras.layers.GlobalMaxPooling2D()]
    coverage = NeuronCoverageTransformer(keras.Sequential(layers)).fit(images)
    assert coverage.layer_names_.tolist() == ["conv"]
    assert coverage.n_neurons_.tolist() == [10 * 8 * 3]


def test_batch_normalisation_and_dropout_are_in_inference_mode(images):
    inputs = keras.Input((12, 10, 3))
    x = keras.layers.BatchNormalization(name="norm")(inputs)
    x = keras.layers.Dropout(0.9)(x)
    model = keras.Model(inputs, conv(3, "conv", 1)(x))
    mean, variance = np.array([100.0, 120.0, 140.0]), np.array([400.0, 500.0, 600.0])
    model.get_layer("norm").set_weights([np.ones(3), np.zeros(3), mean, variance])
    coverage = NeuronCoverageTransformer(model)
    counts = coverage.fit_transform(images)
    outputs = outputs_by_layer(model, images, ["conv"])
    assert_same_as_numpy(coverage, counts, outputs)
    # One image at a time: statistics of a batch would differ.
    counts = coverage.set_params(batch_size=1).transform(images)
    assert_same_as_numpy(coverage, counts, outputs)


def test_reading_leaves_the_network_as_it_was(images):
    model = small_network()
    before = [weight.copy() for weight in model.get_weights()]
    NeuronCoverageTransformer(model, tap="activation").fit_transform(images)
    for a, b in zip(model.get_weights(), before, strict=True):
        assert_array_equal(a, b)
    # A second node would make this ambiguous, and Keras would refuse.
    assert model.get_layer("conv_1").output.shape == (None, 10, 8, 4)


def test_the_activation_that_follows_is_past_normalisation_and_sums(images):
    inputs = keras.Input((12, 10, 3))
    x = conv(3, "stem", 1, padding="same")(inputs)
    x = keras.layers.ReLU(name="stem_relu")(x)
    y = conv(3, "main", 2, padding="same")(x)
    y = keras.layers.BatchNormalization()(y)
    y = keras.layers.Add()([x, y])
    y = keras.layers.Activation("relu", name="sum_relu")(y)
    y = conv(2, "own", 3, activation="relu")(y)
    y = conv(2, "none", 4)(y)
    y = keras.layers.Flatten()(y)
    model = keras.Model(inputs, keras.layers.Dense(2, name="dense", kernel_initializer="ones")(y))
    coverage = NeuronCoverageTransformer(model, tap="activation")
    counts = coverage.fit_transform(images)
    assert coverage.layer_names_.tolist() == ["stem", "main", "own", "none", "dense"]
    read = ["stem_relu", "sum_relu", "own", "none", "dense"]
    assert_same_as_numpy(coverage, counts, outputs_by_layer(model, images, read))


def test_a_network_for_images_of_any_size_needs_image_size(images):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, conv(3, "conv", 1)(inputs))
    with pytest.raises(ValueError, match="takes images of any size: set image_size="):
        NeuronCoverageTransformer(model).fit(images)
    coverage = NeuronCoverageTransformer(model, image_size=(12, 10)).fit(images)
    assert coverage.n_neurons_.tolist() == [10 * 8 * 3]
    coverage.set_params(image_size=(7, 9)).fit(images)
    assert coverage.n_neurons_.tolist() == [5 * 7 * 3]


def test_a_subclassed_network_is_refused(images):
    class ByCode(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = keras.layers.Conv2D(1, 1)

        def call(self, inputs):
            return self.conv(inputs)

    model = ByCode()
    model(images.astype(np.float32))
    with pytest.raises(BackboneError, match="Accepted are functional models, and Sequential"):
        NeuronCoverageTransformer(model).fit(images)


def test_an_unbuilt_sequential_network_is_refused(images):
    model = keras.Sequential([keras.layers.Conv2D(1, 1)])
    with pytest.raises(BackboneError, match=r"keras\.Input"):
        NeuronCoverageTransformer(model).fit(images)


def test_a_network_without_convolutions_is_refused(images):
    inputs = keras.Input((12, 10, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    with pytest.raises(ValueError, match=r"layers='conv\+dense' selects none"):
        NeuronCoverageTransformer(model).fit(images)


def test_a_network_for_other_samples_is_refused(images):
    inputs = keras.Input((12, 10, 4))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1)(inputs))
    with pytest.raises(BackboneError, match=r"samples of shape \(12, 10, 4\)"):
        NeuronCoverageTransformer(model).fit(images)


def counting_preprocess(batch):
    counting_preprocess.n_images += len(batch)
    return batch.astype(np.float32)


counting_preprocess.n_images = 0


@pytest.fixture(scope="module")
def backbone():
    return Backbone(name="mine", model=small_network(), preprocess=counting_preprocess)


@pytest.mark.parametrize("kind", ["model", "backbone"])
def test_copies_of_a_users_network_count_alike_and_hash_alike(backbone, images, kind):
    given = backbone if kind == "backbone" else backbone.model
    coverage = NeuronCoverageTransformer(given).fit(images)
    expected = coverage.transform(images)
    state = random.getstate()
    for other in (pickle.loads(pickle.dumps(coverage)), copy.deepcopy(coverage)):
        assert_array_equal(other.transform(images), expected)
        assert joblib.hash(other) == joblib.hash(coverage)
    assert random.getstate() == state
    assert joblib.hash(clone(coverage)) == joblib.hash(clone(coverage))


def test_a_changed_weight_changes_the_hash(images):
    model = small_network()
    before = joblib.hash(NeuronCoverageTransformer(model))
    model.set_weights([weight + 1e-3 for weight in model.get_weights()])
    assert joblib.hash(NeuronCoverageTransformer(model)) != before


def test_clones_share_the_network_and_keep_their_configuration(backbone):
    coverage = NeuronCoverageTransformer(backbone.model, layers=["conv_1"])
    coverage.set_output(transform="pandas")
    cloned = clone(coverage)
    assert cloned.backbone is backbone.model
    assert cloned.layers == ["conv_1"]
    assert cloned.layers is not coverage.layers
    assert cloned._sklearn_output_config == {"transform": "pandas"}


@pytest.mark.slow
def test_a_pickle_travels_to_another_process(images, tmp_path):
    coverage = NeuronCoverageTransformer(small_network()).fit(images)
    joblib.dump((coverage, images), tmp_path / "coverage.joblib")
    program = (
        "import joblib, sys\n"
        "coverage, images = joblib.load(sys.argv[1])\n"
        "print(joblib.hash(coverage), int(coverage.transform(images).sum()))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "coverage.joblib")]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent)
    total = int(coverage.transform(images).sum())
    assert run.stdout == f"{joblib.hash(coverage)} {total}\n", run.stderr


def test_a_callable_that_uses_the_package_itself_does_not_wait_for_ever(images):
    def build():
        model = small_network()
        NeuronCoverageTransformer(model).fit(images)
        return model

    coverage = NeuronCoverageTransformer(build)
    fit = threading.Thread(target=coverage.fit, args=(images,), daemon=True)
    fit.start()
    fit.join(120)
    assert not fit.is_alive()
    expected = NeuronCoverageTransformer(small_network()).fit_transform(images)
    assert_array_equal(coverage.transform(images), expected)


class CountingTransformer(NeuronCoverageTransformer):
    n_fits = 0

    def fit_transform(self, X, y=None):
        type(self).n_fits += 1
        return super().fit_transform(X, y)


@pytest.mark.parametrize("kind", ["model", "backbone"])
def test_a_cached_pipeline_reads_a_users_network_once(backbone, images, tmp_path, kind):
    given = backbone if kind == "backbone" else backbone.model
    CountingTransformer.n_fits = counting_preprocess.n_images = 0
    clear_caches(networks=False)
    labels = np.arange(len(images)) % 2
    predictions = []
    for _ in range(2):
        steps = [
            ("coverage", CountingTransformer(given)),
            ("scale", StandardScaler()),
            ("classify", FakeSpotterClassifier((4,), max_iter=1, random_state=0)),
        ]
        pipeline = Pipeline(steps, memory=str(tmp_path)).fit(images, labels)
        predictions.append(pipeline.predict_proba(images))
    assert CountingTransformer.n_fits == 1
    assert_array_equal(*predictions)
    if kind == "backbone":
        # One pass in the first fit, and one for the copy that comes out of the Pipeline's cache:
        # whether its preprocessing is still the same code, nobody can tell.
        assert counting_preprocess.n_images == 2 * len(images)


LAYERS = {
    "convolution": lambda kernel: keras.layers.Conv2D(3, 3, kernel_initializer=kernel),
    "strided": lambda kernel: keras.layers.Conv2D(3, 2, 2, "same", kernel_initializer=kernel),
    "depthwise": lambda kernel: keras.layers.DepthwiseConv2D(
        3, padding="same", depthwise_initializer=kernel
    ),
    "dense": lambda kernel: keras.layers.Dense(3, kernel_initializer=kernel),
    "relu": lambda _: keras.layers.ReLU(),
}


def height_after(kinds, height):
    """Rows of an image after these layers, below 1 where a kernel is larger than the image."""
    for kind in kinds:
        if kind == "convolution":
            height -= 2
        elif kind == "strided":
            height = (height + 1) // 2
    return height


@settings(max_examples=15)
@given(
    kinds=st.lists(st.sampled_from([*LAYERS, "shared"]), min_size=1, max_size=5),
    seed=st.integers(0, 1000),
    neuron=st.sampled_from(["unit", "channel"]),
)
def test_random_networks_equal_numpy(images, kinds, seed, neuron):
    assume(height_after(kinds, 10) >= 1)
    kernels = [keras.initializers.GlorotUniform(seed + number) for number in range(6)]
    shared = keras.layers.Conv2D(3, 1, kernel_initializer=kernels[5])
    layers = [
        shared if kind == "shared" else LAYERS[kind](kernel)
        for kind, kernel in zip(kinds, kernels, strict=False)
    ]
    layers = [keras.layers.Rescaling(1 / 255), *layers, LAYERS["dense"](kernels[5])]
    x = inputs = keras.Input((12, 10, 3))
    batch, outputs = images.astype(np.float32), []
    for layer in layers:
        x, batch = layer(x), layer(batch)
        if hasattr(layer, "kernel"):
            outputs.append(keras.ops.convert_to_numpy(batch))
    coverage = NeuronCoverageTransformer(keras.Model(inputs, x), neuron=neuron, batch_size=4)
    counts = coverage.fit_transform(images)
    assert_same_as_numpy(coverage, counts, outputs, neuron)
