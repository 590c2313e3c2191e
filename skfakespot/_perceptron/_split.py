# SPDX-License-Identifier: BSD-3-Clause
"""Splits the training data into a part to train on and a part to validate on."""

import numpy as np


def validation_split(y, groups, fraction, seed):
    """Return the indices to train on and to validate on, stratified by y.

    With groups, no group has samples in both parts. The validation part is then one fold of k,
    with k = 1 / fraction rounded, so that its size is approximate.
    """
    from sklearn.model_selection import StratifiedGroupKFold, train_test_split

    classes, y = np.unique(y, return_inverse=True)
    n_classes = len(classes)
    indices = np.arange(len(y))
    if groups is None:
        n_validation = int(np.ceil(fraction * len(y)))
        if min(n_validation, len(y) - n_validation) < n_classes or np.bincount(y).min() < 2:
            raise ValueError(
                f"early_stopping=True validates on validation_fraction={fraction} of the "
                f"samples, stratified by class. X holds too few samples for it, {len(y)} of "
                f"{n_classes} classes. Give more samples, another validation_fraction, or X_val "
                "and y_val."
            )
        return train_test_split(indices, test_size=n_validation, stratify=y, random_state=seed)
    n_folds = max(2, round(1 / fraction))
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    if len(np.unique(groups)) >= n_folds and np.bincount(y).min() >= n_folds:
        for train, validation in folds.split(indices, y, groups):
            if len(np.unique(y[train])) == len(np.unique(y[validation])) == n_classes:
                return train, validation
    raise ValueError(
        f"early_stopping=True could not validate on validation_fraction={fraction} of the "
        f"samples: with undivided groups, a part lacks a class. There are "
        f"{len(np.unique(groups))} groups, {len(y)} samples and {n_classes} classes. Give more "
        "groups, a larger validation_fraction, or X_val and y_val."
    )
