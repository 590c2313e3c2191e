# SPDX-License-Identifier: BSD-3-Clause
"""Networks are built once, read in place, and freed."""

import gc
import sys
import threading
import weakref

import keras
import pytest
from networks import small_network, varied_images
from numpy.testing import assert_array_equal

from skfakespot import NeuronCoverageTransformer, clear_caches
from skfakespot.backbones import BackboneError


@pytest.fixture(scope="module")
def images():
    return varied_images(6)


@pytest.fixture(autouse=True)
def empty_caches():
    clear_caches()


def living_models():
    return [value for value in gc.get_objects() if isinstance(value, keras.Model)]


def test_a_backbone_by_name_is_built_once(images):
    before = len(living_models())
    coverage = NeuronCoverageTransformer(weights="random").fit(images)
    coverage.transform(images)
    (model,) = living_models()[before:]
    assert coverage.backbone_.model is model


def test_clear_caches_frees_networks_and_they_are_built_again(images):
    coverage = NeuronCoverageTransformer(weights="random")
    expected = coverage.fit_transform(images)
    model = weakref.ref(coverage.backbone_.model)
    assert model() is not None
    clear_caches()
    assert model() is None
    assert_array_equal(coverage.transform(images), expected)


@keras.saving.register_keras_serializable("skfakespot.tests")
class Untouchable(keras.Model):
    """A network that refuses, once it is locked, to be serialised or to show its weights."""

    locked = False

    def to_json(self, **options):
        assert not self.locked
        return super().to_json(**options)

    @property
    def weights(self):
        assert not self.locked
        return super().weights


def test_a_network_in_use_is_neither_serialised_nor_digested_for_new_images(images):
    network = small_network()
    model = Untouchable(network.inputs, network.outputs)
    coverage = NeuronCoverageTransformer(model).fit(images)
    model.locked = True
    new = varied_images(9)[6:]
    counts = coverage.transform(new)
    model.locked = False
    assert_array_equal(NeuronCoverageTransformer(network).fit(images).transform(new), counts)


def deep_network(n_layers=1200):
    x = inputs = keras.Input((12, 10, 3))
    x = keras.layers.Conv2D(2, 3, name="conv")(x)
    for _ in range(n_layers):
        x = keras.layers.ReLU()(x)
    return keras.Model(inputs, x)


@pytest.mark.long
def test_a_network_deeper_than_the_recursion_limit_is_read(images):
    limit, built = sys.getrecursionlimit(), []
    sys.setrecursionlimit(20_000)
    threading.stack_size(512 * 2**20)
    try:
        builder = threading.Thread(target=lambda: built.append(deep_network()))
        builder.start()
        builder.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(0)
    (model,) = built
    coverage = NeuronCoverageTransformer(model, tap="activation").fit(images)
    assert coverage.layer_names_.tolist() == ["conv"]
    with pytest.raises(BackboneError, match=r"recursion limit, 1000.*sys.setrecursionlimit"):
        NeuronCoverageTransformer(deep_network).fit(images)
