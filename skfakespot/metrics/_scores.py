"""Scores of a ranking of images: the TPR at a given FPR, and the equal error rate."""

import numpy as np
from sklearn.metrics import roc_curve
from sklearn.utils.validation import check_consistent_length, column_or_1d

from .._labels import is_fake


def check_scores(y_true, y_score, pos_label):
    """Return where the labels mean fake, and the scores; raise ValueError if they are not valid."""
    fake = is_fake(y_true, pos_label)
    y_score = column_or_1d(y_score, dtype=np.float64)
    check_consistent_length(fake, y_score)
    if not np.isfinite(y_score).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(y_score))} of {y_score.size} scores are NaN or "
            "infinite. Leave these images out, with their labels, and say how many they were."
        )
    return fake, y_score


def tpr_at_fpr_score(y_true, y_score, *, max_fpr=0.01, pos_label=None):
    """Compute the largest true positive rate at a limited false positive rate.

    An image is called fake if its score is at least a threshold. The result is the largest true
    positive rate of all thresholds whose false positive rate is at most `max_fpr`. The ROC curve
    is not interpolated, so there is a threshold that has this true positive rate.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes.
    y_score : array-like of shape (n_samples,)
        Scores of the class fake: the larger, the more likely fake.
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


def equal_error_rate(y_true, y_score, *, pos_label=None):
    """Compute the equal error rate: FPR and FNR at the threshold where they are equal.

    It is the false positive rate at the point of the ROC curve where it equals the false negative
    rate. If no threshold gives equal rates, the curve is interpolated linearly between the two
    neighbouring thresholds.

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
