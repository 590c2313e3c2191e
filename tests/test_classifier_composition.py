# SPDX-License-Identifier: BSD-3-Clause
"""FakeSpotterClassifier among scikit-learn's and imbalanced-learn's tools."""

import logging
import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import sklearn
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from joblib import Parallel, delayed
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    train_test_split,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skfakespot.classifier import FakeSpotterClassifier


@pytest.fixture(scope="module")
def counts():
    """Two overlapping classes on the scale of counts."""
    X, y = make_classification(
        400, 8, n_informative=5, weights=[0.7], flip_y=0.05, class_sep=1.2, random_state=1
    )
    return 5000 + 1000 * X, y


@pytest.fixture(scope="module")
def split(counts):
    return train_test_split(*counts, test_size=0.4, stratify=counts[1], random_state=0)


def small(**parameters):
    defaults = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.05, "max_iter": 15}
    return FakeSpotterClassifier(**{**defaults, "random_state": 0, **parameters})


def detector(**parameters):
    return make_pipeline(StandardScaler(), small(**parameters))


def test_as_good_as_mlp_classifier(split):
    X, X_test, y, y_test = split
    mlp = MLPClassifier(
        (64, 32), solver="sgd", learning_rate_init=0.01, batch_size=32, alpha=0.0, max_iter=30,
        nesterovs_momentum=False, n_iter_no_change=1000, random_state=0,
    )  # fmt: skip
    ours = small(
        hidden_layer_sizes=(64, 32), learning_rate_init=0.01, max_iter=30, n_iter_no_change=np.inf
    )
    ours = make_pipeline(StandardScaler(), ours).fit(X, y)
    with pytest.warns(ConvergenceWarning):
        mlp = make_pipeline(StandardScaler(), mlp).fit(X, y)
    area, expected = (
        roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]) for model in (ours, mlp)
    )
    assert area == pytest.approx(expected, abs=0.02)
    assert area > 0.85


@pytest.mark.slow
def test_grid_search_in_processes(counts):
    X, y = counts
    grid = {
        "fakespotterclassifier__learning_rate_init": [1e-6, 0.05],
    }
    search = GridSearchCV(detector(), grid, scoring="roc_auc", cv=3, n_jobs=2).fit(X, y)
    assert search.best_params_["fakespotterclassifier__learning_rate_init"] == 0.05
    assert search.best_score_ > 0.9
    again = GridSearchCV(detector(), grid, scoring="roc_auc", cv=3).fit(X, y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"]
    )


def test_diverging_candidates_score_nan(counts):
    X, y = counts
    grid = {"fakespotterclassifier__learning_rate_init": [1e30, 0.05]}
    search = GridSearchCV(detector(activation="identity"), grid, cv=3)
    with (
        pytest.warns(FitFailedWarning, match="Training diverged"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        search.fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [True, False]


def test_calibration_mends_overconfidence():
    X, y = make_classification(800, 20, n_informative=4, flip_y=0.4, random_state=0)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
    overfitted = detector(hidden_layer_sizes=(64, 64), solver="adam", learning_rate_init=0.01)
    calibrated = CalibratedClassifierCV(overfitted, method="sigmoid", cv=3).fit(X, y)
    raw = overfitted.fit(X, y).predict_proba(X_test)[:, 1]
    better = calibrated.predict_proba(X_test)[:, 1]
    assert brier_score_loss(y_test, better) < 0.8 * brier_score_loss(y_test, raw)


def test_tuned_threshold(split):
    X, X_test, y, y_test = split
    model = detector(max_iter=4, learning_rate_init=0.01)
    tuned = TunedThresholdClassifierCV(model, scoring="balanced_accuracy", cv=3).fit(X, y)
    assert tuned.best_threshold_ < 0.5
    plain = balanced_accuracy_score(y_test, model.fit(X, y).predict(X_test))
    assert balanced_accuracy_score(y_test, tuned.predict(X_test)) > plain


def test_fixed_threshold(split):
    X, X_test, y, _ = split
    model = detector().fit(X, y)
    strict = FixedThresholdClassifier(model, threshold=0.9).fit(X, y)
    np.testing.assert_array_equal(
        strict.predict(X_test), (model.predict_proba(X_test)[:, 1] >= 0.9).astype(int)
    )


def test_voting_and_stacking(split):
    X, X_test, y, y_test = split
    members = [("network", detector()), ("linear", LogisticRegression(max_iter=2000))]
    for ensemble in (
        VotingClassifier(members, voting="soft"),
        StackingClassifier(members, cv=3),
    ):
        assert ensemble.fit(X, y).score(X_test, y_test) > 0.8


def test_imbalanced_learn_pipeline(split):
    X, X_test, y, y_test = split
    model = make_imblearn_pipeline(
        StandardScaler(), RandomOverSampler(random_state=0), small(max_iter=5)
    ).fit(X, y)
    plain = detector(max_iter=5).fit(X, y)
    assert model.predict(X_test).mean() > plain.predict(X_test).mean()
    assert roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]) > 0.85


def test_validation_samples_through_a_pipeline(split):
    """The Pipeline scales X_val as it scales X."""
    X, X_val, y, y_val = split
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = small(early_stopping=True).set_fit_request(X_val=True, y_val=True)
        model = Pipeline(
            [("scale", StandardScaler()), ("classify", classifier)], transform_input=["X_val"]
        )
        model.fit(X, y, X_val=X_val, y_val=y_val)
        best = model[-1].best_validation_score_
        assert best == pytest.approx(model.score(X_val, y_val))
    assert best > 0.85


def test_routed_weights_and_groups(counts):
    X, y = counts
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        classifier = small(early_stopping=True).set_fit_request(sample_weight=True, groups=True)
        model = make_pipeline(scaler, classifier)
        metadata = {"sample_weight": np.linspace(1, 2, len(y)), "groups": np.arange(len(y)) // 2}
        routed = model.fit(X, y, **metadata)[-1]
        direct = small(early_stopping=True).fit(scaler.transform(X), y, **metadata)
    np.testing.assert_array_equal(routed.coefs_[0], direct.coefs_[0])


def test_feature_names(counts):
    pandas = pytest.importorskip("pandas")
    X, y = counts
    X = pandas.DataFrame(
        StandardScaler().fit_transform(X), columns=[f"layer_{i}" for i in range(8)]
    )
    classifier = small().fit(X, y)
    assert classifier.feature_names_in_.tolist() == list(X.columns)
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(X[X.columns[::-1]])


def test_pickles_hold_arrays_and_parameters_only(split):
    X, X_test, y, _ = split
    model = detector(hidden_layer_sizes=(100, 50)).fit(X, y)
    network = model[-1]
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_proba(X_test), model.predict_proba(X_test))
    n_bytes = sum(array.nbytes for array in (*network.coefs_, *network.intercepts_))
    assert len(pickle.dumps(network)) < n_bytes + 4000
    assert joblib.hash(network) == joblib.hash(small(hidden_layer_sizes=(100, 50)).fit(
        StandardScaler().fit_transform(X), y
    ))  # fmt: skip


def test_training_goes_on_after_pickling(split):
    X, _, y, _ = split
    X = StandardScaler().fit_transform(X)
    classifier = small().partial_fit(X, y, classes=[0, 1])
    copy = pickle.loads(pickle.dumps(classifier))
    for one in (classifier, copy):
        one.partial_fit(X, y)
    np.testing.assert_array_equal(copy.coefs_[0], classifier.coefs_[0])


def test_skops_file_needs_no_foreign_types(split, tmp_path):
    skops = pytest.importorskip("skops.io")
    X, X_test, y, _ = split
    model = detector().fit(X, y)
    skops.dump(model, tmp_path / "model.skops")
    untrusted = skops.get_untrusted_types(file=tmp_path / "model.skops")
    assert untrusted == ["skfakespot.classifier.FakeSpotterClassifier"]
    loaded = skops.load(tmp_path / "model.skops", trusted=untrusted)
    np.testing.assert_array_equal(loaded.predict_proba(X_test), model.predict_proba(X_test))


def _train(X, y, parameters, random_state):
    classifier = small(**parameters, random_state=random_state).fit(X, y)
    return [*classifier.coefs_, *classifier.intercepts_]


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [{"dropout": 0.3}, {"max_iter": 45, "tol": 0.0}])
def test_same_seed_same_weights_in_threads_and_processes(counts, parameters):
    """The second set of parameters trains long enough for TensorFlow's XLA."""
    X, y = StandardScaler().fit_transform(counts[0]), counts[1]
    parameters = {**parameters, "early_stopping": True}
    seeds = range(4)
    one_by_one = [_train(X, y, parameters, seed) for seed in seeds]
    for backend in ("threading", "loky"):
        at_once = Parallel(n_jobs=2, backend=backend)(
            delayed(_train)(X, y, parameters, seed) for seed in seeds
        )
        for expected, weights in zip(one_by_one, at_once, strict=True):
            for one, other in zip(expected, weights, strict=True):
                np.testing.assert_array_equal(one, other)


def test_many_threads_train_networks_of_different_shapes(counts):
    X, y = StandardScaler().fit_transform(counts[0]), counts[1]
    parameters = [{"hidden_layer_sizes": (8 + index % 3,), "max_iter": 3} for index in range(12)]
    expected = [_train(X, y, one, 0) for one in parameters]
    with ThreadPoolExecutor(6) as pool:
        at_once = list(pool.map(lambda one: _train(X, y, one, 0), parameters))
    for one, other in zip(expected, at_once, strict=True):
        np.testing.assert_array_equal(one[0], other[0])


def test_global_random_states_are_left_alone(counts):
    keras = pytest.importorskip("keras")
    X, y = StandardScaler().fit_transform(counts[0]), counts[1]

    def draws(fit):
        keras.utils.set_random_seed(7)
        fit()
        return random.random(), np.random.rand(), float(keras.random.uniform(()))  # noqa: NPY002, S311

    def fit():
        classifier = small(dropout=0.2, hidden_layer_sizes=(9,), early_stopping=True).fit(X, y)
        classifier.to_keras()

    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        expected, again = (draws(lambda: None) for _ in range(2))
        # Older versions of Keras do not reset their own state by `set_random_seed`.
        n_reset = 3 if again == expected else 2
        assert draws(fit)[:n_reset] == expected[:n_reset]
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


def test_random_state_instances_advance(counts):
    X, y = StandardScaler().fit_transform(counts[0]), counts[1]
    state = np.random.RandomState(0)
    first, second = (_train(X, y, {"max_iter": 1}, state) for _ in range(2))
    assert not np.array_equal(first[0], second[0])
    again = _train(X, y, {"max_iter": 1}, np.random.RandomState(0))
    np.testing.assert_array_equal(first[0], again[0])


def test_tensorflow_does_not_warn_of_retracing(counts):
    """Fits of many shapes and sizes leave TensorFlow's log empty."""
    X, y = StandardScaler().fit_transform(counts[0]), counts[1]
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = logging.getLogger("tensorflow")
    logger.addHandler(handler)
    try:
        for n_features in range(1, 7):
            for n_samples in (50, 57):
                classifier = small(hidden_layer_sizes=(), max_iter=1)
                classifier.fit(X[:n_samples, :n_features], y[:n_samples])
    finally:
        logger.removeHandler(handler)
    assert messages == []
