from sklearn.metrics import roc_curve

from ._inputs import check_scores


def tpr_at_fpr_score(y_true, y_score, *, max_fpr=0.01, pos_label=None):
    """Compute the share of fakes that are found when few real images may be called fake.

    An image is called fake where its score is at least a threshold. This is the largest true
    positive rate of all thresholds whose false positive rate is at most `max_fpr`. Images of one
    score fall on one side together; nothing is interpolated, so that there is a threshold which
    attains the result.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes.
    y_score : array-like of shape (n_samples,)
        Scores of the class fake: the larger, the more likely fake.
    max_fpr : float, default=0.01
        Largest share of real images that may be called fake, in [0, 1]. With fewer than
        ``1 / max_fpr`` real images, none may be.
    pos_label : int, float, bool or str, default=None
        The label of fake; None where the labels are 0 and 1, False and True, or "real" and "fake".

    Returns
    -------
    tpr : float
        In [0, 1]; 0 where no threshold but one above all scores is allowed.

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
    """Compute the error rate where as large a share of real as of fake images is judged wrongly.

    It is the false positive rate at the point where the ROC curve, its points joined by straight
    lines, meets the line on which it equals the false negative rate. Where no threshold gives
    equal rates, this is what tossing a coin of the right bias between the two neighbouring
    thresholds gives; images of one score fall on one side of a threshold together, as for the
    area under the same curve.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes.
    y_score : array-like of shape (n_samples,)
        Scores of the class fake: the larger, the more likely fake.
    pos_label : int, float, bool or str, default=None
        The label of fake; None where the labels are 0 and 1, False and True, or "real" and "fake".

    Returns
    -------
    rate : float
        In [0, 1]: 0 where a threshold separates the classes, 0.5 where all scores are equal.

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
    # Falls from 1 to -1 as the threshold falls.
    difference = (1 - tpr) - fpr
    after = int((difference <= 0).argmax())
    before = after - 1
    share = difference[before] / (difference[before] - difference[after])
    return float(fpr[before] + share * (fpr[after] - fpr[before]))
