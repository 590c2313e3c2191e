# SPDX-License-Identifier: BSD-3-Clause
"""FeatureMapTransformer: the outputs of one layer of a network."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from networks import outputs_by_layer, small_network, varied_images
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone

from skfakespot import count_network_images
from skfakespot.backbones import BackboneError
from skfakespot.images import ImageError, UnreadableImageWarning
from skfakespot.rivals import FeatureMapTransformer


@pytest.fixture(scope="module")
def images():
    return varied_images(7)


def test_the_outputs_are_those_of_the_layer(network, images):
    for layer, tap, name in (
        ("conv_1", "layer", "conv_1"),
        ("conv_1", "activation", "relu_1"),
        ("dense", "layer", "dense"),
    ):
        transformer = FeatureMapTransformer(network, layer=layer, tap=tap, batch_size=3)
        (expected,) = outputs_by_layer(network, images, [name])
        outputs = transformer.fit_transform(images)
        assert transformer.map_shape_ == expected.shape[1:]
        assert outputs.dtype == np.float32
        assert_allclose(outputs, expected.reshape(7, -1), rtol=1e-4, atol=1e-5)
    names = FeatureMapTransformer(network, layer="conv_1").fit(images).get_feature_names_out()
    assert len(names) == 10 * 8 * 4
    assert (names[0], names[5], names[-1]) == ("conv_1(0,0):0", "conv_1(0,1):1", "conv_1(9,7):3")


def test_files_and_arrays_give_the_same(network, images, tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(7)]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    transformer = FeatureMapTransformer(network, layer="conv_2", batch_size=2)
    expected = transformer.fit_transform(images)
    frame = pd.DataFrame({"path": paths})
    for X in (paths, frame, list(images), images.astype(float)):
        assert_array_equal(clone(transformer).fit(X).transform(X), expected)
    assert list(transformer.fit(frame).feature_names_in_) == ["path"]
    with count_network_images() as count:
        transformer.transform(frame)
    assert count.n_images == 7


def test_images_that_cannot_be_read(network, images, tmp_path):
    path = tmp_path / "face.png"
    Image.fromarray(images[0]).save(path)
    X = [str(path), "gone.png"]
    transformer = FeatureMapTransformer(network, layer="conv_2").fit(X)
    with pytest.raises(ImageError, match=r"gone\.png"):
        transformer.transform(X)
    with pytest.warns(UnreadableImageWarning, match=r"gone\.png") as caught:
        outputs = transformer.set_params(on_error="nan").transform(X)
    assert caught[0].filename == __file__
    assert_array_equal(np.isnan(outputs).all(axis=1), [False, True])


def test_clones_share_the_network_and_pickles_hold_it(network, images):
    transformer = FeatureMapTransformer(network, layer="conv_2").fit(images)
    assert clone(transformer).backbone is network
    assert transformer.backbone_.model is network
    again = pickle.loads(pickle.dumps(transformer))
    assert_allclose(again.transform(images), transformer.transform(images), rtol=1e-5)


def test_what_does_not_fit_is_refused(network, images):
    with pytest.raises(ValueError, match="conv_9"):
        FeatureMapTransformer(network, layer="conv_9").fit(images)
    with pytest.raises(BackboneError, match="accepted are"):
        FeatureMapTransformer(3).fit(images)
    with pytest.raises(ValueError, match="one network is accepted"):
        FeatureMapTransformer([network, network]).fit(images)
    with pytest.raises(ValueError, match="rows of 5 numbers"):
        FeatureMapTransformer(network, layer="conv_1").fit(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="'layer' parameter"):
        FeatureMapTransformer(network, layer=None).fit(images)


def test_a_layer_that_is_called_twice_is_refused(images):
    inputs = keras.Input((12, 10, 3))
    shared = keras.layers.Conv2D(3, 3, padding="same", name="shared")
    twice = keras.Model(inputs, shared(shared(inputs)), name="twice")
    with pytest.raises(ValueError, match="calls the layer 'shared' 2 times"):
        FeatureMapTransformer(twice, layer="shared").fit(images)


def test_rows_of_numbers_for_a_network_on_vectors():
    X = np.random.default_rng(0).normal(size=(5, 9)).astype(np.float32)
    vectors = small_network((9,))
    transformer = FeatureMapTransformer(vectors, layer="dense_1", tap="layer").fit(X)
    (expected,) = outputs_by_layer(vectors, X, ["dense_1"])
    assert_allclose(transformer.transform(X), expected, rtol=1e-5)
    assert list(transformer.get_feature_names_out())[:2] == ["dense_1:0", "dense_1:1"]
