# SPDX-License-Identifier: BSD-3-Clause
"""DualRidgeClassifier: ridge regression, exact leave-one-out, calibration, groups, weights."""

import pickle

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.linear_model import Ridge, RidgeClassifierCV
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skfakespot import DualRidgeClassifier, PerturbationAugmenter
from skfakespot.pipeline import AugmentedPipeline

PROBLEMS = given(
    seed=st.integers(0, 2**32 - 1),
    n_samples=st.integers(4, 24),
    n_features=st.integers(1, 40),
    alpha=st.sampled_from([1e-3, 1e-2, 1.0]),
)


def draw(seed, n_samples=60, n_features=200, shift=0.5):
    """Two normal classes, of at least two samples each."""
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.arange(n_samples) % 2)
    X = generator.normal(3.0, 2.0, (n_samples, n_features))
    X[:, : n_features // 4 + 1] += shift * y[:, np.newaxis]
    return X, y


def absolute(alpha, X, weights=None):
    """The penalty of Ridge that a relative one stands for."""
    distances = ((X - np.average(X, axis=0, weights=weights)) ** 2).sum(axis=1)
    return alpha * np.average(distances, weights=weights)


def left_out(X, y, groups, alpha, weights=None):
    """Decision values of each group under Ridge, fitted without it."""
    weights = np.ones(len(X)) if weights is None else weights
    penalty = absolute(alpha, X, weights)
    values = np.empty(len(X))
    for train, test in LeaveOneGroupOut().split(X, y, groups):
        ridge = Ridge(penalty, solver="svd").fit(X[train], 2 * y[train] - 1, weights[train])
        values[test] = ridge.predict(X[test])
    return values


def sigmoid_loss(log_odds, y, weights=None):
    """Log loss on Platt's smoothed targets."""
    weights = np.ones(len(y)) if weights is None else weights
    n_positive, n_negative = weights[y == 1].sum(), weights[y == 0].sum()
    targets = np.where(y == 1, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    return (weights * (np.logaddexp(0, log_odds) - targets * log_odds)).sum()


def assert_is_ridge(classifier, X, y, weights=None):
    """The log-odds rise linearly with the decision values of Ridge; return the slope."""
    ridge = Ridge(absolute(classifier.alpha_, X, weights), solver="svd")
    ridge.fit(X, 2 * y - 1, sample_weight=weights)
    slope = classifier.coef_[0] @ ridge.coef_ / (ridge.coef_ @ ridge.coef_)
    assert slope > 0
    assert_allclose(classifier.coef_[0], slope * ridge.coef_, rtol=1e-6, atol=1e-9 * slope)
    return slope, classifier.intercept_[0] - slope * ridge.intercept_


@PROBLEMS
@settings(max_examples=60, deadline=None)
def test_coefficients_are_those_of_ridge(seed, n_samples, n_features, alpha):
    X, y = draw(seed, n_samples, n_features)
    weights = np.random.default_rng(seed).uniform(0.5, 3, n_samples)
    classifier = DualRidgeClassifier([alpha]).fit(X, y, sample_weight=weights)
    assert_is_ridge(classifier, X, y, weights)


@PROBLEMS
@settings(max_examples=60, deadline=None)
def test_leave_one_group_out_is_exact(seed, n_samples, n_features, alpha):
    X, y = draw(seed, n_samples, n_features)
    generator = np.random.default_rng(seed)
    weights = generator.uniform(0.5, 3, n_samples)
    for groups in (None, generator.permutation(np.arange(n_samples) % 3), np.arange(n_samples)):
        classifier = DualRidgeClassifier([alpha]).fit(X, y, weights, groups)
        sources = np.arange(n_samples) if groups is None else groups
        values = left_out(X, y, sources, alpha, weights)
        error = np.average((2 * y - 1 - values) ** 2, weights=weights)
        assert_allclose(classifier.best_score_, -error, rtol=1e-6)

        # The sigmoid that is fitted to these values is the best of all.
        slope, offset = assert_is_ridge(classifier, X, y, weights)
        loss = sigmoid_loss(slope * values + offset, y, weights)
        for factor, shift in ((0.99, 0), (1.01, 0), (1, 0.01), (1, -0.01)):
            other = sigmoid_loss(factor * slope * values + offset + shift, y, weights)
            if slope > 1e-3 * 1.001:
                assert loss <= other + 1e-9


def test_alpha_is_chosen_as_scikit_learn_does():
    for seed in range(8):
        X, y = draw(seed, shift=0.2)
        X = StandardScaler().fit_transform(X)
        alphas = np.array([1e-3, 1e-2, 0.1, 1.0, 10.0])
        expected = RidgeClassifierCV(alphas * absolute(1, X)).fit(X, y)
        classifier = DualRidgeClassifier(alphas).fit(X, y)
        assert_allclose(classifier.alpha_ * absolute(1, X), expected.alpha_)
        assert_allclose(classifier.best_score_, expected.best_score_, rtol=1e-8)
        assert classifier.alpha_ in alphas


def test_alpha_is_relative_to_the_scale_and_the_number_of_features():
    X, y = draw(0)
    expected = DualRidgeClassifier().fit(X, y).predict_proba(X)
    for scaled in (X * 1000, X / 1000, X + 50, np.hstack([X, X])):
        found = DualRidgeClassifier().fit(scaled, y).predict_proba(scaled)
        assert_allclose(found, expected, rtol=1e-6)


@given(seed=st.integers(0, 2**32 - 1), class_weight=st.sampled_from([None, "balanced", {1: 2}]))
@settings(max_examples=40, deadline=None)
def test_weight_is_repetition(seed, class_weight):
    X, y = draw(seed, 16, 30)
    repeats = np.random.default_rng(seed).integers(0, 4, 16)
    repeats[:2], repeats[np.flatnonzero(y)[-1]], repeats[np.flatnonzero(y == 0)[-1]] = 1, 1, 1
    rows = np.repeat(np.arange(16), repeats)
    if class_weight == "balanced":  # Its weights are those of the rows, however heavy they are.
        class_weight = {0: 1.5, 1: 0.5}
    classifier = DualRidgeClassifier(class_weight=class_weight)
    weighted = clone(classifier).fit(X, y, sample_weight=repeats)
    repeated = clone(classifier).fit(X[rows], y[rows])
    grouped = clone(classifier).fit(X[rows], y[rows], groups=rows)
    assert weighted.alpha_ == repeated.alpha_ == grouped.alpha_
    for other in (repeated, grouped):
        assert_allclose(other.best_score_, weighted.best_score_)
        assert_allclose(other.predict_proba(X), weighted.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("shift", [0.2, 0.4])
def test_probabilities_are_calibrated(shift):
    X, y = draw(0, n_samples=2300, n_features=2000, shift=shift)
    train, test = np.arange(2300) < 300, np.arange(2300) >= 300
    classifier = DualRidgeClassifier().fit(X[train], y[train])
    probabilities = classifier.predict_proba(X[test])[:, 1]

    ridge = Ridge(absolute(classifier.alpha_, X[train])).fit(X[train], 2 * y[train] - 1)
    values, seen = ridge.predict(X[test]), ridge.predict(X[train])
    assert (y[train] == (seen > 0)).all()
    leaked = minimize(lambda ab: sigmoid_loss(ab[0] * seen + ab[1], y[train]), (1, 0)).x
    for loss in (log_loss, brier_score_loss):
        found = loss(y[test], probabilities)
        for log_odds in (values, leaked[0] * values + leaked[1], np.zeros_like(values)):
            assert found < loss(y[test], expit(log_odds))
    # Where fakes are as likely as the probability says, neither class is named too often.
    for part in np.array_split(np.argsort(probabilities), 5):
        assert_allclose(probabilities[part].mean(), y[test][part].mean(), atol=0.08)


def test_augmented_copies_are_left_out_together():
    generator = np.random.default_rng(0)
    X = generator.integers(0, 256, (40, 12, 12, 3), dtype=np.uint8)
    y = np.arange(40) % 2
    sampler = PerturbationAugmenter(("noise", "blur"), n_copies=3, random_state=0)
    flatten = FunctionTransformer(_flat)
    steps = [("augment", sampler), ("flat", flatten), ("classify", DualRidgeClassifier())]
    detector = AugmentedPipeline(steps).fit(X, y)
    copies, labels = clone(sampler).fit_resample(X, y)
    rows = np.tile(np.arange(40), len(labels) // 40)
    assert_array_equal(labels, y[rows])
    alone = DualRidgeClassifier().fit(_flat(copies), labels)
    together = DualRidgeClassifier().fit(_flat(copies), labels, groups=rows)
    assert_array_equal(detector["classify"].coef_, together.coef_)
    # The pixels say nothing about the labels, but the copies of an image know one another.
    assert alone.best_score_ > -0.5
    assert together.best_score_ < -0.9
    sure = alone.predict_proba(_flat(copies)).max(axis=1).mean()
    unsure = together.predict_proba(_flat(copies)).max(axis=1).mean()
    assert unsure < 0.7 < sure


def test_groups_are_named_freely():
    X, y = draw(0, 24)
    expected = DualRidgeClassifier().fit(X, y, groups=np.arange(24) // 3)
    for groups in (list("aaabbbcccdddeeefffggghhh"), -(np.arange(24) // 3)):
        assert_array_equal(DualRidgeClassifier().fit(X, y, groups=groups).coef_, expected.coef_)
    with pytest.raises(ValueError, match=r"at least two groups.*all samples are of the group a"):
        DualRidgeClassifier().fit(X, y, groups=["a"] * 24)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        DualRidgeClassifier().fit(X, y, groups=[1, 2])
    # With a group for each class, each is judged by a fit to the other class alone.
    assert_allclose(DualRidgeClassifier().fit(X, y, groups=y).best_score_, -4)


def test_groups_and_weights_by_metadata_routing():
    X, y = draw(0, 24)
    groups, weights = np.arange(24) // 3, np.arange(1.0, 25)
    expected = DualRidgeClassifier().fit(X, y, weights, groups)
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = DualRidgeClassifier().set_fit_request(sample_weight=True, groups=True)
        pipeline = make_pipeline(StandardScaler(with_mean=False, with_std=False), classifier)
        pipeline[0].set_fit_request(sample_weight=False)
        pipeline.fit(X, y, sample_weight=weights, groups=groups)
    assert_array_equal(pipeline[-1].coef_, expected.coef_)


def test_no_signal_gives_the_share_of_each_class():
    y = np.arange(400) % 4 == 0
    for seed in range(5):
        X = np.random.default_rng(seed).normal(size=(800, 2000))
        probabilities = DualRidgeClassifier().fit(X[:400], y).predict_proba(X[400:])
        assert_allclose(probabilities[:, 1], 0.25, atol=0.15)
    constant = np.full((400, 3), [0.1, 1e4, 0])
    for X in (constant, constant.astype(np.float32)):
        same = DualRidgeClassifier().fit(X, y)
        assert_allclose(same.predict_proba(X)[:, 1], 0.25, atol=0.02)
        assert_allclose(same.coef_, 0, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_faces_of_each_class_and_names(dtype):
    X = np.array([[0, 1, 2], [0.2, 1, 2], [5, 4, 2], [5, 4.1, 2]], dtype=dtype)
    y = np.array(["real", "real", "fake", "fake"])
    classifier = DualRidgeClassifier().fit(X, y)
    assert classifier.classes_.tolist() == ["fake", "real"]
    assert_array_equal(classifier.predict(X), y)
    assert classifier.coef_.shape == (1, 3)
    assert classifier.intercept_.shape == (1,)
    scores, probabilities = classifier.decision_function(X), classifier.predict_proba(X)
    kept = (classifier.coef_, classifier.intercept_, scores, probabilities)
    assert all(array.dtype == dtype for array in kept)
    assert_allclose(logit(probabilities[:, 1]), scores, rtol=1e-4)
    assert_array_equal(classifier.predict(X) == "real", probabilities[:, 1] >= 0.5)
    assert DualRidgeClassifier().fit(X[1:3], y[1:3]).predict(X).tolist() == y.tolist()


def test_single_precision_is_enough():
    X, y = draw(0, 200, 5000)
    X = StandardScaler().fit_transform(X)
    double, single = (DualRidgeClassifier().fit(X.astype(t), y) for t in (float, np.float32))
    assert single.alpha_ == double.alpha_
    assert_allclose(single.best_score_, double.best_score_, rtol=1e-4)
    assert_allclose(single.predict_proba(X), double.predict_proba(X), atol=1e-4)


def test_blocks_of_columns_do_not_matter(monkeypatch):
    X, y = draw(0)
    expected = DualRidgeClassifier().fit(X, y)
    monkeypatch.setattr("skfakespot.ridge._BLOCK_ELEMENTS", 60 * 7)
    assert_allclose(DualRidgeClassifier().fit(X, y).coef_, expected.coef_, rtol=1e-9)


def test_neither_input_nor_random_state_is_touched():
    X, y = draw(0)
    weights = np.ones(len(X))
    for array in (X, y, weights):
        array.flags.writeable = False
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first = DualRidgeClassifier().fit(X, y, weights)
    assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert_array_equal(DualRidgeClassifier().fit(X, y).coef_, first.coef_)
    assert len(pickle.dumps(first)) < 8 * X.shape[1] + 2000


@pytest.mark.parametrize(
    "alphas", [(), 1.0, (0.1, 0), (-1,), (np.nan,), (np.inf,), ((1, 2),), "ab"]
)
def test_alphas_are_checked(alphas):
    X, y = draw(0, 8, 5)
    with pytest.raises(ValueError, match="alphas"):
        DualRidgeClassifier(alphas).fit(X, y)


def test_alpha_that_is_too_small():
    X, y = draw(0, 40, 5)
    with pytest.raises(ValueError, match="too small for the precision of float64"):
        DualRidgeClassifier([1e-30]).fit(X, y)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_features_that_are_too_large():
    X, y = draw(0, 8, 5)
    with pytest.raises(ValueError, match=r"too large for float32. Standardise"):
        DualRidgeClassifier().fit((X * 1e25).astype(np.float32), y)


def test_one_class_is_refused():
    X, y = draw(0, 8, 5)
    with pytest.raises(ValueError, match=r"two classes.*\[0.0\]"):
        DualRidgeClassifier().fit(X, np.zeros(8))
    with pytest.raises(ValueError, match=r"two classes.*\[0, 1\]"):
        DualRidgeClassifier().fit(X, y, sample_weight=y)
    with pytest.raises(ValueError, match="Only binary classification"):
        DualRidgeClassifier().fit(X, np.arange(8) % 3)
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        DualRidgeClassifier().fit(X, y, sample_weight=-np.ones(8))


def _flat(images):
    return np.asarray(images, dtype=np.float32).reshape(len(images), -1)
