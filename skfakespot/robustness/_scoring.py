"""Recorded responses of a classifier, and their scores on all images and on bootstrap draws."""

from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from .._bootstrap import (
    areas_under_roc,
    bootstrap_counts,
    count_units_of_scarcer_class,
    logit_t_interval,
    percentile_interval,
)
from .._sklearn_compat import is_roc_auc


class RecordedClassifier(ClassifierMixin, BaseEstimator):
    """Answer for row numbers of X, from responses that the estimator gave once for all of X.

    A known `response` to all of X answers every method.
    """

    def __init__(self, estimator, X, response=None):
        self.estimator, self.X, self.response = estimator, X, response
        self.classes_ = estimator.classes_
        self._responses = {}

    def recorded_scores(self):
        """Scores of the second class for all images, from the one response that was recorded."""
        known = self._responses.values() if self.response is None else [self.response]
        (response,) = map(np.asarray, known)
        return response[:, 1] if response.ndim == 2 else response

    def predict(self, rows):
        return self._respond("predict", rows)

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))
    def predict_proba(self, rows):
        return self._respond("predict_proba", rows)

    @available_if(lambda self: hasattr(self.estimator, "decision_function"))
    def decision_function(self, rows):
        return self._respond("decision_function", rows)

    def _respond(self, method, rows):
        if self.response is not None:
            return np.asarray(self.response)[rows]
        if method not in self._responses:
            self._responses[method] = np.asarray(getattr(self.estimator, method)(self.X))
        return self._responses[method][rows]


class Scores(NamedTuple):
    """The score on all images, and the score of each bootstrap draw."""

    of_all: float
    of_draws: np.ndarray


class BootstrapScoring:
    """Score recorded classifiers on the same bootstrap draws of row numbers."""

    def __init__(self, scorer, y, groups, n_draws, confidence_level, random):
        self.scorer, self.y, self.confidence_level = scorer, y, confidence_level
        self.is_auc = is_roc_auc(scorer)
        self.draws = bootstrap_counts(y, groups, n_draws, random)
        self.n_units = count_units_of_scarcer_class(y, groups)

    def score(self, recorded):
        """Score a `RecordedClassifier` on all images and on each draw."""
        rows = np.arange(len(self.y))
        of_all = float(self.scorer(recorded, rows, self.y))
        if self.is_auc and len(self.draws):
            is_positive = self.y == recorded.classes_[1]
            of_draws = areas_under_roc(is_positive, recorded.recorded_scores(), self.draws)
        else:
            rows_of_draws = (np.repeat(rows, counts) for counts in self.draws)
            of_draws = [self.scorer(recorded, drawn, self.y[drawn]) for drawn in rows_of_draws]
        return Scores(of_all, np.array(of_draws))

    def interval(self, scores):
        """Interval of a score; NaN without draws."""
        if self.is_auc and len(self.draws):
            return logit_t_interval(*scores, self.n_units, self.confidence_level)
        # The range of other scores is not known, so they have no scale of log-odds.
        return percentile_interval(scores.of_draws, self.confidence_level)

    def drop_interval(self, clean, perturbed):
        """Interval of the difference between two scores; NaN without draws."""
        # A difference can be negative, so it has no log-odds, and no t-interval on their scale.
        return percentile_interval(clean.of_draws - perturbed.of_draws, self.confidence_level)
