"""Scorers of fake detection, for scikit-learn's cross-validation and searches."""

import numpy as np
from sklearn.metrics import make_scorer

from .._labels import fake_label
from ._report import fake_detection_report
from ._scores import equal_error_rate, tpr_at_fpr_score


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
    ranking = ("decision_function", "predict_proba")

    def scorer(function, response_method, *, greater_is_better=True, **parameters):
        # A pos_label of make_scorer must be a fixed label; here it may depend on the labels.
        return make_scorer(
            function,
            response_method=response_method,
            greater_is_better=greater_is_better,
            fake=pos_label,
            **parameters,
        )

    return {
        "precision": scorer(_metric_of_labels, "predict", metric="precision"),
        "recall": scorer(_metric_of_labels, "predict", metric="recall"),
        "f1": scorer(_metric_of_labels, "predict", metric="f1"),
        "accuracy": scorer(_metric_of_labels, "predict", metric="accuracy"),
        "ap": scorer(_metric_of_scores, ranking, metric="ap"),
        "auc": scorer(_metric_of_scores, ranking, metric="auc"),
        "neg_fpr": scorer(_metric_of_labels, "predict", greater_is_better=False, metric="fpr"),
        "neg_fnr": scorer(_metric_of_labels, "predict", greater_is_better=False, metric="fnr"),
        "neg_eer": scorer(_equal_error_rate, ranking, greater_is_better=False),
        "tpr_at_fpr": scorer(_tpr_at_fpr, ranking, max_fpr=max_fpr),
    }


def _metric_of_labels(y_true, y_pred, *, fake, metric):
    called_fake = np.asarray(y_pred) == fake_label(y_true, fake)
    return fake_detection_report(y_true, called_fake, pos_label=fake)[metric]


def _metric_of_scores(y_true, y_score, *, fake, metric):
    return fake_detection_report(y_true, _scores_of_fake(y_true, y_score, fake), pos_label=fake)[
        metric
    ]


def _equal_error_rate(y_true, y_score, *, fake):
    return equal_error_rate(y_true, _scores_of_fake(y_true, y_score, fake), pos_label=fake)


def _tpr_at_fpr(y_true, y_score, *, fake, max_fpr):
    y_score = _scores_of_fake(y_true, y_score, fake)
    return tpr_at_fpr_score(y_true, y_score, max_fpr=max_fpr, pos_label=fake)


def _scores_of_fake(y_true, y_score, fake):
    """Turn scores of the second of the sorted classes into scores of the class fake."""
    return y_score if fake_label(y_true, fake) == np.unique(y_true)[-1] else -y_score
