"""Scorers of fake detection, for scikit-learn's cross-validation and searches."""

import numpy as np
from sklearn.metrics import make_scorer

from .._labels import fake_label
from ._report import fake_detection_report
from ._scores import equal_error_rate, tpr_at_fpr_score

_OF_LABELS = ("precision", "recall", "f1", "accuracy", "fpr", "fnr")
_OF_SCORES = ("ap", "auc", "eer", "tpr_at_fpr")
_ERRORS = ("fpr", "fnr", "eer")


def fake_detection_scorers(*, max_fpr=0.01, pos_label=None):
    """Make scorers of fake detection for scikit-learn's cross-validation and searches.

    Precision, recall, F1, accuracy, FPR and FNR are computed from what ``predict`` returns, so
    they use the estimator's own threshold. AP, AUC, the equal error rate and the TPR at a given
    FPR are computed from ``decision_function``, or from ``predict_proba`` if there is none. Fake
    is the positive class, and the convention is the standard one of `fake_detection_report`.

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
    return {
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


def _metric(y_true, response, *, fake, name, max_fpr):
    """Compute one metric from predicted labels, or from scores of the second class."""
    label = fake_label(y_true, fake)
    if name in _OF_LABELS:
        scores = np.asarray(response) == label
    else:
        scores = response if label == np.unique(y_true)[-1] else -response
    if name == "eer":
        return equal_error_rate(y_true, scores, pos_label=fake)
    if name == "tpr_at_fpr":
        return tpr_at_fpr_score(y_true, scores, max_fpr=max_fpr, pos_label=fake)
    return fake_detection_report(y_true, scores, pos_label=fake)[name]
