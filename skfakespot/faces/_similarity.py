# SPDX-License-Identifier: BSD-3-Clause
"""The rotation, scale and shift that move some points closest to others."""

import numpy as np


def fit_similarity(points, targets):
    """Fit the rotation, scale and shift that move points closest to their targets.

    Parameters
    ----------
    points : ndarray of shape (n_points, 2)
    targets : ndarray of shape (..., n_points, 2)

    Returns
    -------
    matrices : ndarray of shape (..., 2, 2), float64
    shifts : ndarray of shape (..., 2), float64
        A point ``p`` moves to ``matrix @ p + shift``.
    """
    points, targets = points.astype(np.float64), targets.astype(np.float64)
    center, target_centers = points.mean(axis=0), targets.mean(axis=-2)
    x, y = (points - center).T
    target_x, target_y = np.moveaxis(targets - target_centers[..., None, :], -1, 0)
    spread = (x**2 + y**2).sum()
    cosine = (x * target_x + y * target_y).sum(axis=-1) / spread
    sine = (x * target_y - y * target_x).sum(axis=-1) / spread
    rows = [np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)]
    matrices = np.stack(rows, axis=-2)
    return matrices, target_centers - matrices @ center
