# SPDX-License-Identifier: BSD-3-Clause
"""The five landmarks of a face: a cascade of regression trees moves them to their places."""

import numpy as np

from ._landmark_format import N_LANDMARKS
from ._similarity import fit_similarity


def place_landmarks(model, image, boxes):
    """Find the landmarks in boxes.

    Parameters
    ----------
    model : LandmarkModel
    image : ndarray of shape (height, width, 3), uint8
    boxes : ndarray of shape (n_boxes, 4), int64
        Left, top, right and bottom; the pixels right and bottom belong to the box.

    Returns
    -------
    landmarks : ndarray of shape (n_boxes, 5, 2), float64
        x and y; whole numbers are the centres of pixels.
    """
    origins = boxes[:, None, :2]
    sizes = boxes[:, None, 2:] - origins
    # In float32, because the trees were trained on such numbers.
    shapes = np.repeat(model.mean_shape[None], len(boxes), axis=0)
    trees = (model.splits, model.thresholds, model.leaves)
    for anchors, offsets, *trees_of_cascade in zip(
        model.anchors, model.offsets, *trees, strict=True
    ):
        matrices = fit_similarity(model.mean_shape, shapes)[0].astype(np.float32)
        places = _apply(matrices, offsets) + shapes[:, anchors]
        values = _grey_values(image, origins + places.astype(np.float64) * sizes)
        steps = _walk(values, *trees_of_cascade)
        # One after the other, as dlib adds them, which decides how they are rounded.
        shapes = np.concatenate([shapes[:, None], steps], axis=1).sum(axis=1)
    return origins + shapes.astype(np.float64) * sizes


def _apply(matrices, offsets):
    x, y = offsets.T
    first, second = matrices[:, None, :, 0], matrices[:, None, :, 1]
    return first * x[:, None] + second * y[:, None]


def _grey_values(image, points):
    """Mean of the colours at the pixel nearest to each point; 0 outside the image."""
    x, y = np.moveaxis(np.floor(points + 0.5).astype(np.int64), -1, 0)
    height, width, _ = image.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    colours = image[np.where(inside, y, 0), np.where(inside, x, 0)]
    return np.where(inside, colours.sum(axis=-1, dtype=np.int64) // 3, 0).astype(np.float32)


def _walk(values, splits, thresholds, leaves):
    """Leaf of each tree to which the pixels of a face lead, (n_faces, n_trees, 5, 2)."""
    n_trees, n_splits = thresholds.shape
    face, tree = np.ogrid[: len(values), :n_trees]
    node = np.zeros((len(values), n_trees), dtype=np.intp)
    while node.size and node[0, 0] < n_splits:
        first, second = np.moveaxis(splits[tree, node], -1, 0)
        is_first = values[face, first] - values[face, second] > thresholds[tree, node]
        node = np.where(is_first, 2 * node + 1, 2 * node + 2)
    return leaves[tree, node - n_splits].reshape(len(values), n_trees, N_LANDMARKS, 2)
