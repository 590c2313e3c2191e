# SPDX-License-Identifier: BSD-3-Clause
"""A classifier that skips rows of NaN, such as those of unreadable images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from ._documentation import DocumentationLinkMixin
from ._missing import labels_with_missing, missing_label, missing_rows
from ._sklearn_compat import (
    HasMethods,
    _check_method_params,
    _fit_context,
    _safe_indexing,
    available_if,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ._typing import Estimator


def _classifier_has(method):
    def check(self):
        return hasattr(getattr(self, "estimator_", self.estimator), method)

    return check


class SkipMissingClassifier(
    DocumentationLinkMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator
):
    """Let a classifier skip the rows of X that hold only NaN.

    `NeuronCoverageTransformer` with ``on_error="nan"`` gives a row of NaN for an image that cannot
    be read, and most classifiers refuse NaN. The wrapped classifier never sees such a row: `fit`
    leaves it out, with its label and its weight; `predict_proba` and `decision_function` return
    NaN for it, and `predict` the *missing label*, so that results stay in line with X. The
    missing label is "unknown" if the labels are text, and -1 if they are numbers (NaN if -1 is
    one of the classes). `score` leaves missing rows out.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier
        The classifier, or a Pipeline that ends with one. It is cloned.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, without the missing label.
    n_missing_ : int
        Number of rows that `fit` left out.
    n_features_in_ : int
        Number of features of `estimator_`, if it has this attribute.
    feature_names_in_ : ndarray of str
        Names of the features of `estimator_`, if it has this attribute.

    See Also
    --------
    make_fakespotter : Makes a detector with this classifier if ``on_error="nan"``.
    skfakespot.metrics.fake_detection_scorers : Scorers that leave missing rows out.

    Notes
    -----
    scikit-learn's own scorers do not know missing rows: "accuracy" counts the missing label as
    wrong, and "roc_auc" raises an error that scores are NaN. Use `fake_detection_scorers`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skfakespot import SkipMissingClassifier
    >>> X, y = np.array([[0.0], [1.0], [np.nan], [3.0]]), ["real", "real", "fake", "fake"]
    >>> classifier = SkipMissingClassifier(LogisticRegression()).fit(X, y)
    >>> classifier.predict(X)
    array(['real', 'real', 'unknown', 'fake'], dtype='<U7')
    >>> classifier.predict_proba(X).round(1)[1:3]
    array([[0.2, 0.8],
           [nan, nan]])
    """

    _parameter_constraints = {"estimator": [HasMethods(["fit", "predict"])]}

    def __init__(self, estimator: Estimator) -> None:
        self.estimator = estimator

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        """Train the classifier on the rows that are not missing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features. Rows that hold only NaN are missing.
        y : array-like of shape (n_samples,)
            Labels.
        **fit_params : dict
            Parameters of the `fit` of the classifier, such as ``sample_weight``; routed if
            metadata routing is enabled. Those with one value for each row lose the values of
            missing rows.

        Returns
        -------
        self : SkipMissingClassifier
            This object.

        Raises
        ------
        ValueError
            If all rows, or all rows of a class, are missing.
        """
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        missing = missing_rows(X)
        self.n_missing_ = int(missing.sum())
        if self.n_missing_:
            rows = np.flatnonzero(~missing)
            _check_no_class_is_missing(y, rows)
            fit_params = _check_method_params(X, fit_params, rows)
            X, y = _safe_indexing(X, rows), _safe_indexing(y, rows)
        self.estimator_ = clone(self.estimator).fit(X, y, **fit_params)
        self.classes_ = self.estimator_.classes_
        missing_label(self.classes_)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def predict(self, X: ArrayLike, **params: Any) -> NDArray[Any]:
        """Predict the label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features. Rows that hold only NaN are missing.
        **params : dict
            Parameters of the classifier's `predict`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The labels; the missing label for missing rows.
        """
        labels, missing = self._answer("predict", X, params)
        labels = self.classes_[:0] if labels is None else labels
        return labels_with_missing(labels, missing, self.classes_)

    @available_if(_classifier_has("predict_proba"))
    def predict_proba(self, X: ArrayLike, **params: Any) -> NDArray[np.floating[Any]]:
        """Compute the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features. Rows that hold only NaN are missing.
        **params : dict
            Parameters of the classifier's `predict_proba`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; NaN for missing rows.
        """
        answer, missing = self._answer("predict_proba", X, params)
        return _spread(answer, missing, (len(self.classes_),))

    @available_if(_classifier_has("decision_function"))
    def decision_function(self, X: ArrayLike, **params: Any) -> NDArray[np.floating[Any]]:
        """Compute the decision value of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features. Rows that hold only NaN are missing.
        **params : dict
            Parameters of the classifier's `decision_function`.

        Returns
        -------
        values : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The larger, the more likely ``classes_[1]``; one column for each class if there are
            more than two. NaN for missing rows.
        """
        answer, missing = self._answer("decision_function", X, params)
        return _spread(answer, missing, (len(self.classes_),) if len(self.classes_) > 2 else ())

    def score(self, X: ArrayLike, y: ArrayLike, **params: Any) -> float:
        """Compute the score of the classifier on the rows that are not missing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features. Rows that hold only NaN are missing.
        y : array-like of shape (n_samples,)
            Labels.
        **params : dict
            Parameters of the classifier's `score`, such as ``sample_weight``.

        Returns
        -------
        score : float
            The accuracy, unless the classifier's `score` is something else; NaN if all rows are
            missing.
        """
        check_is_fitted(self)
        missing = missing_rows(X)
        rows = np.flatnonzero(~missing)
        if not len(rows):
            return float("nan")
        if get_config()["enable_metadata_routing"]:
            params = process_routing(self, "score", **params).estimator.score
        if missing.any():
            params = _check_method_params(X, params, rows)
            X, y = _safe_indexing(X, rows), _safe_indexing(y, rows)
        return self.estimator_.score(X, y, **params)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata routing: the classifier gets all metadata.

        Returns
        -------
        routing : sklearn.utils.metadata_routing.MetadataRouter
            The routing.
        """
        mapping = MethodMapping()
        for method in ("fit", "predict", "predict_proba", "decision_function", "score"):
            mapping.add(caller=method, callee=method)
        router = MetadataRouter(owner=type(self).__name__)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        of_estimator = get_tags(self.estimator)
        tags.input_tags = of_estimator.input_tags
        tags.classifier_tags = of_estimator.classifier_tags
        return tags

    def _answer(self, method, X, params):
        """Return what a method gives for the rows that are not missing, and which are missing.

        If all rows are missing, the method is not called, and the answer is None.
        """
        check_is_fitted(self)
        if get_config()["enable_metadata_routing"]:
            params = process_routing(self, method, **params).estimator[method]
        missing = missing_rows(X)
        if len(missing) and missing.all():
            return None, missing
        if missing.any():
            rows = np.flatnonzero(~missing)
            params = _check_method_params(X, params, rows)
            X = _safe_indexing(X, rows)
        return np.asarray(getattr(self.estimator_, method)(X, **params)), missing


def _spread(answer, missing, shape):
    """Put an answer in the rows that are not missing; the others are NaN."""
    if not missing.any():
        return answer
    spread = np.full((len(missing), *shape), np.nan)
    if answer is not None:
        spread[~missing] = answer
    return spread


def _check_no_class_is_missing(y, rows):
    """Raise ValueError if no row with features has one of the labels."""
    y = np.asarray(y)
    absent = sorted(set(y.tolist()) - set(y[rows].tolist()))
    if absent:
        raise ValueError(
            f"None of the rows with the label {absent[0]!r} has features: they are all NaN, as "
            "those of images that cannot be read. Correct the files, which warnings have named."
        )
