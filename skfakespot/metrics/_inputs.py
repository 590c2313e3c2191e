"""Validation of the labels and scores that the metrics are computed from."""

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from .._labels import is_fake


def check_scores(y_true, y_score, pos_label):
    """Validate labels and scores, and return them as arrays.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels of two classes.
    y_score : array-like of shape (n_samples,)
        Scores of the class fake.
    pos_label : None, int, float, bool or str
        The label of fake, if it is known.

    Returns
    -------
    fake : ndarray of shape (n_samples,), bool
        True where the label means fake.
    y_score : ndarray of shape (n_samples,), float64
        The scores.

    Raises
    ------
    ValueError
        If there are not exactly two classes, lengths differ, or scores are not finite.
    """
    fake = is_fake(y_true, pos_label)
    y_score = column_or_1d(y_score, dtype=np.float64)
    check_consistent_length(fake, y_score)
    if not np.isfinite(y_score).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(y_score))} of {y_score.size} scores are NaN or "
            "infinite. Leave these images out, with their labels, and say how many they were."
        )
    return fake, y_score
