# SPDX-License-Identifier: BSD-3-Clause
"""AttentionPoolingClassifier: its formula, its gradient, and what it finds."""

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import small_network
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skfakespot.rivals import AttentionPoolingClassifier, make_rival
from skfakespot.rivals._attention_loss import AttentionLoss, standardisation


def brute_force_log_odds(maps, attention, offset, head, intercept):
    values = []
    for places in maps:
        weights = [1 / (1 + np.exp(-(attention @ place + offset))) for place in places]
        pooled = sum(w * place for w, place in zip(weights, places, strict=True)) / sum(weights)
        values.append(head @ pooled + intercept)
    return np.array(values)


def brute_force_loss(vector, maps, targets, shares, penalty):
    """The loss on maps that are standardised first, place by place."""
    flat = maps.reshape(-1, maps.shape[2])
    weights = np.repeat(shares, maps.shape[1])
    mean = np.average(flat, axis=0, weights=weights)
    scale = np.sqrt(np.average((flat - mean) ** 2, axis=0, weights=weights))
    n_channels = maps.shape[2]
    attention, head = vector[:n_channels], vector[n_channels : 2 * n_channels]
    values = brute_force_log_odds((maps - mean) / scale, attention, vector[-2], head, vector[-1])
    losses = np.log1p(np.exp(-targets * values))
    return shares @ losses + penalty / 2 * (attention @ attention + head @ head)


def random_problem(seed, n_samples=7, n_places=5, n_channels=3):
    random = np.random.default_rng(seed)
    maps = random.normal(2, 1.5, (n_samples, n_places, n_channels))
    targets = np.where(random.random(n_samples) < 0.5, -1.0, 1.0)
    shares = random.uniform(0.1, 1, n_samples)
    return maps, targets, shares / shares.sum(), random.normal(size=2 * n_channels + 2)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 4))
def test_the_loss_and_its_gradient(seed, n_places, n_channels):
    maps, targets, shares, vector = random_problem(seed, n_places=n_places, n_channels=n_channels)
    loss = AttentionLoss(maps, targets, shares, 0.3)
    value, gradient = loss(vector)
    assert_allclose(value, brute_force_loss(vector, maps, targets, shares, 0.3), rtol=1e-10)
    differences = approx_fprime(vector, lambda point: loss(point)[0], 1e-6)
    assert_allclose(gradient, differences, atol=2e-5)


def test_blocks_change_nothing(monkeypatch):
    maps, targets, shares, vector = random_problem(0, n_samples=50)
    value, gradient = AttentionLoss(maps, targets, shares, 0.1)(vector)
    monkeypatch.setattr("skfakespot.rivals._attention_loss._BLOCK_ELEMENTS", 40)
    of_blocks = AttentionLoss(maps, targets, shares, 0.1)(vector)
    assert_allclose(of_blocks[0], value)
    assert_allclose(of_blocks[1], gradient, atol=1e-12)


def test_standardisation_takes_all_places_together():
    maps, _, shares, _ = random_problem(1)
    maps[..., 1] = 0.1  # has no deviation but for rounding
    mean, scale = standardisation(maps, shares)
    flat, weights = maps.reshape(-1, 3), np.repeat(shares, 5)
    assert_allclose(mean, np.average(flat, axis=0, weights=weights))
    deviation = np.sqrt(np.average((flat - mean) ** 2, axis=0, weights=weights))
    assert_allclose(scale, [deviation[0], 1, deviation[2]])


@pytest.fixture(scope="module")
def spot():
    """Maps of 6 places with 4 channels, in which the place that channel 0 marks tells the label."""
    random = np.random.default_rng(0)
    n_samples = 400
    maps, y = random.normal(size=(n_samples, 6, 4)), np.arange(n_samples) % 2
    marked = random.integers(6, size=n_samples)
    maps[np.arange(n_samples), marked, 0] += 6
    # Another place has the opposite, so that the mean over all places tells nothing.
    other = (marked + random.integers(1, 6, size=n_samples)) % 6
    maps[np.arange(n_samples), marked, 1] += 2 * (2 * y - 1)
    maps[np.arange(n_samples), other, 1] -= 2 * (2 * y - 1)
    return maps.reshape(n_samples, -1).astype(np.float32), y, marked


def test_it_finds_the_place_that_tells_the_classes(spot):
    X, y, marked = spot
    classifier = AttentionPoolingClassifier(n_channels=4).fit(X[:300], y[:300])
    assert classifier.score(X[300:], y[300:]) > 0.9
    mean = LogisticRegression().fit(X[:300].reshape(300, 6, 4).mean(axis=1), y[:300])
    assert mean.score(X[300:].reshape(100, 6, 4).mean(axis=1), y[300:]) < 0.65
    attention = classifier.attention(X[300:])
    assert attention.shape == (100, 6)
    assert ((attention >= 0) & (attention <= 1)).all()
    assert np.mean(attention.argmax(axis=1) == marked[300:]) > 0.95


def test_fitted_attributes_give_the_log_odds_of_unscaled_maps(spot):
    X, y, _ = spot
    classifier = AttentionPoolingClassifier(n_channels=4).fit(X, y)
    expected = brute_force_log_odds(
        X.reshape(-1, 6, 4).astype(float),
        classifier.attention_coef_,
        classifier.attention_intercept_,
        classifier.coef_[0],
        classifier.intercept_[0],
    )
    values = classifier.decision_function(X)
    assert_allclose(values, expected, rtol=1e-9, atol=1e-9)
    probabilities = classifier.predict_proba(X)
    assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-values)))
    assert_allclose(probabilities.sum(axis=1), 1)
    assert_array_equal(classifier.predict(X), (values > 0).astype(int))


def test_one_place_is_logistic_regression():
    random = np.random.default_rng(0)
    X, y = random.normal(1, 2, (120, 5)), np.arange(120) % 2
    X[:, 0] += y
    classifier = AttentionPoolingClassifier(C=0.5, tol=1e-8).fit(X, y)
    standardised = (X - X.mean(axis=0)) / X.std(axis=0)
    expected = LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(standardised, y)
    assert_allclose(
        classifier.decision_function(X), expected.decision_function(standardised), atol=1e-3
    )
    assert_allclose(classifier.attention_coef_, 0)


def test_it_is_deterministic_cloned_and_pickled(spot):
    X, y, _ = spot
    labels = np.where(y, "fake", "real")
    classifier = AttentionPoolingClassifier(n_channels=4).fit(X, labels)
    again = pickle.loads(pickle.dumps(clone(classifier).fit(X, labels)))
    assert_array_equal(again.decision_function(X), classifier.decision_function(X))
    assert again.predict(X[:3]).tolist() == classifier.predict(X[:3]).tolist()
    # "real" comes second.
    other = AttentionPoolingClassifier(n_channels=4).fit(X, y)
    assert_allclose(other.decision_function(X), -classifier.decision_function(X), atol=1e-2)


def test_features_that_are_no_whole_places():
    X, y = np.zeros((6, 10)), [0, 1] * 3
    with pytest.raises(ValueError, match="10 features, which is no multiple of n_channels=4"):
        AttentionPoolingClassifier(n_channels=4).fit(X, y)


def test_a_search_that_does_not_end_is_warned_of(spot):
    X, y, _ = spot
    with pytest.warns(ConvergenceWarning, match="not ended after max_iter=2 steps"):
        AttentionPoolingClassifier(n_channels=4, max_iter=2).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier = AttentionPoolingClassifier(n_channels=4).fit(X, y)
    assert 2 < classifier.n_iter_ < 300


def test_constant_and_huge_channels(spot):
    X, y, _ = spot
    maps = X.reshape(-1, 6, 4).copy()
    expected = AttentionPoolingClassifier(n_channels=4).fit(X, y).decision_function(X)
    maps = np.concatenate([maps * [1, 1e6, 1e-6, 1], np.full((400, 6, 1), 0.1)], axis=2)
    scaled = AttentionPoolingClassifier(n_channels=5).fit(maps.reshape(400, -1), y)
    assert_allclose(scaled.decision_function(maps.reshape(400, -1)), expected, atol=0.05)


def test_the_detector_reads_one_map_of_the_network():
    random = np.random.default_rng(0)
    images, y = random.integers(0, 200, (40, 12, 10, 3), dtype=np.uint8), np.arange(40) % 2
    images[y == 1, 4:8, 3:7] += 55
    rival = make_rival("attention", random_state=0)
    rival.set_params(features__backbone=small_network(), features__layer="conv_1")
    rival.set_params(features__image_size=None, classify__n_channels=4)
    rival.fit(images, y)
    assert rival["features"].map_shape_ == (10, 8, 4)
    assert rival["classify"].attention(rival["features"].transform(images)).shape == (40, 80)
    scores = rival.decision_function(images)
    again = pickle.loads(pickle.dumps(clone(rival).fit(images, y)))
    assert_allclose(again.decision_function(images), scores, rtol=1e-4, atol=1e-4)
    assert scores[y == 1].mean() > scores[y == 0].mean()
