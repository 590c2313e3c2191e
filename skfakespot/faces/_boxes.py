# SPDX-License-Identifier: BSD-3-Clause
"""Boxes of faces: from scores on a sheet to pixels of the image, one box for each face.

A box is left, top, right and bottom, int64. The pixels right and bottom belong to it, as in dlib.
"""

import numpy as np

from ._network import CENTER, STRIDE
from ._pyramid import find_levels, to_image


def find_boxes(scores, layout, window, threshold):
    """Boxes around the places of a sheet that score more than `threshold`, the best first.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns), float32
    layout : Layout
    window : int
        Side of a box on the sheet, in pixels.
    threshold : float

    Returns
    -------
    boxes : ndarray of shape (n_boxes, 4), int64
    scores : ndarray of shape (n_boxes,), float64
    """
    rows, columns = np.nonzero(scores > threshold)
    scores = scores[rows, columns].astype(np.float64)
    order = np.argsort(-scores, kind="stable")
    centers = np.stack([columns, rows], axis=1)[order] * STRIDE + CENTER
    half = (window - 1) / 2
    corners = np.hstack([centers - half, centers + half])
    boxes = to_image(layout, find_levels(layout, centers), corners)
    return round_half_away(boxes), scores[order]


def round_half_away(values):
    """Round to int64; halves are rounded away from zero, as in C."""
    return np.copysign(np.floor(np.abs(values) + 0.5), values).astype(np.int64)


def suppress_overlaps(boxes, max_overlap):
    """Positions of the boxes that overlap no better one; the boxes are sorted, the best first."""
    kept = np.empty(0, dtype=np.intp)
    for position, box in enumerate(boxes):
        if not (_overlap(box, boxes[kept]) > max_overlap).any():
            kept = np.append(kept, position)
    return kept


def _overlap(box, others):
    """Overlap of a box with each other, as a share of the smallest box around both."""
    first, second = box[:2], box[2:]
    inner = [np.maximum(first, others[:, :2]), np.minimum(second, others[:, 2:])]
    outer = [np.minimum(first, others[:, :2]), np.maximum(second, others[:, 2:])]
    return areas(np.hstack(inner)) / areas(np.hstack(outer))


def areas(boxes):
    """Number of pixels of each box; 0 if its right or bottom side is before the other one."""
    sides = boxes[..., 2:] - boxes[..., :2] + 1
    return np.maximum(sides, 0).prod(axis=-1)
