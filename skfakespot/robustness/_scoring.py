"""Scores of recorded responses, on all images and on bootstrap draws, and their intervals."""

from typing import NamedTuple

import numpy as np

from .._bootstrap import areas_under_roc, interval, rows_of


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
    draws : ndarray of shape (n_draws, n_samples), int
        How often each image is in each draw.
    confidence_level : float
        Confidence level of the intervals, in (0, 1).
    is_auc : bool
        Whether the score is the area under the ROC curve, which is computed for all draws at once.
    """

    def __init__(self, scorer, y, draws, confidence_level, *, is_auc):
        self.scorer, self.y, self.draws = scorer, y, draws
        self.confidence_level, self.is_auc = confidence_level, is_auc

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
        return interval(scores.of_draws, self.confidence_level)

    def drop_interval(self, clean, perturbed):
        """Interval of the difference between two scores; NaN without draws."""
        return interval(clean.of_draws - perturbed.of_draws, self.confidence_level)
