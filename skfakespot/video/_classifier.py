# SPDX-License-Identifier: BSD-3-Clause
"""The estimator that classifies videos by a classifier of their frames."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d

from .._documentation import DocumentationLinkMixin
from .._labels import fake_label
from .._missing import is_missing_label, labels_with_missing, missing_rows
from .._sklearn_compat import (
    HasMethods,
    Interval,
    StrOptions,
    _check_method_params,
    _check_sample_weight,
    _fit_context,
    _safe_indexing,
    available_if,
)
from ._aggregation import (
    AGGREGATIONS,
    NAN_POLICIES,
    aggregate_labels,
    score_groups,
    warn_of_unscored,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import Aggregation, Estimator, Label, NanPolicy

_RESPONSES = ("predict_proba", "decision_function")


class VideoClassifier(DocumentationLinkMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Classify videos, or other groups of images, by a classifier of their frames.

    `fit` trains the classifier on frames. At prediction, ``groups`` gives the video of each frame,
    and each video gets one result, aggregated from the scores of its frames. **The results are in
    the order of the sorted distinct groups** (``np.unique(groups)``). Without ``groups`` each
    frame is a group of its own, and the results are in the order of the frames.

    A frame without a face is None or NaN in X, or a row of NaN such as
    `NeuronCoverageTransformer` with ``on_error="nan"`` returns. The classifier of frames never
    gets such a frame, neither in `fit` nor at prediction, where its score is NaN; see
    `nan_policy`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier
        The classifier of frames, of two classes, with ``predict_proba`` or ``decision_function``.
        It is cloned; wrap a fitted one in :class:`sklearn.frozen.FrozenEstimator`.
    how : {"mean", "median", "max", "logsumexp", "topk"}, default="mean"
        How the scores of the class fake are aggregated; see `aggregate_scores`.
    k, temperature : int, default=5 and float, default=0.1
        Parameters of "topk" and "logsumexp"; see `aggregate_scores`.
    nan_policy : {"omit", "propagate", "raise"}, default="omit"
        What a frame without a score does; see `aggregate_scores`. For groups without a score,
        `predict_proba` and `decision_function` return NaN, and `predict` the label "unknown" if
        labels are text, and -1 if they are numbers (NaN if -1 is one of them).
    threshold : "auto" or float, default="auto"
        A video is labelled fake if its score is at least this; "auto" is 0.5 for
        ``predict_proba`` and 0 for ``decision_function``.
    pos_label : int, float, bool or str, default=None
        The label of fake; None if the labels are 0 and 1, False and True, or "real" and "fake".
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        The method whose scores of the frames `predict` aggregates; "auto" is ``predict_proba``,
        or ``decision_function`` if the classifier has no probabilities.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier of frames.
    classes_ : ndarray of shape (2,)
        The labels, sorted.
    n_features_in_ : int
        Number of features of `estimator_`, if it has this attribute.
    feature_names_in_ : ndarray of str
        Names of the features of `estimator_`, if it has this attribute.

    See Also
    --------
    aggregate_scores : Aggregate scores of frames without an estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skfakespot.video import VideoClassifier
    >>> frames = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> classifier = VideoClassifier(LogisticRegression(), how="max").fit(frames, [0, 0, 1, 1])
    >>> classifier.predict(frames[[3, 0, 1, 0]], groups=["b", "a", "b", "a"])
    array([0, 1])
    """

    _parameter_constraints = {
        "estimator": [
            HasMethods(["fit", "predict_proba"]),
            HasMethods(["fit", "decision_function"]),
        ],
        "how": [StrOptions(set(AGGREGATIONS))],
        "k": [Interval(Integral, 1, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "nan_policy": [StrOptions(set(NAN_POLICIES))],
        "threshold": [StrOptions({"auto"}), Real],
        "pos_label": [Real, str, "boolean", None],
        "response_method": [StrOptions({"auto", *_RESPONSES})],
    }

    def __init__(
        self,
        estimator: Estimator,
        *,
        how: Aggregation = "mean",
        k: int = 5,
        temperature: float = 0.1,
        nan_policy: NanPolicy = "omit",
        threshold: float | Literal["auto"] = "auto",
        pos_label: Label | None = None,
        response_method: Literal["auto", "predict_proba", "decision_function"] = "auto",
    ) -> None:
        self.estimator = estimator
        self.how = how
        self.k = k
        self.temperature = temperature
        self.nan_policy = nan_policy
        self.threshold = threshold
        self.pos_label = pos_label
        self.response_method = response_method

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: ArrayLike, **fit_params: Any) -> Self:
        """Train the classifier on the frames that have a face.

        Parameters
        ----------
        X : array-like
            Frames: whatever the classifier takes; None or NaN for a frame without a face.
        y : array-like of shape (n_frames,)
            The label of each frame.
        **fit_params : dict
            Parameters of the `fit` of the classifier; routed if metadata routing is enabled.

        Returns
        -------
        self : VideoClassifier
            This object.

        Raises
        ------
        ValueError
            If there are not two classes, if the labels do not say which one means fake, or if no
            frame has a face.
        """
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        missing = missing_rows(X)
        if missing.any():
            rows = np.flatnonzero(~missing)
            if not len(rows):
                raise ValueError("No frame of X has a face: all are None or NaN.")
            fit_params = _check_method_params(X, fit_params, rows)
            X, y = _safe_indexing(X, rows), _safe_indexing(y, rows)
        _check_not_multiclass(y)
        self.estimator_ = clone(self.estimator).fit(X, y, **fit_params)
        self.classes_ = self.estimator_.classes_
        if len(self.classes_) != 2:
            raise ValueError(
                "The frames with a face are of a single class; a VideoClassifier needs frames of "
                "two classes, real and fake."
            )
        fake_label(self.classes_, self.pos_label)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    @available_if(lambda self: _frame_classifier_has(self, "predict_proba"))
    def predict_proba(self, X: Any, groups: ArrayLike | None = None) -> NDArray[np.floating[Any]]:
        """Aggregate the probabilities of the frames.

        Parameters
        ----------
        X : array-like
            Frames; see `predict`.
        groups : None or array-like of shape (n_frames,), default=None
            The video of each frame; see `predict`.

        Returns
        -------
        probabilities : ndarray of shape (n_groups, 2)
            The aggregated probability of fake and its complement, in the order of `classes_`, for
            each of the sorted distinct groups; NaN for groups without a score. Even if the
            probabilities of the frames are calibrated, the aggregated ones need not be.
        """
        labels, scores = self._score_groups(X, groups, "predict_proba")
        warn_of_unscored(labels, scores, self.nan_policy)
        fake_is_first = self._fake_column() == 0
        return np.column_stack([scores, 1 - scores] if fake_is_first else [1 - scores, scores])

    @available_if(lambda self: _frame_classifier_has(self, "decision_function"))
    def decision_function(
        self, X: Any, groups: ArrayLike | None = None
    ) -> NDArray[np.floating[Any]]:
        """Aggregate the decision values of the frames.

        Parameters
        ----------
        X : array-like
            Frames; see `predict`.
        groups : None or array-like of shape (n_frames,), default=None
            The video of each frame; see `predict`.

        Returns
        -------
        values : ndarray of shape (n_groups,)
            The aggregated decision value of each of the sorted distinct groups; the larger, the
            more likely ``classes_[1]``; NaN for groups without a score.
        """
        labels, scores = self._score_groups(X, groups, "decision_function")
        warn_of_unscored(labels, scores, self.nan_policy)
        return scores if self._fake_column() == 1 else -scores

    def predict(self, X: Any, groups: ArrayLike | None = None) -> NDArray[Any]:
        """Predict the label of each video.

        Parameters
        ----------
        X : array-like
            Frames, as in `fit`.
        groups : None or array-like of shape (n_frames,), default=None
            The video of each frame; None for each frame by itself.

        Returns
        -------
        y : ndarray of shape (n_groups,)
            The label of each of the sorted distinct groups; "unknown" or -1 for groups without a
            score, see `nan_policy`.
        """
        check_is_fitted(self)
        method: str = self.response_method
        if method == "auto":
            method = next(name for name in _RESPONSES if hasattr(self.estimator_, name))
        labels, scores = self._score_groups(X, groups, method)
        warn_of_unscored(labels, scores, self.nan_policy)
        missing = np.isnan(scores)
        threshold = self.threshold
        if threshold == "auto":
            threshold = 0.5 if method == "predict_proba" else 0.0
        fake = self._fake_column()
        found = self.classes_[np.where(scores[~missing] >= threshold, fake, 1 - fake)]
        return labels_with_missing(found, missing, self.classes_)

    def score(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> float:
        """Compute the accuracy: the share of videos whose label is predicted correctly.

        Parameters
        ----------
        X : array-like
            Frames, as in `fit`.
        y : array-like of shape (n_frames,)
            The label of each frame, the same for all frames of a video.
        sample_weight : None or array-like of shape (n_frames,), default=None
            Weights of the frames; the weight of a video is the sum of them. None for videos of
            equal weight.
        groups : None or array-like of shape (n_frames,), default=None
            See `predict`.

        Returns
        -------
        accuracy : float
            Share of the videos that have a score, in [0, 1]; NaN if none has.
        """
        y = column_or_1d(y)
        groups = np.arange(len(y)) if groups is None else groups
        labels, y_of_groups = aggregate_labels(y, groups)
        if sample_weight is not None:
            place = np.searchsorted(labels, groups)
            sample_weight = np.bincount(place, _check_sample_weight(sample_weight, y))
        predicted = self.predict(X, groups)
        scored = ~is_missing_label(predicted, self.classes_)
        if not scored.any():
            return float("nan")
        if sample_weight is not None:
            sample_weight = sample_weight[scored]
        # Labels with a missing one may be of another dtype.
        correct = predicted[scored] == y_of_groups[scored]
        return float(np.average(correct, weights=sample_weight))

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata routing: ``groups`` are used here, the classifier gets the rest.

        Returns
        -------
        routing : sklearn.utils.metadata_routing.MetadataRouter
            The routing.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        tags.classifier_tags.multi_class = False
        return tags

    def _fake_column(self):
        """Return the position of the label of fake in `classes_`."""
        return self.classes_.tolist().index(fake_label(self.classes_, self.pos_label))

    def _score_groups(self, X, groups, method):
        """Return the distinct groups, and their aggregated scores of the class fake."""
        check_is_fitted(self)
        missing = missing_rows(X)
        scores = np.full(len(missing), np.nan)
        if not missing.all():
            if missing.any():
                X = _safe_indexing(X, np.flatnonzero(~missing))
            response, fake = getattr(self.estimator_, method)(X), self._fake_column()
            if method == "predict_proba":
                scores[~missing] = response[:, fake]
            else:
                scores[~missing] = response if fake == 1 else -response
        groups = np.arange(len(scores)) if groups is None else groups
        return score_groups(scores, groups, self.how, self.k, self.temperature, self.nan_policy)


def _check_not_multiclass(y):
    """Raise ValueError before a long training; all other checks of y are the classifier's."""
    if y is None:
        return
    assert_all_finite(y, input_name="y")
    if type_of_target(y) == "multiclass":
        raise ValueError(
            "Only binary classification is supported. The type of the target is multiclass: "
            f"y holds {len(np.unique(y))} classes. Give one label to the fakes of all generators."
        )


def _frame_classifier_has(classifier, method):
    """Whether the classifier of frames, fitted if there is one, has a method."""
    return hasattr(getattr(classifier, "estimator_", classifier.estimator), method)
