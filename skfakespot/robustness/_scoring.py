"""Scores of recorded responses, on all images and on bootstrap draws, and their intervals."""

from typing import NamedTuple

import numpy as np

from .._bootstrap import (
    areas_under_roc,
    bootstrap_counts,
    count_units_of_scarcer_class,
    logit_t_interval,
    percentile_interval,
    rows_of,
)
from .._sklearn_compat import is_roc_auc


class Scores(NamedTuple):
    """The score on all images, and the score of each bootstrap draw."""

    of_all: float
    of_draws: np.ndarray


class BootstrapScoring:
    """Score recorded classifiers on the same bootstrap draws.

    Parameters
    ----------
    scorer : callable
        Called as ``scorer(classifier, rows, y[rows])``.
    y : ndarray of shape (n_samples,)
        Labels.
    groups : None or array-like of shape (n_samples,)
        Groups of images that are drawn as a whole.
    n_draws : int
        Number of bootstrap draws.
    confidence_level : float
        Confidence level of the intervals, in (0, 1).
    random : RandomState
        Source of the draws.
    """

    def __init__(self, scorer, y, groups, n_draws, confidence_level, random):
        self.scorer, self.y, self.confidence_level = scorer, y, confidence_level
        self.is_auc = is_roc_auc(scorer)
        self.draws = bootstrap_counts(y, groups, n_draws, random)
        self.n_units = count_units_of_scarcer_class(y, groups)

    def score(self, recorded):
        """Score a `RecordedClassifier` on all images and on each draw."""
        of_all = float(self.scorer(recorded, np.arange(len(self.y)), self.y))
        if self.is_auc and len(self.draws):
            is_positive = self.y == recorded.classes_[1]
            return Scores(
                of_all, areas_under_roc(is_positive, recorded.recorded_scores(), self.draws)
            )
        rows_of_draws = map(rows_of, self.draws)
        of_draws = [self.scorer(recorded, rows, self.y[rows]) for rows in rows_of_draws]
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
