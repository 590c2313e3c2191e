# SPDX-License-Identifier: BSD-3-Clause
"""Rows without features, such as those of unreadable images, and the label that they get."""

import numpy as np
from scipy.sparse import issparse

_MISSING_TEXT = "unknown"


def missing_rows(X):
    """Return True for each element of X that is None or NaN, or a row of NaN."""
    if issparse(X):
        return np.zeros(X.shape[0], dtype=bool)
    # A list is not made an array, because its images may be large and of different sizes.
    rows = X if isinstance(X, list | tuple | np.ndarray) else np.asarray(X)
    return np.fromiter(map(_is_missing, rows), dtype=bool, count=len(rows))


def _is_missing(row):
    if isinstance(row, np.ndarray | list | tuple):
        row = np.asarray(row)
        if row.dtype == object:
            return row.size > 0 and all(map(_is_missing, row.flat))
        return row.dtype.kind == "f" and row.size > 0 and bool(np.isnan(row).all())
    return row is None or (isinstance(row, float | np.floating) and bool(np.isnan(row)))


def missing_label(classes):
    """Return the label of a row without features, which is none of the classes.

    It is "unknown" where labels are text, and -1 where they are numbers; NaN if -1 is a class.
    """
    classes = np.asarray(classes)
    if classes.dtype.kind in "biuf":
        return np.nan if -1 in classes else -1
    if _MISSING_TEXT in classes.tolist():
        raise ValueError(
            f"{_MISSING_TEXT!r} is the label of images that cannot be scored, but it is one of the "
            f"classes {classes.tolist()}. Give that class another name."
        )
    return _MISSING_TEXT


def is_missing_label(labels, classes):
    """Return True for each predicted label that is `missing_label` of the classes."""
    label = missing_label(classes)
    labels = np.asarray(labels)
    return np.isnan(labels) if label is np.nan else labels == label


def labels_with_missing(labels, missing, classes):
    """Return the labels of all rows: those given, and `missing_label` where rows are missing."""
    labels = np.asarray(labels)
    if not missing.any():
        return labels
    label = np.array([missing_label(classes)])
    all_labels = np.empty(len(missing), dtype=np.result_type(labels, label))
    all_labels[missing], all_labels[~missing] = label, labels
    return all_labels
