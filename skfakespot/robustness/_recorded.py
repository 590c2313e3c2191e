"""A classifier that replays recorded responses, so that bootstrap draws cost no prediction."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if


class RecordedClassifier(ClassifierMixin, BaseEstimator):
    """Answer for row numbers of X, from responses that the estimator gave once for all of X.

    Parameters
    ----------
    estimator : classifier
        The fitted classifier whose responses are recorded.
    X : array-like
        All images.
    response : None or array-like of shape (n_samples, ...), default=None
        A response to all of X that is already known; it answers every method.
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
