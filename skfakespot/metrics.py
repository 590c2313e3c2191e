"""The paper's eight metrics; fake is the positive class throughout."""

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length, column_or_1d

CONVENTIONS = ("standard", "paper")


def fake_detection_report(y_true, y_score, *, threshold=0.5, pos_label=None, convention="standard"):
    """Compute the eight metrics of the paper's Table 2.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes.
    y_score : array-like of shape (n_samples,)
        Scores of the class fake: the larger, the more likely fake. Probabilities, or any other
        scores with a `threshold` on their scale.
    threshold : float, default=0.5
        An image counts as fake where its score is at least this.
    pos_label : int, float, bool or str, default=None
        The label of fake; None where the labels are 0 and 1, False and True, or "real" and "fake".
    convention : {"standard", "paper"}, default="standard"
        With ``"standard"``, AP and AUC are computed from the scores, FPR is the share of real
        images that are called fake, and FNR the share of fake images that are called real. With
        ``"paper"``, AP and AUC are computed from the labels after thresholding and FPR and FNR
        change places, as they stand in the paper's Table 2.

    Returns
    -------
    report : dict of str to float
        ``precision``, ``recall``, ``f1``, ``accuracy``, ``ap``, ``auc``, ``fpr``, ``fnr``, each
        in [0, 1]. Precision is 0 where no image is called fake.

    Raises
    ------
    ValueError
        If the labels are not of exactly two classes, scores are not finite, or `pos_label` is
        not one of the labels.

    Examples
    --------
    >>> from skfakespot.metrics import fake_detection_report
    >>> report = fake_detection_report([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
    >>> report["auc"], report["accuracy"]
    (0.75, 0.5)
    >>> fake_detection_report([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], convention="paper")["auc"]
    0.5
    """
    if convention not in CONVENTIONS:
        raise ValueError(f"convention={convention!r}; accepted are 'standard' and 'paper'.")
    is_fake = _is_fake(y_true, pos_label)
    y_score = column_or_1d(y_score, dtype=np.float64)
    check_consistent_length(is_fake, y_score)
    if not np.isfinite(y_score).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(y_score))} of {y_score.size} scores are NaN or "
            "infinite. Leave these images out, with their labels, and say how many they were."
        )
    called_fake = (y_score >= threshold).astype(int)
    ranking = y_score if convention == "standard" else called_fake
    true_real, false_fake, false_real, true_fake = confusion_matrix(is_fake, called_fake).ravel()
    fpr = false_fake / (false_fake + true_real)
    fnr = false_real / (false_real + true_fake)
    report = {
        "precision": precision_score(is_fake, called_fake, zero_division=0),
        "recall": recall_score(is_fake, called_fake),
        "f1": f1_score(is_fake, called_fake),
        "accuracy": accuracy_score(is_fake, called_fake),
        "ap": average_precision_score(is_fake, ranking),
        "auc": roc_auc_score(is_fake, ranking),
        "fpr": fpr if convention == "standard" else fnr,
        "fnr": fnr if convention == "standard" else fpr,
    }
    return {name: float(value) for name, value in report.items()}


def fake_label(labels, pos_label=None):
    """Tell which of two labels means fake.

    Parameters
    ----------
    labels : array-like
        The two classes, or any labels made of them.
    pos_label : int, float, bool or str, default=None
        The answer, if it is known.

    Returns
    -------
    label : object
        `pos_label` if it is given, else 1, True or "fake" (in whatever case it is written).

    Raises
    ------
    ValueError
        If the labels do not tell.

    Examples
    --------
    >>> from skfakespot.metrics import fake_label
    >>> fake_label(["fake", "real"])
    'fake'
    """
    classes = np.unique(np.asarray(labels)).tolist()
    if pos_label is not None:
        if pos_label not in classes:
            raise ValueError(f"pos_label={pos_label!r} is not among the labels {classes}.")
        return pos_label
    for label in classes:
        if label == 1 or (isinstance(label, str) and label.lower() == "fake"):
            return label
    raise ValueError(
        f"The labels {classes} do not tell which one means fake. Give pos_label, or use 0 for "
        "real and 1 for fake."
    )


def _is_fake(y_true, pos_label):
    y_true = column_or_1d(y_true)
    if type_of_target(y_true) != "binary" or len(np.unique(y_true)) != 2:
        raise ValueError(
            f"y_true holds {len(np.unique(y_true))} classes; the eight metrics need images of "
            "exactly two, real and fake."
        )
    return (y_true == fake_label(y_true, pos_label)).astype(int)
