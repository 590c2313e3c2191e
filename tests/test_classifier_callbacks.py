# SPDX-License-Identifier: BSD-3-Clause
"""FakeSpotterClassifier under scikit-learn's callbacks, one task per epoch."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skfakespot.classifier import FakeSpotterClassifier

callback = pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(200, 6, n_informative=5, n_redundant=0, class_sep=2, random_state=0)
    return StandardScaler().fit_transform(X), y


def small(**parameters):
    defaults = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.02, "max_iter": 6}
    return FakeSpotterClassifier(**{**defaults, "random_state": 0, **parameters})


class Recorder:
    """Notes the begin and end of every task, and can ask to stop."""

    def __init__(self, stop_after=None):
        self.events = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.events.append(("end", context.task_name, context.task_id))
        self.seen = X, y, metadata, fitted_estimator
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


def test_one_task_an_epoch(data):
    recorder = Recorder()
    small(max_iter=2).set_callbacks(recorder).fit(*data)
    assert recorder.events == [
        "setup",
        ("begin", "fit", 0),
        ("begin", "epoch", 0), ("end", "epoch", 0),
        ("begin", "epoch", 1), ("end", "epoch", 1),
        ("end", "fit", 0),
        "teardown",
    ]  # fmt: skip


def test_hooks_get_the_data_and_a_fitted_estimator(data):
    X, y = data
    labels = np.array(["real", "fake"])[y]
    recorder = Recorder()
    weight = np.linspace(1, 2, len(y))
    classifier = small().set_callbacks(recorder).fit(X, labels, sample_weight=weight)
    seen_X, seen_y, metadata, fitted = recorder.seen
    np.testing.assert_array_equal(seen_X, X)
    np.testing.assert_array_equal(seen_y, labels)
    np.testing.assert_array_equal(metadata["sample_weight"], weight)
    np.testing.assert_array_equal(fitted.predict_proba(X), classifier.predict_proba(X))


def test_a_callback_can_stop_training(data):
    classifier = small().set_callbacks(Recorder(stop_after=3)).fit(*data)
    assert classifier.n_iter_ == 3
    plain = small(max_iter=3).fit(*data)
    np.testing.assert_array_equal(classifier.coefs_[0], plain.coefs_[0])


def test_callbacks_do_not_change_training(data):
    watched = small().set_callbacks(Recorder()).fit(*data)
    np.testing.assert_array_equal(watched.coefs_[0], small().fit(*data).coefs_[0])


def test_scoring_monitor_scores_each_epoch(data):
    monitor = callback.ScoringMonitor(scoring="roc_auc")
    small().set_callbacks(monitor).fit(*data)
    scores = [row["roc_auc"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(scores) == 6
    assert scores[-1] > 0.9
    assert scores[0] != scores[-1]


def test_scoring_monitor_in_a_searched_pipeline(data):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = make_pipeline(StandardScaler(), small(max_iter=3).set_callbacks(monitor))
    grid = {"fakespotterclassifier__momentum": [0.0, 0.9]}
    GridSearchCV(model, grid, cv=2).fit(*data)
    runs = monitor.get_logs(select="all")
    epochs = [row for run in runs for row in run.data if row["task_name"] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 3


def test_progress_bar(data, capsys):
    pytest.importorskip("rich")
    model = make_pipeline(StandardScaler(), small())
    model.set_callbacks(callback.ProgressBar()).fit(*data)
    assert "FakeSpotterClassifier" in capsys.readouterr().out
