# SPDX-License-Identifier: BSD-3-Clause
"""Labels and scores of the class fake, validated; the label is found, or given by the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length, column_or_1d

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ._typing import Label


def fake_label(labels: ArrayLike, pos_label: Label | None = None) -> Label:
    """Return which of two labels means fake.

    .. versionadded:: 0.1

    Parameters
    ----------
    labels : array-like
        The two classes, or labels of these classes.
    pos_label : int, float, bool or str, default=None
        The label of fake, if it is known.

    Returns
    -------
    label : int, float, bool or str
        `pos_label` if it is given, otherwise the label 1, True or "fake" (in upper or lower case).

    Raises
    ------
    ValueError
        If `pos_label` is not among the labels, or it is not given and no label is 1, True or
        "fake".

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


def real_label(labels):
    """Return the label that means real: 0, False or "real" (in upper or lower case)."""
    classes = np.unique(np.asarray(labels)).tolist()
    for label in classes:
        if _means_real(label):
            return label
    raise ValueError(
        f"The labels {classes} do not tell which one means real. Give pos_label, the label of "
        "fake, or use 0 for real."
    )


def _means_real(label):
    return label == 0 or (isinstance(label, str) and label.lower() == "real")


def is_fake(y_true, pos_label):
    """Return True where a label means fake; raise ValueError if there are not two classes."""
    y_true = column_or_1d(y_true)
    if type_of_target(y_true) != "binary" or len(np.unique(y_true)) != 2:
        raise ValueError(
            f"y_true holds {len(np.unique(y_true))} classes; images of exactly two are needed, "
            "real and fake."
        )
    return y_true == fake_label(y_true, pos_label)


def is_real(y):
    """Return True where a label means real; all labels may be 0, False or "real"."""
    y = column_or_1d(y)
    classes = np.unique(y).tolist()
    if len(classes) == 1 and _means_real(classes[0]):
        return np.ones(len(y), dtype=bool)
    return ~is_fake(y, None)


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
