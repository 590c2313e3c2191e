# SPDX-License-Identifier: BSD-3-Clause
"""A classifier that answers from recorded responses, for scores of many draws of its images."""

from contextlib import suppress

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from ._bootstrap import areas_under_roc
from ._missing import missing_rows
from ._sklearn_compat import is_roc_auc
from .images import as_samples


class _MissingResponseError(ValueError):
    """A scorer asks for the response to an image that has none."""


class RecordedClassifier(ClassifierMixin, BaseEstimator):
    """Answer for row numbers of X, from responses that the estimator gave once for all of X.

    A known `response` to all of X answers every method.
    """

    def __init__(self, estimator, X, response=None):
        self.estimator, self.X, self.response = estimator, X, response
        self.classes_ = estimator.classes_
        self._responses = {}
        self._missing = np.zeros(len(as_samples(X)), dtype=bool)

    def has_response(self, scorer, y):
        """Return True for each image with a response to the methods that the scorer uses."""
        with suppress(_MissingResponseError):
            scorer(self, np.arange(len(y)), y)
        return ~self._missing

    def recorded_scores(self, rows):
        """Scores of the second class for some images, from the one response that was recorded."""
        (response,) = self._responses.values()
        return response[rows, 1] if response.ndim == 2 else response[rows]

    def predict(self, rows):
        return self._respond("predict", rows)

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))
    def predict_proba(self, rows):
        return self._respond("predict_proba", rows)

    @available_if(lambda self: hasattr(self.estimator, "decision_function"))
    def decision_function(self, rows):
        return self._respond("decision_function", rows)

    def _respond(self, method, rows):
        if method not in self._responses:
            response = self.response
            if response is None:
                response = getattr(self.estimator, method)(self.X)
            response = np.asarray(response)
            # A label that is none of the classes stands for an image that cannot be read.
            is_label = method == "predict"
            missing = ~np.isin(response, self.classes_) if is_label else missing_rows(response)
            self._missing |= missing
            self._responses[method] = response
        n_missing = self._missing[rows].sum()
        if n_missing:
            raise _MissingResponseError(f"{method} gives no response to {n_missing} images.")
        return self._responses[method][rows]


def score_draws(scorer, recorded, rows, y, draws):
    """Score recorded responses.

    Parameters
    ----------
    scorer : callable
        ``scorer(estimator, X, y)``.
    recorded : RecordedClassifier
        The responses.
    rows, y : ndarray of shape (n_rows,)
        The rows that are scored, and their labels.
    draws : ndarray of shape (n_draws, n_rows)
        How often each of these rows is in each draw.

    Returns
    -------
    score : float
        The score of the rows.
    drawn : ndarray of shape (n_draws,)
        The score of each draw.
    """
    score = float(scorer(recorded, rows, y))
    if is_roc_auc(scorer) and len(draws):
        is_positive = y == recorded.classes_[1]
        return score, areas_under_roc(is_positive, recorded.recorded_scores(rows), draws)
    drawn = (np.repeat(np.arange(len(rows)), counts) for counts in draws)
    return score, np.array([scorer(recorded, rows[chosen], y[chosen]) for chosen in drawn])
