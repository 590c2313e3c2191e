# SPDX-License-Identifier: BSD-3-Clause
"""The metrics and their scorers."""

import pickle

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from score_strategies import labels_and_scores
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, roc_auc_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    StratifiedKFold,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skfakespot import fake_probability
from skfakespot.metrics import (
    ReversedScoresWarning,
    equal_error_rate,
    fake_detection_report,
    fake_detection_scorers,
    fake_label,
    tpr_at_fpr_score,
)

METRICS = ["precision", "recall", "f1", "accuracy", "ap", "auc", "fpr", "fnr"]


def rates_to_sample(recall, fpr, n=1000):
    """Labels and hard scores of n real and n fake images with these rates."""
    y_true = np.repeat([0, 1], n)
    called_fake = np.concatenate([np.arange(n) < fpr * n, np.arange(n) < recall * n])
    return y_true, called_fake.astype(float)


@pytest.mark.parametrize(
    ("recall", "fpr", "auc", "ap"),
    [(0.987, 0.016, 0.985, 0.979), (0.924, 0.087, 0.919, 0.881), (0.719, 0.359, 0.680, 0.645)],
    ids=["PGGAN", "StyleGAN2", "DFDC"],
)
def test_paper_convention_reproduces_rows_of_table_2(recall, fpr, auc, ap):
    report = fake_detection_report(*rates_to_sample(recall, fpr), convention="paper")
    assert report["auc"] == pytest.approx(auc, abs=0.0011)
    # DFDC's classes are not of equal size in the paper, here they are.
    assert report["ap"] == pytest.approx(ap, abs=0.0025 if recall > 0.8 else 0.03)
    assert report["fpr"] == pytest.approx(1 - recall)
    assert report["fnr"] == pytest.approx(fpr)


def test_all_eight_metrics_by_hand():
    y_true = [0, 0, 0, 0, 1, 1, 1, 1]
    y_score = [0.1, 0.2, 0.3, 0.8, 0.4, 0.6, 0.7, 0.9]
    report = fake_detection_report(y_true, y_score)
    assert list(report) == METRICS
    assert report["precision"] == report["recall"] == report["f1"] == report["accuracy"] == 0.75
    assert report["fpr"] == report["fnr"] == 0.25
    assert report["auc"] == 13 / 16
    assert report["ap"] == pytest.approx((1 + 2 / 3 + 3 / 4 + 4 / 5) / 4)


def test_the_score_at_the_threshold_counts_as_fake():
    report = fake_detection_report([0, 1], [0.2, 0.5])
    assert report["recall"] == report["precision"] == 1.0
    assert fake_detection_report([0, 1], [0.2, 0.5], threshold=0.51)["recall"] == 0.0


@pytest.mark.filterwarnings("ignore::skfakespot.metrics.ReversedScoresWarning")
@example([(index < 10, float(index >= 10)) for index in range(20)])
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1, width=16)), min_size=2, max_size=40))
def test_conventions_agree_on_everything_but_the_four_that_differ(pairs):
    y_true = [int(label) for label, _ in pairs]
    if len(set(y_true)) < 2:
        y_true[0] = 1 - y_true[0]
    y_score = [score for _, score in pairs]
    standard = fake_detection_report(y_true, y_score)
    paper = fake_detection_report(y_true, y_score, convention="paper")
    for name in ("precision", "recall", "f1", "accuracy"):
        assert standard[name] == paper[name]
    assert (standard["fpr"], standard["fnr"]) == (paper["fnr"], paper["fpr"])
    assert paper["auc"] == pytest.approx((standard["recall"] + 1 - standard["fpr"]) / 2)
    assert all(0 <= value <= 1 for value in [*standard.values(), *paper.values()])


@pytest.mark.parametrize(
    "labels", [("real", "fake"), (False, True), ("Real", "Fake")], ids=["lower", "bool", "title"]
)
def test_labels_of_other_kinds_give_the_same_report(labels):
    y_true = np.array([0, 0, 1, 1])
    y_score = [0.1, 0.6, 0.4, 0.9]
    named = np.array(labels)[y_true]
    assert fake_detection_report(named, y_score) == fake_detection_report(y_true, y_score)


def test_labels_that_do_not_tell_which_is_fake_need_pos_label():
    with pytest.raises(ValueError, match="Give pos_label"):
        fake_label(["authentic", "generated"])
    report = fake_detection_report(["a", "g"], [0.1, 0.9], pos_label="g")
    assert report["recall"] == 1.0
    with pytest.raises(ValueError, match="'x' is not among the labels"):
        fake_label(["a", "g"], "x")


@pytest.mark.parametrize(
    ("y_true", "y_score", "message"),
    [
        ([1, 1], [0.1, 0.2], "1 classes; images of exactly two are needed"),
        ([0, 1, 2], [0.1, 0.2, 0.3], "3 classes"),
        ([0, 1], [0.1, np.nan], "1 of 2 scores are NaN or infinite"),
        ([0, 1], [0.1], "inconsistent numbers of samples"),
    ],
)
def test_unusable_input_is_refused(y_true, y_score, message):
    with pytest.raises(ValueError, match=message):
        fake_detection_report(y_true, y_score)


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match="accepted are 'standard' and 'paper'"):
        fake_detection_report([0, 1], [0.1, 0.9], convention="table2")


def rates(y, scores):
    """FPR and TPR at each score as threshold, and above all scores."""
    for threshold in [*np.unique(scores), np.inf]:
        called_fake = scores >= threshold
        yield called_fake[y == 0].mean(), called_fake[y == 1].mean()


@given(labels_and_scores(), st.floats(0, 1))
def test_tpr_at_fpr_is_the_best_of_all_thresholds(sample, max_fpr):
    expected = max(tpr for fpr, tpr in rates(*sample) if fpr <= max_fpr)
    assert tpr_at_fpr_score(*sample, max_fpr=max_fpr) == expected


def test_tpr_at_fpr_counts_images_exactly():
    """3 of 10 real images are a share of exactly 0.3; of equal scores all or none are called."""
    y, scores = np.repeat([0, 1], 10), np.concatenate([np.arange(10), np.arange(10) + 0.5])
    assert tpr_at_fpr_score(y, scores, max_fpr=0.3) == 0.4
    assert tpr_at_fpr_score(y, scores, max_fpr=0.2999) == 0.3
    assert tpr_at_fpr_score([0, 1, 1], [0.5, 0.5, 0.5], max_fpr=0.9) == 0.0
    assert tpr_at_fpr_score(["real", "fake"], [0.1, 0.2], max_fpr=0) == 1.0
    with pytest.raises(ValueError, match="max_fpr=2; accepted are numbers from 0 to 1"):
        tpr_at_fpr_score([0, 1], [0, 1], max_fpr=2)


@given(labels_and_scores())
def test_equal_error_rate_lies_on_the_roc_curve(sample):
    y, scores = sample
    rate = equal_error_rate(y, scores)
    on_curve = sorted(rates(y, scores))
    fpr, tpr = np.transpose(on_curve)
    # No point of the curve is on the good side of the one found in both rates, or on the bad.
    assert not ((fpr < rate - 1e-12) & (1 - tpr < rate - 1e-12)).any()
    assert not ((fpr > rate + 1e-12) & (1 - tpr > rate + 1e-12)).any()
    # The area above the curve holds a square of this side, that below it one of the rest.
    auc = roc_auc_score(y, scores)
    assert (1 - rate) ** 2 <= auc + 1e-12
    assert rate**2 <= 1 - auc + 1e-12


@given(labels_and_scores())
def test_equal_error_rate_has_the_symmetries_of_its_definition(sample):
    y, scores = sample
    rate = equal_error_rate(y, scores)
    assert equal_error_rate(1 - y, -scores) == pytest.approx(rate)
    assert equal_error_rate(y, -scores) == pytest.approx(1 - rate)
    assert equal_error_rate(y, np.exp(scores)) == rate


def test_equal_error_rate_by_hand():
    assert equal_error_rate([0, 0, 1, 1], [1, 2, 3, 4]) == 0
    assert equal_error_rate([0, 1], [0.3, 0.3]) == 0.5
    # FPR and FNR go from 0 and 2/3 to 1/2 and 0, in one step: they meet after 4/7 of it.
    assert equal_error_rate([0, 0, 1, 1, 1], [1, 2, 2, 2, 3]) == pytest.approx(2 / 7)


FOLDS = StratifiedKFold(4, shuffle=True, random_state=0)


@pytest.fixture
def sample():
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    return random.normal(size=(120, 2)) + y[:, None], y


@pytest.mark.parametrize("labels", [(0, 1), ("real", "fake"), (False, True)], ids=str)
@pytest.mark.parametrize("classifier", [LogisticRegression(), GaussianNB(), LinearSVC()], ids=str)
def test_scorers_give_what_the_report_gives(sample, labels, classifier):
    X, y = sample
    named = np.array(labels)[y]
    found = cross_validate(classifier, X, named, cv=FOLDS, scoring=fake_detection_scorers())
    for fold, (train, test) in enumerate(FOLDS.split(X, y)):
        classifier.fit(X[train], y[train])
        called = classifier.predict(X[test])
        if hasattr(classifier, "decision_function"):
            scores = classifier.decision_function(X[test])
        else:
            scores = classifier.predict_proba(X[test])[:, 1]
        ranked = fake_detection_report(y[test], scores)
        expected = fake_detection_report(y[test], called)
        expected |= {name: ranked[name] for name in ("ap", "auc")}
        expected["tpr_at_fpr"] = tpr_at_fpr_score(y[test], scores)
        errors = {name: expected.pop(name) for name in ("fpr", "fnr")}
        errors["eer"] = equal_error_rate(y[test], scores)
        expected |= {f"neg_{name}": -value for name, value in errors.items()}
        assert {name: found[f"test_{name}"][fold] for name in expected} == pytest.approx(expected)
        assert set(found) == {f"test_{name}" for name in expected} | {"fit_time", "score_time"}


def test_scorers_agree_with_those_of_scikit_learn(sample):
    X, y = sample
    classifier = LogisticRegression().fit(X, y)
    names = {"ap": "average_precision", "auc": "roc_auc", "f1": "f1", "accuracy": "accuracy"}
    for ours, theirs in names.items():
        scorer = fake_detection_scorers()[ours]
        assert scorer(classifier, X, y) == get_scorer(theirs)(classifier, X, y)


class Counting(LogisticRegression):
    """Counts in a list that clones share how often it is asked for anything."""

    questions = []

    def predict(self, X):
        self.questions.append("predict")
        return super().predict(X)

    def decision_function(self, X):
        self.questions.append("decision_function")
        return super().decision_function(X)


def test_all_scorers_together_ask_twice(sample):
    """Once for labels and once for scores, whatever the number of metrics."""
    Counting.questions.clear()
    cross_validate(Counting(), *sample, cv=FOLDS, scoring=fake_detection_scorers())
    # Logistic regression predicts by its decision function.
    assert Counting.questions.count("predict") == 4
    assert Counting.questions.count("decision_function") == 8


def test_scorers_follow_the_threshold_of_the_estimator(sample):
    X, y = sample
    detector = FixedThresholdClassifier(LogisticRegression(), threshold=0.9).fit(X, y)
    found = fake_detection_scorers()["recall"](detector, X, y)
    assert found == (detector.estimator_.predict_proba(X)[y == 1, 1] >= 0.9).mean()


def test_a_search_by_pickled_scorers_finds_the_smallest_error(sample):
    X, y = sample
    scorers = pickle.loads(pickle.dumps(fake_detection_scorers(max_fpr=0.2)))
    grid = {"max_depth": [1, 2, 8], "random_state": [0]}
    search = GridSearchCV(DecisionTreeClassifier(), grid, scoring=scorers, refit="neg_eer")
    results = search.fit(X, y).cv_results_
    errors = -results["mean_test_neg_eer"]
    assert errors[search.best_index_] == errors.min() < errors.max()
    folds = StratifiedKFold(5).split(X, y)
    expected = [
        tpr_at_fpr_score(y[test], fitted.predict_proba(X[test])[:, 1], max_fpr=0.2)
        for train, test in folds
        for fitted in [DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[train], y[train])]
    ]
    assert results["mean_test_tpr_at_fpr"][1] == pytest.approx(np.mean(expected))


def test_scorers_of_labels_that_do_not_tell(sample):
    X, y = sample
    named = np.array(["b", "a"])[y]
    classifier = LogisticRegression().fit(X, named)
    expected = fake_detection_scorers()["auc"](LogisticRegression().fit(X, y), X, y)
    found = fake_detection_scorers(pos_label="a")["auc"](classifier, X, named)
    assert found == pytest.approx(expected)
    with pytest.raises(ValueError, match="Give pos_label"):
        fake_detection_scorers()["auc"](classifier, X, named)


@pytest.mark.parametrize("name", ["auc", "neg_eer", "accuracy"])
def test_scorers_of_images_of_one_class(sample, name):
    X, y = sample
    classifier = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="1 classes; images of exactly two are needed"):
        fake_detection_scorers()[name](classifier, X[y == 1], y[y == 1])


def test_the_report_of_an_estimator_finds_the_column_of_fake():
    X = np.random.default_rng(0).normal(size=(200, 3))
    is_fake = X[:, 0] > 0
    y = np.where(is_fake, "fake", "real")
    classifier = LogisticRegression().fit(X, y)
    report = fake_detection_report(y, estimator=classifier, X=X)
    assert report == fake_detection_report(y, fake_probability(classifier, X))
    assert report["auc"] > 0.99
    numbers = LogisticRegression().fit(X, is_fake.astype(int))
    expected = fake_detection_report(is_fake.astype(int), numbers.predict_proba(X)[:, 1])
    assert report == pytest.approx(expected)


def test_scores_of_the_class_real_are_noticed():
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = np.where(X[:, 0] > 0, "fake", "real")
    classifier = LogisticRegression().fit(X, y)
    column_of_real = classifier.predict_proba(X)[:, 1]
    with pytest.warns(ReversedScoresWarning, match=r"AUC is 0\.0.*fake_probability") as caught:
        report = fake_detection_report(y, column_of_real)
    assert report["auc"] < 0.1
    assert caught[0].filename == __file__


def test_scores_are_reversed_from_three_standard_errors_on():
    """Of ten real and ten fake images, that is an AUC of 0.5 - 3 * sqrt(21 / 1200) = 0.103."""
    y, scores = np.repeat([0, 1], 10), np.append(np.arange(1, 11), np.zeros(10))
    scores[10] = 11  # this fake image is above all real ones
    with pytest.warns(ReversedScoresWarning):
        assert fake_detection_report(y, scores)["auc"] == pytest.approx(0.10)
    scores[11] = 1.5  # and this one above one of them
    assert fake_detection_report(y, scores)["auc"] == pytest.approx(0.11)


@pytest.mark.parametrize("parts", [{}, {"y_score": [0, 1], "estimator": 1, "X": 1}, {"X": 1}])
def test_the_report_takes_scores_or_an_estimator(parts):
    with pytest.raises(ValueError, match="Give either y_score, or estimator and X"):
        fake_detection_report([0, 1], **parts)
