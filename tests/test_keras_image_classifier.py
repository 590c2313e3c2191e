# SPDX-License-Identifier: BSD-3-Clause
"""KerasImageClassifier: a user's model as a scikit-learn classifier."""

import functools
import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skfakespot.backbones import Backbone, BackboneError, Preprocessing
from skfakespot.faces import FaceCropper
from skfakespot.images import ImageError, UnreadableImageWarning, load_image
from skfakespot.rivals import KerasImageClassifier


@functools.cache
def model_of(n_outputs, activation, size=(8, 6)):
    """A model whose logits are the brightness, from 0 to 1, minus .5, times 6 (and 0 beside it)."""
    inputs = keras.Input((*size, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    dense = keras.layers.Dense(n_outputs, activation)
    outputs = dense(x)
    kernel, bias = np.zeros((3, n_outputs)), np.zeros(n_outputs)
    kernel[:, -1], bias[-1] = 2, -3
    dense.set_weights([kernel, bias])
    return keras.Model(inputs, outputs, name="brightness")


@pytest.fixture(scope="module")
def sigmoid():
    return model_of(1, "sigmoid")


@pytest.fixture(scope="module")
def images():
    colours = np.random.default_rng(0).integers(0, 256, (9, 1, 1, 3), dtype=np.uint8)
    return np.repeat(np.repeat(colours, 8, axis=1), 6, axis=2)


Y = np.array([0, 1, 0, 1, 1, 0, 0, 1, 1])


def probabilities(images):
    """Of a bright image, by hand."""
    logits = 6 * images.reshape(len(images), -1).mean(axis=1) / 255 - 3
    return 1 / (1 + np.exp(-logits)), logits


@pytest.mark.parametrize(
    ("n_outputs", "activation", "logits"),
    [(1, "sigmoid", False), (2, "softmax", False), (1, None, True), (2, None, True)],
)
@pytest.mark.parametrize("fake_output", [0, 1])
@pytest.mark.parametrize("labels", [("real", "fake"), (0, 1), (False, True)])
def test_which_output_and_which_column_is_fake(
    images, n_outputs, activation, logits, fake_output, labels
):
    classifier = KerasImageClassifier(
        model_of(n_outputs, activation), fake_output=fake_output, from_logits=logits, batch_size=4
    )
    y = np.array(labels)[Y]
    classifier.fit(images, y)
    bright, expected_logits = probabilities(images)
    fake = bright if fake_output == 1 else 1 - bright
    column = classifier.classes_.tolist().index(labels[1])
    answer = classifier.predict_proba(images)
    assert answer.shape == (9, 2)
    assert_allclose(answer[:, column], fake, atol=1e-5)
    assert_allclose(answer.sum(axis=1), 1)
    assert_array_equal(classifier.predict(images), np.array(labels)[(fake > 0.5).astype(int)])
    assert hasattr(classifier, "decision_function") == logits
    if logits:
        sign = (1 if fake_output == 1 else -1) * (1 if column == 1 else -1)
        assert_allclose(classifier.decision_function(images), sign * expected_logits, atol=1e-4)


def test_every_kind_of_x(sigmoid, images, tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(9)]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    classifier = KerasImageClassifier(sigmoid, batch_size=4).fit(images, Y)
    expected = classifier.predict_proba(images)
    frame = pd.DataFrame({"path": paths})
    for X in (paths, frame, [Image.fromarray(image) for image in images], images.astype(float)):
        assert_array_equal(clone(classifier).fit(X, Y).predict_proba(X), expected)
    large = [Image.fromarray(image).resize((30, 20)) for image in images]
    assert_allclose(classifier.predict_proba(large), expected, atol=1e-6)
    scores = cross_val_score(classifier, paths, Y, cv=2, scoring="roc_auc")
    assert scores.shape == (2,)
    assert roc_auc_score(Y, expected[:, 1]) == roc_auc_score(Y, probabilities(images)[0])


def test_models_given_in_other_ways(sigmoid, images, tmp_path):
    expected = KerasImageClassifier(sigmoid).fit(images, Y).predict_proba(images)
    path = tmp_path / "detector.keras"
    sigmoid.save(path)

    def build():
        return sigmoid

    for model in (path, str(path), build, Backbone("mine", sigmoid)):
        classifier = KerasImageClassifier(model).fit(images, Y)
        assert_allclose(classifier.predict_proba(images), expected, atol=1e-6)
    again = pickle.loads(pickle.dumps(KerasImageClassifier(path).fit(images, Y)))
    assert_allclose(again.predict_proba(images), expected, atol=1e-6)
    assert again.model_.count_params() == sigmoid.count_params()


def test_clones_share_the_model_and_pickles_hold_it(sigmoid, images):
    classifier = KerasImageClassifier(sigmoid).fit(images, Y)
    assert clone(classifier).model is sigmoid
    assert classifier.model_ is sigmoid
    again = pickle.loads(pickle.dumps(classifier))
    assert_allclose(again.predict_proba(images), classifier.predict_proba(images), atol=1e-6)
    assert pickle.dumps(classifier) == pickle.dumps(classifier)


def test_what_prepares_the_images(images):
    inputs = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalMaxPooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(pooled))
    prepared = KerasImageClassifier(
        model,
        preprocess=Preprocessing(mean=(1, 2, 3), scale=0.5),
        image_size=(8, 6),
        from_logits=True,
    ).fit(images, Y)
    expected = (images[:, 0, 0].astype(float) - [1, 2, 3]).sum(axis=1) / 2
    assert_allclose(prepared.decision_function(images), expected, rtol=1e-5)
    plain = KerasImageClassifier(model, image_size=(8, 6), from_logits=True).fit(images, Y)
    assert_allclose(plain.decision_function(images), images[:, 0, 0].sum(axis=1), rtol=1e-5)


def test_images_that_cannot_be_read(sigmoid, images, tmp_path):
    path = str(tmp_path / "face.png")
    Image.fromarray(images[0]).save(path)
    X = [path, "gone.png"]
    for labels, missing in ((["real", "fake"], "unknown"), ([0, 1], -1)):
        classifier = KerasImageClassifier(sigmoid).fit(X, labels)
        with pytest.raises(ImageError, match=r"gone\.png"):
            classifier.predict(X)
        classifier.set_params(on_error="nan")
        for method in (classifier.predict_proba, classifier.predict):
            with pytest.warns(UnreadableImageWarning, match=r"gone\.png") as caught:
                answer = method(X)
            assert caught[0].filename == __file__
        assert answer[1] == missing
        with pytest.warns(UnreadableImageWarning):
            assert_array_equal(np.isnan(classifier.predict_proba(X)), [[False] * 2, [True] * 2])


def test_it_stands_behind_a_cropper(sigmoid):
    images = np.zeros((2, 100, 100, 3), dtype=np.uint8)
    detector = make_pipeline(
        FaceCropper(on_no_face="nan"), KerasImageClassifier(sigmoid, on_error="nan")
    ).fit(images, [0, 1])
    with pytest.warns(UnreadableImageWarning, match="no face was found"):
        assert np.isnan(detector.predict_proba(images)).all()
    with pytest.raises(ImageError):
        load_image(detector[0].transform(images)[0])


@pytest.mark.parametrize(
    ("n_outputs", "activation", "message"),
    [
        (3, "softmax", r"gives \(3,\) numbers for an image; accepted are"),
        (1, None, "which are no probabilities. If they are logits"),
        (2, None, "which are no probabilities"),
    ],
)
def test_outputs_that_are_no_probabilities(images, n_outputs, activation, message):
    with pytest.raises(ValueError, match=message):
        KerasImageClassifier(model_of(n_outputs, activation)).fit(images, Y).predict(images)


def test_what_does_not_fit_is_refused(sigmoid, images, tmp_path):
    for y, message in (
        ([0] * 9, "y holds 1 class, "),
        (np.arange(9) % 3, "y holds 3 classes"),
        (["a", "b", "a"] * 3, "do not tell which one means fake"),
        ([0, 1], "inconsistent numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            KerasImageClassifier(sigmoid).fit(images, y)
    with pytest.raises(ValueError, match="does not fit the backbone"):
        KerasImageClassifier(sigmoid, image_size=(9, 9)).fit(images, Y)
    with pytest.raises(ValueError, match="images of any size: set image_size"):
        KerasImageClassifier(model_of(1, "sigmoid", (None, None))).fit(images, Y)
    with pytest.raises(ValueError, match="rows of 4 numbers"):
        KerasImageClassifier(sigmoid).fit(np.zeros((9, 4)), Y)
    with pytest.raises(ValueError, match="'fake_output' parameter"):
        KerasImageClassifier(sigmoid, fake_output=2).fit(images, Y)
    broken = tmp_path / "broken.keras"
    broken.write_bytes(b"no model")
    with pytest.raises(BackboneError, match=r"broken\.keras cannot be loaded"):
        KerasImageClassifier(broken).fit(images, Y)


def test_keras_errors_are_explained(images):
    def wrong(batch):
        return batch[:, :, :, :2].astype(np.float32)

    classifier = KerasImageClassifier(model_of(1, "sigmoid"), preprocess=wrong).fit(images, Y)
    with pytest.raises(ValueError, match=r"'brightness' cannot take samples of shape \(8, 6, 3\)"):
        classifier.predict(images)
