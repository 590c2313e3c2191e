# SPDX-License-Identifier: BSD-3-Clause
"""A detector from its training to its predictions, on every backend of Keras."""

import pickle

import numpy as np
import pytest
from networks import small_network, varied_images
from numpy.testing import assert_allclose, assert_array_equal

from skfakespot import FakeSpotterClassifier, make_fakespotter

pytestmark = pytest.mark.backends


def test_the_classifier_learns_and_its_copy_predicts_the_same():
    random = np.random.default_rng(0)
    X = random.normal(size=(120, 6)).astype(np.float32)
    y = np.where(X[:, 0] + X[:, 1] > 0, "fake", "real")
    classifier = FakeSpotterClassifier(max_iter=60, learning_rate_init=0.05, random_state=0)
    classifier.fit(X, y)
    assert classifier.score(X, y) >= 0.95
    probabilities = classifier.predict_proba(X)
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    copy = pickle.loads(pickle.dumps(classifier))
    assert_array_equal(copy.predict_proba(X), probabilities)


def test_a_detector_is_fitted_and_predicts(no_profiles):
    # Keras' initializers draw other numbers on each backend. Positive weights show brightness.
    network, random = small_network(), np.random.default_rng(0)
    network.set_weights([random.uniform(0.1, 1, w.shape) for w in network.get_weights()])
    images = varied_images(60)
    labels = np.where(images.mean(axis=(1, 2, 3)) > 70, 1, 0)
    classifier = FakeSpotterClassifier(max_iter=200, learning_rate_init=0.05, random_state=0)
    detector = make_fakespotter(network, classifier=classifier).fit(images[:40], labels[:40])
    assert detector.score(images[40:], labels[40:]) >= 0.8
