# SPDX-License-Identifier: BSD-3-Clause
"""FakeSpotterClassifier as a scikit-learn classifier: labels, scores, parameters, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError

from skfakespot.classifier import FakeSpotterClassifier


def small(**parameters):
    """A network that learns easy data within few quick epochs."""
    defaults = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.05, "max_iter": 30}
    return FakeSpotterClassifier(**{**defaults, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def blobs():
    return make_classification(
        n_samples=200, n_features=6, n_informative=5, n_redundant=0, class_sep=2.0, random_state=0
    )


@pytest.fixture(scope="module")
def three_blobs():
    return make_classification(
        n_samples=240, n_features=6, n_informative=5, n_redundant=0, n_classes=3,
        n_clusters_per_class=1, class_sep=2.0, random_state=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def binary(blobs):
    return small().fit(*blobs)


@pytest.fixture(scope="module")
def multiclass(three_blobs):
    return small().fit(*three_blobs)


def test_default_network_is_the_papers(blobs):
    classifier = FakeSpotterClassifier(max_iter=1, random_state=0).fit(*blobs)
    assert [coef.shape for coef in classifier.coefs_] == [
        (6, 512), (512, 256), (256, 128), (128, 64), (64, 1)
    ]  # fmt: skip
    assert [len(intercept) for intercept in classifier.intercepts_] == [512, 256, 128, 64, 1]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("real", "fake"), ["fake", "real"]),
        ((False, True), [False, True]),
        ((3, -1), [-1, 3]),
        ((0.0, 1.0), [0.0, 1.0]),
    ],
)
def test_labels_of_any_type(blobs, labels, expected):
    X, y = blobs
    y = np.array(labels)[y]
    classifier = small().fit(X, y)
    assert classifier.classes_.tolist() == expected
    assert classifier.predict(X).dtype == y.dtype
    assert classifier.score(X, y) > 0.9
    positive = classifier.decision_function(X) > 0
    np.testing.assert_array_equal(classifier.predict(X), classifier.classes_[positive.astype(int)])


def test_object_labels(blobs):
    X, y = blobs
    y = np.array(["real", "fake"], dtype=object)[y]
    assert small().fit(X, y).score(X, y) > 0.9


def test_more_than_two_classes(multiclass, three_blobs):
    X, y = three_blobs
    assert multiclass.out_activation_ == "softmax"
    assert multiclass.predict_proba(X).shape == multiclass.decision_function(X).shape == (240, 3)
    assert multiclass.score(X, y) > 0.9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["binary", "multiclass"])
def test_scores_equal_keras(name, dtype, blobs, request):
    classifier = request.getfixturevalue(name)
    X = blobs[0].astype(dtype)
    probabilities = classifier.predict_proba(X)
    assert probabilities.dtype == dtype
    by_keras = np.asarray(classifier.model_(X.astype(np.float32)))
    if name == "binary":
        by_keras = np.hstack([1 - by_keras, by_keras])
    np.testing.assert_allclose(probabilities, by_keras, atol=1e-6)


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=6, max_size=6),
    st.sampled_from([np.float32, np.float64]),
)
@settings(max_examples=60, deadline=None)
def test_scores_are_one_another(binary, multiclass, row, dtype):
    X = np.array([row], dtype=dtype)
    tolerance = 100 * np.finfo(dtype).eps
    probabilities = binary.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=tolerance)
    scores = binary.decision_function(X)
    np.testing.assert_allclose(np.column_stack([expit(-scores), expit(scores)]), probabilities)

    probabilities = multiclass.predict_proba(X)
    scores = multiclass.decision_function(X)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=tolerance)
    np.testing.assert_allclose(expit(scores), probabilities, atol=tolerance)
    assert multiclass.classes_[scores.argmax()] == multiclass.predict(X)[0]


def test_extreme_scores_keep_their_order(binary):
    row = np.sign(binary.coefs_[0] @ binary.coefs_[1]).T.astype(np.float64)
    scores = binary.decision_function(row * np.array([[1e3], [1e4], [1e5]]))
    assert np.isfinite(scores).all()
    assert len(set(scores)) == 3


def test_one_row_is_scored_as_in_a_batch(binary, blobs):
    X, _ = blobs
    alone = np.concatenate([binary.decision_function(row[None]) for row in X[:20]])
    np.testing.assert_allclose(alone, binary.decision_function(X)[:20], rtol=1e-12)


def test_one_hidden_layer_by_an_int_and_none(blobs):
    X, y = blobs
    assert [c.shape for c in small(hidden_layer_sizes=7).fit(X, y).coefs_] == [(6, 7), (7, 1)]
    linear = small(hidden_layer_sizes=()).fit(X, y)
    np.testing.assert_allclose(
        linear.decision_function(X), (X @ linear.coefs_[0] + linear.intercepts_[0]).ravel()
    )


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_activations_equal_keras(activation, blobs):
    X, y = blobs
    classifier = small(hidden_layer_sizes=(8, 8), activation=activation, max_iter=3).fit(X, y)
    by_keras = np.asarray(classifier.to_keras()(X.astype(np.float32))).ravel()
    np.testing.assert_allclose(classifier.predict_proba(X)[:, 1], by_keras, atol=1e-6)


def test_to_keras_returns_a_copy(binary, blobs):
    X, _ = blobs
    before = binary.decision_function(X)
    model = binary.to_keras()
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    np.testing.assert_array_equal(binary.decision_function(X), before)


def test_export_for_serving(binary, blobs, tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    binary.export(tmp_path / "network")
    X = blobs[0][:5].astype(np.float32)
    artefact = tensorflow.saved_model.load(str(tmp_path / "network"))
    served = artefact.serve(X).numpy()
    np.testing.assert_allclose(served[:, 0], binary.predict_proba(X)[:, 1], atol=1e-6)


def test_keras_model_needs_a_fitted_classifier():
    for access in (lambda c: c.to_keras(), lambda c: c.model_, lambda c: c.export("nowhere")):
        with pytest.raises(NotFittedError):
            access(FakeSpotterClassifier())
    assert not hasattr(FakeSpotterClassifier(), "model_")


def test_clone_keeps_every_parameter():
    parameters = {
        "hidden_layer_sizes": (3, 2), "learning_rate_init": 0.2, "momentum": 0.5, "decay": 0.1,
        "batch_size": 7, "max_iter": 9, "tol": 0.3, "n_iter_no_change": 4, "early_stopping": True,
        "validation_fraction": 0.2, "class_weight": {0: 1, 1: 2}, "warm_start": True,
        "shuffle": False, "random_state": 5, "verbose": 1, "solver": "adam", "activation": "tanh",
        "alpha": 0.5, "dropout": 0.25,
    }  # fmt: skip
    assert set(parameters) == set(FakeSpotterClassifier().get_params())
    assert clone(FakeSpotterClassifier(**parameters)).get_params() == parameters


@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_layer_sizes": (16, 0)},
        {"hidden_layer_sizes": (16, 2.5)},
        {"hidden_layer_sizes": 0},
        {"learning_rate_init": 0},
        {"momentum": 1.0},
        {"decay": -1},
        {"batch_size": 0},
        {"max_iter": 0},
        {"validation_fraction": 1.0},
        {"class_weight": "even"},
        {"solver": "lbfgs"},
        {"activation": "gelu"},
        {"alpha": -1},
        {"dropout": 1.0},
    ],
)
def test_bad_parameters_are_named(parameters, blobs):
    (name,) = parameters
    with pytest.raises(ValueError, match=name):
        small(**parameters).fit(*blobs)


def test_one_class_is_refused(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="two classes"):
        small().fit(X, np.zeros_like(y))
    with pytest.raises(ValueError, match="two classes"):
        small().fit(X, y, sample_weight=y)
    with pytest.raises(ValueError, match="two classes"):
        small(class_weight={0: 0, 1: 1}).fit(X, y)


def test_bad_sample_weights_are_refused(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="zero"):
        small().fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(ValueError, match="sample_weight must be >= 0"):
        small().fit(X, y, sample_weight=np.where(y, 1.0, -1.0))
    with pytest.raises(ValueError, match="negative"):
        small(class_weight={0: -1, 1: 1}).fit(X, y)


def test_values_beyond_float32_are_refused(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="float32"):
        small().fit(X * 1e200, y)


def test_verbose_prints_each_epoch(blobs, capsys):
    X, y = blobs
    small(max_iter=3).fit(X, y)
    assert capsys.readouterr().out == ""
    small(max_iter=3, verbose=1, early_stopping=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["Epoch 1", "Epoch 2", "Epoch 3"]
    assert all("loss" in line and "validation score" in line for line in lines)
