# SPDX-License-Identifier: BSD-3-Clause
"""The rivals by name: `make_rival` and `list_rivals`."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline

from skfakespot import SkipMissingClassifier
from skfakespot.images import UnreadableImageWarning
from skfakespot.rivals import Upsampling, list_rivals, make_rival

NAMES = [card.name for card in list_rivals()]
# Those with a network are tested with a small one, in files of their own.
NAMES_WITHOUT_NETWORK = [name for name in NAMES if name not in ("fwa", "attention")]


@pytest.fixture(scope="module")
def faces():
    """Noisy gradients, half of them up-sampled; labels, and the rows to train on."""
    random = np.random.default_rng(0)
    down, right = np.mgrid[:64, :64]
    images = []
    for number in range(60):
        tilt, noise = random.normal(0, 0.5, 2), random.normal(0, 60, (64, 64, 3))
        values = 128 + (tilt[0] * down + tilt[1] * right)[..., np.newaxis] + noise
        pixels = np.clip(values, 0, 255).astype(np.uint8)
        images.append(Upsampling("zero-insertion")(pixels, number) if number % 2 else pixels)
    return np.stack(images), np.arange(60) % 2, np.arange(60) < 40


def small_rival(name):
    rival = make_rival(name, random_state=0)
    if "image_size" in rival["features"].get_params():
        rival.set_params(features__image_size=(64, 64))
    if name == "autogan-spectrum":
        rival.set_params(features__crop_size=(56, 56))
    return rival


@pytest.mark.parametrize("name", NAMES_WITHOUT_NETWORK)
def test_a_rival_finds_coarse_traces(name, faces):
    X, y, train = faces
    rival = small_rival(name)
    assert isinstance(rival, Pipeline)
    rival.fit(X[train], y[train])
    scores = rival.decision_function(X[~train])
    assert roc_auc_score(y[~train], scores) > 0.9
    assert_array_equal(rival.predict(X[~train]), rival.classes_[(scores > 0).astype(int)])
    again = pickle.loads(pickle.dumps(clone(rival).fit(X[train], y[train])))
    assert_allclose(again.decision_function(X[~train]), scores, rtol=1e-4, atol=1e-6)


def test_a_rival_takes_text_labels_and_paths_in_a_cross_validation(photos):
    y = ["real", "fake"] * (len(photos) // 2)
    scores = cross_val_score(make_rival("cooccurrence"), photos, y, cv=2, error_score="raise")
    assert scores.shape == (2,)


def test_each_rival_has_a_card():
    assert NAMES == [
        "radial-spectrum",
        "log-dct",
        "cooccurrence",
        "saturation",
        "autogan-spectrum",
        "residual-cooccurrence",
        "fwa",
        "attention",
    ]
    for card in list_rivals():
        assert "https://" in card.source
        assert card.needs
        assert card.licence
    list_rivals().clear()
    assert len(list_rivals()) == 8


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("log-dc", r"no rival 'log-dc' \(did you mean 'log-dct'\?\); accepted are radial-spectrum"),
        ("xception", r"no rival 'xception'; accepted are"),
        (None, "no rival None"),
        (["log-dct"], "no rival"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ValueError, match=message):
        make_rival(name)


def test_a_rival_skips_images_that_cannot_be_read(mixed_photos):
    rival = make_rival("saturation").set_params(features__on_error="nan")
    rival.steps[-1] = ("classify", SkipMissingClassifier(rival["classify"]))
    with pytest.warns(UnreadableImageWarning):
        rival.fit(mixed_photos, np.arange(len(mixed_photos)) % 2)
    with pytest.warns(UnreadableImageWarning):
        missing = np.isnan(rival.decision_function(mixed_photos))
    assert np.flatnonzero(missing).tolist() == [0, 4, 5, 9, 16]
