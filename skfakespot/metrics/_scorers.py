import numpy as np
from sklearn.metrics import make_scorer

from .._labels import fake_label
from ._report import fake_detection_report
from ._scores import equal_error_rate, tpr_at_fpr_score


def fake_detection_scorers(*, max_fpr=0.01, pos_label=None):
    """Make scorers of fake detection for scikit-learn's cross-validation and searches.

    Precision, recall, F1, accuracy, FPR and FNR are computed from what ``predict`` returns, and
    so at the estimator's own threshold; AP, AUC, the equal error rate and the TPR at a given FPR
    from ``decision_function``, else ``predict_proba``. Fake is the positive class, and the
    convention is the standard one of `fake_detection_report`.

    Parameters
    ----------
    max_fpr : float, default=0.01
        That of `tpr_at_fpr_score`.
    pos_label : int, float, bool or str, default=None
        The label of fake; None where the labels are 0 and 1, False and True, or "real" and "fake".

    Returns
    -------
    scorers : dict of str to callable
        ``precision``, ``recall``, ``f1``, ``accuracy``, ``ap``, ``auc``, ``tpr_at_fpr``, and
        ``neg_fpr``, ``neg_fnr``, ``neg_eer``, which are negated, so that greater is better for
        all of them, as for scikit-learn's own. Each is called as ``scorer(estimator, X, y)``.

    See Also
    --------
    fake_detection_report : The eight metrics from labels and scores, with intervals.

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
    predicted, ranked = "predict", ("decision_function", "predict_proba")

    def scorer(function, method, sign=True, **parameters):
        # sklearn orients scores by a pos_label of its own, which cannot follow the labels.
        return make_scorer(
            function, response_method=method, greater_is_better=sign, fake=pos_label, **parameters
        )

    return {
        "precision": scorer(_of_predictions, predicted, metric="precision"),
        "recall": scorer(_of_predictions, predicted, metric="recall"),
        "f1": scorer(_of_predictions, predicted, metric="f1"),
        "accuracy": scorer(_of_predictions, predicted, metric="accuracy"),
        "ap": scorer(_of_scores, ranked, metric="ap"),
        "auc": scorer(_of_scores, ranked, metric="auc"),
        "neg_fpr": scorer(_of_predictions, predicted, sign=False, metric="fpr"),
        "neg_fnr": scorer(_of_predictions, predicted, sign=False, metric="fnr"),
        "neg_eer": scorer(_equal_error_rate, ranked, sign=False),
        "tpr_at_fpr": scorer(_tpr_at_fpr, ranked, max_fpr=max_fpr),
    }


def _of_predictions(y_true, y_pred, *, fake, metric):
    called_fake = np.asarray(y_pred) == fake_label(y_true, fake)
    return fake_detection_report(y_true, called_fake, pos_label=fake)[metric]


def _of_scores(y_true, y_score, *, fake, metric):
    return fake_detection_report(y_true, _of_fake(y_true, y_score, fake), pos_label=fake)[metric]


def _equal_error_rate(y_true, y_score, *, fake):
    return equal_error_rate(y_true, _of_fake(y_true, y_score, fake), pos_label=fake)


def _tpr_at_fpr(y_true, y_score, *, fake, max_fpr):
    y_score = _of_fake(y_true, y_score, fake)
    return tpr_at_fpr_score(y_true, y_score, max_fpr=max_fpr, pos_label=fake)


def _of_fake(y_true, y_score, fake):
    """Rank by the class fake what ranks by the second of the sorted classes."""
    return y_score if fake_label(y_true, fake) == np.unique(y_true)[-1] else -y_score
