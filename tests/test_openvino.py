# SPDX-License-Identifier: BSD-3-Clause
"""Networks that OpenVINO runs: the counts of Keras, but for ties."""

import pickle
import sys

import joblib
import keras
import numpy as np
import pytest
from exactness import assert_same_but_for_rounding
from networks import outputs_by_layer, small_network
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skfakespot import (
    NeuronCoverageTransformer,
    clear_caches,
    count_network_images,
    make_fakespotter,
)

pytestmark = [pytest.mark.usefixtures("no_profiles"), pytest.mark.numeric]
LAYERS = ["conv_1", "depthwise", "conv_2", "dense"]


@pytest.fixture(scope="module")
def openvino():
    return pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def images():
    brightness = np.random.default_rng(1).integers(20, 256, (23, 1, 1, 1))
    return (np.random.default_rng(0).random((23, 12, 10, 3)) * brightness).astype(np.uint8)


@pytest.mark.usefixtures("openvino")
@pytest.mark.parametrize("tap", ["layer", "activation"])
@pytest.mark.parametrize("reading", [("unit", "layer"), ("unit", "channel"), ("channel", "layer")])
def test_the_counts_are_those_of_keras_but_for_ties(network, images, tap, reading):
    neuron, output = reading
    coverage = NeuronCoverageTransformer(
        network, tap=tap, neuron=neuron, output=output, engine="openvino"
    )
    of_keras = clone(coverage).set_params(engine="keras")
    expected = of_keras.fit_transform(images)
    counts = coverage.fit_transform(images)
    names = LAYERS if tap == "layer" else ["relu_1", *LAYERS[1:]]
    assert_same_but_for_rounding(
        (coverage.thresholds_, counts),
        (of_keras.thresholds_, expected),
        outputs_by_layer(network, images, names),
        neuron=neuron,
        output=output,
    )
    assert (coverage.engine_, of_keras.engine_) == ("openvino", "keras")
    clear_caches(networks=False)
    assert_array_equal(coverage.transform(images), counts)


@pytest.mark.usefixtures("openvino")
def test_the_default_backbone():
    images = np.random.default_rng(0).integers(0, 256, (6, 150, 150, 3), dtype=np.uint8)
    coverage = NeuronCoverageTransformer(weights="random", engine="openvino")
    of_keras = clone(coverage).set_params(engine="keras")
    expected, counts = of_keras.fit_transform(images), coverage.fit_transform(images)
    assert_allclose(coverage.thresholds_, of_keras.thresholds_, rtol=1e-6)
    # Of 3.7 million neurons, .05 of a million lie within four units in the last place of ξ.
    assert np.abs(counts - expected).sum() <= 4
    for n_images in (1, 3):
        assert_array_equal(coverage.transform(images[2 : 2 + n_images]), counts[2 : 2 + n_images])


@pytest.mark.usefixtures("openvino")
def test_an_image_does_not_depend_on_its_batch(network, images):
    counts = None
    order = np.random.default_rng(1).permutation(len(images))
    for batch_size in (1, 3, 8, 23):
        clear_caches(networks=False)
        coverage = NeuronCoverageTransformer(
            network, output="channel", engine="openvino", batch_size=batch_size
        )
        own = np.empty((len(images), 4 + 4 + 5 + 7))
        own[order] = coverage.fit_transform(images[order])
        counts = own if counts is None else counts
        assert_array_equal(own, counts)


@pytest.mark.usefixtures("openvino")
def test_statistics_ranges_and_quantiles(network, images):
    labels = np.arange(len(images)) % 2
    for tolerance, reading in (
        (1e-3, {"output": "channel", "statistics": ("std", "autocorrelation", "gram")}),
        (1, {"threshold": "boundary"}),
        (1, {"threshold": ("quantile", 0.7)}),
        (1, {"output": "channel", "threshold": "per-map"}),
    ):
        coverage = NeuronCoverageTransformer(network, engine="openvino", **reading)
        expected = clone(coverage).set_params(engine="keras").fit(images, labels)
        features = coverage.fit(images, labels).transform(images)
        assert_allclose(features, expected.transform(images), rtol=1e-4, atol=tolerance)


@pytest.mark.usefixtures("openvino")
def test_networks_on_vectors():
    rows = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)
    coverage = NeuronCoverageTransformer(small_network((6,)), engine="openvino")
    counts = coverage.fit_transform(rows)
    of_keras = clone(coverage).set_params(engine="keras")
    assert_array_equal(counts, of_keras.fit_transform(rows))
    assert_allclose(coverage.thresholds_, of_keras.thresholds_, rtol=1e-5)
    assert_array_equal(coverage.transform(rows[3:4]), counts[3:4])


@pytest.mark.usefixtures("openvino")
def test_several_backbones(network, images):
    other = small_network(pool=keras.layers.GlobalMaxPooling2D(name="pool"))
    both = NeuronCoverageTransformer([network, other], engine="openvino", batch_size=8)
    counts = both.fit_transform(images)
    alone = [NeuronCoverageTransformer(one, engine="openvino") for one in (network, other)]
    assert_array_equal(counts, np.hstack([one.fit_transform(images) for one in alone]))
    assert both.engine_ == ["openvino", "openvino"]


@pytest.mark.usefixtures("openvino")
def test_pickles(network, images):
    coverage = NeuronCoverageTransformer(network, engine="openvino").fit(images)
    loaded = pickle.loads(pickle.dumps(coverage))
    assert loaded.engine_ == "openvino"
    assert_array_equal(loaded.transform(images), coverage.transform(images))


@pytest.mark.slow
@pytest.mark.usefixtures("openvino")
def test_processes(network, images):
    coverage = NeuronCoverageTransformer(network, engine="openvino", batch_size=4)
    counts = coverage.fit_transform(images)
    with joblib.parallel_config("loky"):
        in_workers = clone(coverage).set_params(n_jobs=2)
        assert_array_equal(in_workers.fit_transform(images), counts)


@pytest.mark.usefixtures("openvino")
def test_weights_that_change(images):
    model = small_network()
    coverage = NeuronCoverageTransformer(model, engine="openvino").fit(images)
    before = coverage.transform(images)
    layer = model.get_layer("conv_1")
    layer.set_weights([-weights for weights in layer.get_weights()])
    after = coverage.transform(images)
    assert (after != before).any()
    clear_caches(networks=True)
    assert_array_equal(coverage.transform(images), after)


@pytest.mark.usefixtures("openvino")
def test_stores_tell_the_engines_apart(network, images, tmp_path):
    coverage = NeuronCoverageTransformer(network, memory=tmp_path, engine="keras").fit(images)
    for engine, n_read in (("keras", 0), ("openvino", 23), ("openvino", 0)):
        clear_caches(networks=False)
        with count_network_images() as count:
            clone(coverage).set_params(engine=engine).fit_transform(images)
        assert count.n_images == n_read


@pytest.mark.usefixtures("openvino")
def test_a_network_that_openvino_cannot_run(images):
    import tensorflow

    def through_numpy(batch):
        absolute = tensorflow.numpy_function(np.abs, [batch], tensorflow.float32)
        return tensorflow.ensure_shape(absolute, batch.shape)

    inputs = keras.Input((12, 10, 3))
    absolute = keras.layers.Lambda(through_numpy, output_shape=(12, 10, 3))(inputs)
    outputs = keras.layers.Conv2D(2, 3)(absolute)
    coverage = NeuronCoverageTransformer(keras.Model(inputs, outputs), engine="openvino")
    with pytest.raises(ValueError, match=r"OpenVINO cannot run the network .*engine='keras'"):
        coverage.fit(images)


@pytest.mark.usefixtures("openvino")
def test_auto_takes_openvino_where_it_is_faster(network, images):
    assert NeuronCoverageTransformer(network).fit(images).engine_ == "keras"
    faces = np.zeros((2, 150, 150, 3), dtype=np.uint8)
    slower = NeuronCoverageTransformer("vggface-resnet50", weights="random", layers="^conv1/")
    assert slower.fit(faces).engine_ == "keras"
    coverage = NeuronCoverageTransformer(weights="random").fit(faces)
    assert coverage.engine_ == "openvino"
    # What Keras has fitted stays with Keras, but not if it is fitted again.
    coverage.set_params(engine="keras").fit(faces).set_params(engine="auto")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "openvino", None)
        coverage.transform(faces)
    assert coverage.fit(faces).engine_ == "openvino"


def test_without_openvino(network, images, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    detector = make_fakespotter(network).set_params(coverage__engine="openvino")
    with pytest.raises(ImportError, match=r"pip install 'skfakespot\[openvino\]'"):
        detector.fit(images, np.arange(len(images)) % 2)
    faces = np.zeros((2, 150, 150, 3), dtype=np.uint8)
    assert NeuronCoverageTransformer(weights="random").fit(faces).engine_ == "keras"


def test_other_devices_are_refused(network, images):
    pytest.importorskip("openvino")
    coverage = NeuronCoverageTransformer(network, engine="openvino", device="gpu")
    with pytest.raises(ValueError, match="runs on the processor, but device='gpu'"):
        coverage.fit(images)
