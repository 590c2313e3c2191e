# SPDX-License-Identifier: BSD-3-Clause
"""How FakeSpotterClassifier trains: Keras' mathematics, weights, early stopping, warm start."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler

from skfakespot.classifier import FakeSpotterClassifier

pytestmark = pytest.mark.numeric

# float32 rounds this rate to 0, so that an update leaves the weights as they were, to the bit.
ZERO_RATE = 1e-100


@pytest.fixture(scope="module")
def data():
    """Standardised, overlapping classes; 300 samples leave a last batch of 12 after 32s."""
    X, y = make_classification(300, 8, n_informative=5, flip_y=0.1, random_state=1)
    return StandardScaler().fit_transform(X), y


def small(**parameters):
    defaults = {"hidden_layer_sizes": (12, 6), "learning_rate_init": 0.05, "max_iter": 4}
    return FakeSpotterClassifier(**{**defaults, "random_state": 0, **parameters})


def untrained(X, y, **parameters):
    """The network as it is before its first update."""
    return small(**{**parameters, "learning_rate_init": ZERO_RATE, "max_iter": 1}).fit(X, y)


def assert_same_network(first, second, **tolerance):
    for one, other in zip(
        [*first.coefs_, *first.intercepts_], [*second.coefs_, *second.intercepts_], strict=True
    ):
        if tolerance:
            np.testing.assert_allclose(one, other, **tolerance)
        else:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("solver", "n_classes", "max_iter", "batch_size"),
    [("sgd", 2, 4, 32), ("adam", 3, 4, 32), ("sgd", 3, 27, 16)],
)
def test_training_is_keras_own(solver, n_classes, max_iter, batch_size):
    """The same weights as keras.Model.fit gives, with decay, weights and a short last batch.

    27 epochs of 19 batches are enough updates for TensorFlow's training to be compiled by XLA.
    """
    keras = pytest.importorskip("keras")
    X, y = make_classification(
        300, 8, n_informative=5, n_classes=n_classes, flip_y=0.1, random_state=1
    )
    sample_weight = np.random.RandomState(0).uniform(0.5, 2.0, len(y))
    parameters = {"learning_rate_init": 0.01, "decay": 0.05, "shuffle": False, "solver": solver}
    parameters |= {"max_iter": max_iter, "batch_size": batch_size, "n_iter_no_change": np.inf}
    classifier = small(**parameters).fit(X, y, sample_weight=sample_weight)

    model = untrained(X, y).to_keras()
    rate = keras.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=1, decay_rate=0.05)
    optimizers = {
        "sgd": keras.optimizers.SGD(rate, momentum=0.9),
        "adam": keras.optimizers.Adam(rate),
    }
    losses = {2: "binary_crossentropy", 3: "sparse_categorical_crossentropy"}
    model.compile(optimizers[solver], losses[n_classes])
    history = model.fit(
        X.astype(np.float32),
        y,
        sample_weight=sample_weight / sample_weight.mean(),
        batch_size=batch_size,
        epochs=max_iter,
        shuffle=False,
        verbose=0,
    )
    by_keras = model.get_weights()
    for ours, theirs in zip(classifier.coefs_, by_keras[::2], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4 if max_iter > 4 else 2e-6)
    for ours, theirs in zip(classifier.intercepts_, by_keras[1::2], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4 if max_iter > 4 else 2e-6)
    np.testing.assert_allclose(classifier.loss_curve_, history.history["loss"], rtol=1e-3)


def test_initial_weights_are_glorot_uniform(data):
    (wide,) = untrained(*data, hidden_layer_sizes=(), random_state=3).coefs_
    assert np.abs(wide).max() <= np.sqrt(6 / 9)
    classifier = untrained(*data, hidden_layer_sizes=(500,), random_state=3)
    assert not any(intercept.any() for intercept in classifier.intercepts_)
    coef = classifier.coefs_[0]
    limit = np.sqrt(6 / 508)
    assert 0.99 * limit < np.abs(coef).max() <= limit
    assert abs(coef.std() - limit / np.sqrt(3)) < 0.02 * limit
    assert not np.array_equal(coef, untrained(*data, hidden_layer_sizes=(500,)).coefs_[0])


def test_penalty_is_that_of_mlp_classifier(data):
    """One step over all samples moves the weights by rate * alpha / n_samples * weights."""
    X, y = data
    step = {"batch_size": 300, "max_iter": 1, "momentum": 0.0, "learning_rate_init": 0.1}
    plain, penalised = small(**step).fit(X, y), small(**step, alpha=30.0).fit(X, y)
    start = untrained(X, y)
    for before, without, with_penalty in zip(
        start.coefs_, plain.coefs_, penalised.coefs_, strict=True
    ):
        np.testing.assert_allclose(
            without - with_penalty, 0.1 * 30.0 / 300 * before, atol=1e-6, rtol=1e-4
        )
    for without, with_penalty in zip(plain.intercepts_, penalised.intercepts_, strict=True):
        np.testing.assert_allclose(without, with_penalty, atol=1e-7)


def test_dropout_regularises(data):
    X, y = data
    parameters = {"hidden_layer_sizes": (64,), "max_iter": 30, "n_iter_no_change": np.inf}
    free, dropped = small(**parameters).fit(X, y), small(**parameters, dropout=0.6).fit(X, y)
    assert dropped.best_loss_ > free.best_loss_ + 0.02
    assert dropped.score(X, y) > 0.8
    assert_same_network(dropped, small(**parameters, dropout=0.6).fit(X, y))


@pytest.mark.parametrize("shuffle", [True, False])
def test_shuffle_draws_a_new_order_in_every_epoch(data, shuffle):
    """Train the same initial weights for one epoch, once the first and once the second.

    What is computed from the same weights and the same samples in the same order is the same to
    the bit on any one processor, so the order alone can make a difference.
    """

    def train(n_epochs_before):
        classifier = small(decay=0.0, shuffle=shuffle, learning_rate_init=ZERO_RATE)
        for _ in range(n_epochs_before):
            classifier.partial_fit(*data, classes=[0, 1])
        return classifier.set_params(learning_rate_init=0.05).partial_fit(*data, classes=[0, 1])

    first, second = train(0), train(1)
    assert_same_network(first, train(0))
    assert_same_network(second, train(1))
    assert np.array_equal(first.coefs_[0], second.coefs_[0]) is not shuffle


def test_weight_zero_is_left_out(data):
    X, y = data
    weight = np.random.RandomState(0).randint(0, 2, len(y)).astype(float)
    weighted = small().fit(X, y, sample_weight=weight)
    assert_same_network(weighted, small().fit(X[weight > 0], y[weight > 0]))


def test_common_factor_of_weights_is_nothing(data):
    X, y = data
    weight = np.random.RandomState(0).uniform(1, 2, len(y))
    one, other = (small().fit(X, y, sample_weight=factor * weight) for factor in (1, 1000))
    assert_same_network(one, other, atol=1e-5)


def test_weights_repeat_samples_where_a_batch_holds_all(data):
    X, y = data
    weight = np.random.RandomState(0).randint(0, 4, len(y))
    whole = {"batch_size": 2000, "max_iter": 20}
    weighted = small(**whole).fit(X, y, sample_weight=weight)
    repeated = small(**whole).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_same_network(weighted, repeated, atol=1e-5)


def test_class_weight_multiplies_sample_weight(data):
    X, y = data
    labels = np.array(["real", "fake"])[y]
    weight = np.random.RandomState(0).uniform(1, 2, len(y))
    by_class = small(class_weight={"real": 1, "fake": 5}).fit(X, labels, sample_weight=weight)
    by_sample = small().fit(X, labels, sample_weight=weight * np.where(y, 5, 1))
    assert_same_network(by_class, by_sample)


def test_balanced_classes_weigh_the_same(data):
    X, y = data
    kept = np.flatnonzero((y == 0) | (np.arange(len(y)) % 10 == 0))
    X, y = X[kept], y[kept]
    balanced = small(class_weight="balanced").fit(X, y)
    n_zero, n_one = np.bincount(y)
    by_hand = small(class_weight={0: len(y) / (2 * n_zero), 1: len(y) / (2 * n_one)}).fit(X, y)
    assert_same_network(balanced, by_hand, atol=1e-6)
    assert balanced.predict(X).sum() > small().fit(X, y).predict(X).sum()


def test_class_weight_of_unknown_labels_is_refused(data):
    with pytest.raises(ValueError, match="class_weight"):
        small(class_weight={"real": 1, "fake": 2}).fit(*data)


@pytest.mark.parametrize("parameters", [{}, {"dropout": 0.2}, {"solver": "adam"}])
def test_going_on_is_the_same_as_not_stopping(data, parameters):
    X, y = data
    whole = small(max_iter=6, **parameters).fit(X, y)
    halves = small(max_iter=3, warm_start=True, **parameters).fit(X, y).fit(X, y)
    steps = small(**parameters)
    for _ in range(6):
        steps.partial_fit(X, y, classes=[0, 1])
    for other in (halves, steps):
        assert_same_network(whole, other, atol=1e-6)
        np.testing.assert_allclose(whole.loss_curve_, other.loss_curve_, rtol=1e-6)
        assert whole.n_updates_ == other.n_updates_ == 6 * 10
    assert (whole.n_iter_, halves.n_iter_, steps.n_iter_) == (6, 3, 6)


def test_fit_does_not_depend_on_an_earlier_fit(data):
    X, y = data
    classifier = small().fit(X, 1 - y).fit(X, y)
    assert_same_network(classifier, small().fit(X, y))
    assert len(classifier.loss_curve_) == 4


def test_partial_fit_takes_classes_as_they_come(data):
    X, y = data
    X, y = X[np.argsort(y)], np.array(["fake", "real"])[np.sort(y)]
    classifier = small()
    for _ in range(8):
        for start in range(0, 300, 75):
            part = slice(start, start + 75)
            classifier.partial_fit(X[part], y[part], classes=["real", "fake"])
    assert classifier.classes_.tolist() == ["fake", "real"]
    assert classifier.score(X, y) > 0.7


def test_partial_fit_after_fit_goes_on(data):
    X, y = data
    classifier = small().fit(X, y)
    classifier.partial_fit(X, y)
    assert len(classifier.loss_curve_) == 5
    assert classifier.loss_curve_[-1] < classifier.loss_curve_[0]


def test_partial_fit_refusals(data):
    X, y = data
    with pytest.raises(ValueError, match="classes must be given"):
        small().partial_fit(X, y)
    with pytest.raises(ValueError, match="not among the classes"):
        small().partial_fit(X, y + 1, classes=[0, 1])
    with pytest.raises(ValueError, match="two classes"):
        small().partial_fit(X, y, classes=[1])
    with pytest.raises(ValueError, match="differ"):
        small().partial_fit(X, y, classes=[0, 1]).partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="early_stopping"):
        small(early_stopping=True).partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="balanced"):
        small(class_weight="balanced").partial_fit(X, y, classes=[0, 1])


def test_warm_start_refusals(data):
    X, y = data
    classifier = small(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="classes of the previous fit"):
        classifier.fit(X, y + 1)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        classifier.set_params(hidden_layer_sizes=(5,)).fit(X, y)


def test_solver_can_change_between_fits(data):
    X, y = data
    classifier = small(warm_start=True).fit(X, y)
    classifier.set_params(solver="adam", learning_rate_init=0.01).fit(X, y)
    assert classifier.loss_curve_[-1] < classifier.loss_curve_[0]


def test_stops_when_the_loss_stops_falling(data):
    X, y = data
    classifier = small(max_iter=40, tol=0.01, n_iter_no_change=5).fit(X, y)
    assert 5 < classifier.n_iter_ == len(classifier.loss_curve_) < 40
    curve = np.array(classifier.loss_curve_)
    assert curve[-5:].min() > curve[:-5].min() - 0.01
    assert classifier.best_loss_ == curve.min()
    assert classifier.validation_scores_ is classifier.best_validation_score_ is None
    whole = small(max_iter=30, tol=0.01, n_iter_no_change=np.inf).fit(X, y)
    assert whole.n_iter_ == 30


def test_steady_slow_progress_does_not_stop(data):
    """Every epoch gains less than tol, ten epochs gain more."""
    X, y = data
    parameters = {"learning_rate_init": 1e-4, "max_iter": 40, "batch_size": 300}
    classifier = small(**parameters, tol=2e-4).fit(X, y)
    assert 0 < -np.diff(classifier.loss_curve_).max() < 2e-4
    assert classifier.n_iter_ == 40


def test_early_stopping_keeps_the_best_weights(data):
    X, y = data
    X_val, y_val = X[200:], y[200:]
    parameters = {"learning_rate_init": 0.3, "max_iter": 60, "n_iter_no_change": 5}
    classifier = small(**parameters, early_stopping=True)
    classifier.fit(X[:200], y[:200], X_val=X_val, y_val=y_val)
    assert classifier.n_iter_ == len(classifier.validation_scores_) < 60
    assert classifier.best_validation_score_ == max(classifier.validation_scores_)
    assert classifier.validation_scores_[-1] < classifier.best_validation_score_
    assert classifier.score(X_val, y_val) == pytest.approx(classifier.best_validation_score_)


def test_going_on_keeps_better_weights_of_before(data):
    X, y = data
    validation = {"X_val": X[200:], "y_val": y[200:]}
    classifier = small(early_stopping=True, warm_start=True, max_iter=10)
    classifier.fit(X[:200], y[:200], **validation)
    before = classifier.decision_function(X)
    classifier.set_params(learning_rate_init=3.0, max_iter=2).fit(X[:200], y[:200], **validation)
    assert max(classifier.validation_scores_[-2:]) < classifier.best_validation_score_
    np.testing.assert_array_equal(classifier.decision_function(X), before)


def test_validation_samples_alone_only_record(data):
    X, y = data
    watched = small().fit(X, y, X_val=X[:50], y_val=y[:50])
    assert len(watched.validation_scores_) == 4
    assert watched.validation_scores_[-1] == pytest.approx(watched.score(X[:50], y[:50]))
    assert_same_network(watched, small().fit(X, y))


def test_early_stopping_keeps_groups_together():
    """Ten copies of each of 60 random samples: only a divided group can be recognised."""
    generator = np.random.RandomState(0)
    X = np.repeat(generator.randn(60, 30), 10, axis=0)
    y = np.repeat(np.arange(60) % 2, 10)
    groups = np.repeat(np.arange(60), 10)
    parameters = {"hidden_layer_sizes": (64,), "solver": "adam", "learning_rate_init": 0.01}
    classifier = small(**parameters, max_iter=15, early_stopping=True)
    assert classifier.fit(X, y).best_validation_score_ == 1.0
    assert classifier.fit(X, y, groups=groups).best_validation_score_ < 0.9


def test_early_stopping_without_enough_samples_is_refused(data):
    X, y = data
    with pytest.raises(ValueError, match="validation_fraction"):
        small(early_stopping=True).fit(X[:6], [0, 1] * 3)
    with pytest.raises(ValueError, match="groups"):
        small(early_stopping=True).fit(X, y, groups=np.arange(300) % 3)


def test_validation_samples_must_fit(data):
    X, y = data
    with pytest.raises(ValueError, match="together"):
        small().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="features"):
        small().fit(X, y, X_val=X[:, :3], y_val=y)
    with pytest.raises(ValueError, match="y_val holds labels"):
        small().fit(X, y, X_val=X, y_val=y + 1)
    with pytest.raises(ValueError, match="inconsistent"):
        small().fit(X, y, X_val=X, y_val=y[:-1])


def test_divergence_is_an_error_that_says_what_to_do(data):
    X, y = data
    counts = 1e5 + 1e4 * X
    with (
        pytest.warns(UserWarning, match="unscaled counts"),
        pytest.raises(ValueError, match=r"in epoch [12] .* Standardise X"),
    ):
        small(learning_rate_init=1.0, activation="identity").fit(counts, y)


def test_divergence_leaves_the_fitted_network(data):
    X, y = data
    classifier = small(activation="identity").fit(X, y)
    before = classifier.decision_function(X)
    classifier.set_params(learning_rate_init=1e30)
    with pytest.raises(ValueError, match="learning_rate_init"):
        classifier.partial_fit(X, y)
    np.testing.assert_array_equal(classifier.decision_function(X), before)


def test_unscaled_counts_are_hinted_at_once(data):
    X, y = data
    with pytest.warns(UserWarning, match="StandardScaler") as caught:
        small(max_iter=1, learning_rate_init=1e-9).fit(5000 + 1000 * X, y)
    assert len(caught) == 1
