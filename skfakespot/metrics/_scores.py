# SPDX-License-Identifier: BSD-3-Clause
"""The TPR at a given FPR, the equal error rate, and scorers for scikit-learn's searches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn import config_context
from sklearn.metrics import make_scorer, roc_curve
from sklearn.utils.validation import column_or_1d

from .._labels import check_scores, fake_label
from .._missing import is_missing_label
from ._report import metrics_of_scores

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from .._typing import Label

_OF_LABELS = ("precision", "recall", "f1", "accuracy", "fpr", "fnr")
_OF_SCORES = ("ap", "auc", "eer", "tpr_at_fpr")
_ERRORS = ("fpr", "fnr", "eer")


def tpr_at_fpr_score(
    y_true: ArrayLike, y_score: ArrayLike, *, max_fpr: float = 0.01, pos_label: Label | None = None
) -> float:
    """Compute the largest true positive rate at a limited false positive rate.

    An image is called fake if its score is at least a threshold. The result is the largest true
    positive rate of all thresholds whose false positive rate is at most `max_fpr`. The ROC curve
    is not interpolated, so there is a threshold that has this true positive rate.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true, y_score : array-like of shape (n_samples,)
        True labels, and scores of the class fake; see `fake_detection_report`.
    max_fpr : float, default=0.01
        Largest share of real images that may be called fake, in [0, 1]. With fewer than
        ``1 / max_fpr`` real images, no real image may be called fake.
    pos_label : int, float, bool or str, default=None
        The label of fake; None if the labels are 0 and 1, False and True, or "real" and "fake".

    Returns
    -------
    tpr : float
        True positive rate, in [0, 1]; 0 if only thresholds above all scores are allowed.

    Raises
    ------
    ValueError
        If `max_fpr` is not in [0, 1], the labels are not of exactly two classes, or scores are
        not finite.

    Examples
    --------
    >>> from skfakespot.metrics import tpr_at_fpr_score
    >>> y_true, y_score = [0, 0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.4, 0.7, 0.9]
    >>> round(tpr_at_fpr_score(y_true, y_score, max_fpr=0.1), 3)
    0.333
    >>> tpr_at_fpr_score(y_true, y_score, max_fpr=0.25)
    1.0
    """
    if not 0 <= max_fpr <= 1:
        raise ValueError(f"max_fpr={max_fpr!r}; accepted are numbers from 0 to 1.")
    fake, y_score = check_scores(y_true, y_score, pos_label)
    fpr, tpr, _ = roc_curve(fake, y_score, drop_intermediate=False)
    return float(tpr[fpr <= max_fpr].max())


def equal_error_rate(
    y_true: ArrayLike, y_score: ArrayLike, *, pos_label: Label | None = None
) -> float:
    """Compute the equal error rate: FPR and FNR at the threshold where they are equal.

    It is the false positive rate at the point of the ROC curve where it equals the false negative
    rate. If no threshold gives equal rates, the curve is interpolated linearly between the two
    neighbouring thresholds.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true, y_score, pos_label : array-like, array-like and label
        See `tpr_at_fpr_score`.

    Returns
    -------
    rate : float
        In [0, 1]: 0 if a threshold separates the classes, 0.5 if all scores are equal.

    Raises
    ------
    ValueError
        If the labels are not of exactly two classes, or scores are not finite.

    Examples
    --------
    >>> from skfakespot.metrics import equal_error_rate
    >>> equal_error_rate([0, 0, 0, 0, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.4, 0.6, 0.7, 0.9])
    0.25
    """
    fake, y_score = check_scores(y_true, y_score, pos_label)
    fpr, tpr, _ = roc_curve(fake, y_score, drop_intermediate=False)
    # FNR - FPR is 1 at the highest threshold, -1 at the lowest, and never rises in between.
    difference = (1 - tpr) - fpr
    after = int((difference <= 0).argmax())
    before = after - 1
    share = difference[before] / (difference[before] - difference[after])
    return float(fpr[before] + share * (fpr[after] - fpr[before]))


def fake_detection_scorers(
    *, max_fpr: float = 0.01, pos_label: Label | None = None
) -> dict[str, Callable[..., float]]:
    """Make scorers of fake detection for scikit-learn's cross-validation and searches.

    Precision, recall, F1, accuracy, FPR and FNR are computed from what ``predict`` returns, so
    they use the estimator's own threshold. AP, AUC, the equal error rate and the TPR at a given
    FPR are computed from ``decision_function``, or from ``predict_proba`` if there is none. Fake
    is the positive class, and the convention is the standard one of `fake_detection_report`.
    Images without a score, such as those that a detector with ``on_error="nan"`` could not read,
    are left out. With scikit-learn's metadata routing, sample weights are not used for the scores.

    .. versionadded:: 0.1

    Parameters
    ----------
    max_fpr : float, default=0.01
        Largest false positive rate of the scorer ``tpr_at_fpr``, in [0, 1]; see
        `tpr_at_fpr_score`.
    pos_label : int, float, bool or str, default=None
        The label of fake; None if the labels are 0 and 1, False and True, or "real" and "fake".

    Returns
    -------
    scorers : dict of str to callable
        ``precision``, ``recall``, ``f1``, ``accuracy``, ``ap``, ``auc``, ``tpr_at_fpr``, and the
        negated error rates ``neg_fpr``, ``neg_fnr``, ``neg_eer``. Greater is better for all of
        them, as for scikit-learn's own scorers. Each is called as ``scorer(estimator, X, y)``.

    See Also
    --------
    fake_detection_report : Compute the eight metrics from labels and scores, with intervals.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_validate
    >>> from skfakespot.metrics import fake_detection_scorers
    >>> X, y = make_classification(random_state=0)
    >>> results = cross_validate(LogisticRegression(), X, y, scoring=fake_detection_scorers())
    >>> results["test_auc"].shape
    (5,)
    """
    scorers = {
        f"neg_{name}" if name in _ERRORS else name: make_scorer(
            _metric,
            response_method="predict"
            if name in _OF_LABELS
            else ("decision_function", "predict_proba"),
            greater_is_better=name not in _ERRORS,
            # A pos_label of make_scorer must be a fixed label; here it may depend on the labels.
            fake=pos_label,
            name=name,
            max_fpr=max_fpr,
        )
        for name in (*_OF_LABELS, *_OF_SCORES)
    }
    with config_context(enable_metadata_routing=True):
        return {
            name: scorer.set_score_request(sample_weight=False) for name, scorer in scorers.items()
        }


def _metric(y_true, response, *, fake, name, max_fpr):
    """Compute one metric from predicted labels, or from scores of the second class."""
    y_true, response = column_or_1d(y_true), np.asarray(response)
    label = fake_label(y_true, fake)
    missing = is_missing_label(response, y_true) if name in _OF_LABELS else np.isnan(response)
    y_true, response = y_true[~missing], response[~missing]
    if name in _OF_LABELS:
        scores = response == label
    else:
        scores = response if label == np.unique(y_true)[-1] else -response
    if name == "eer":
        return equal_error_rate(y_true, scores, pos_label=fake)
    if name == "tpr_at_fpr":
        return tpr_at_fpr_score(y_true, scores, max_fpr=max_fpr, pos_label=fake)
    is_fake, scores = check_scores(y_true, scores, fake)
    return metrics_of_scores(is_fake, scores, scores >= 0.5)[name]
