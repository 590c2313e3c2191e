# SPDX-License-Identifier: BSD-3-Clause
"""A strict reader of dlib's 5-point landmark model (``shape_predictor``).

The file is a sequence of integers whose number is known, because all trees have the same depth: a
float is two of them, a list is preceded by its length, and a vector by its negative shape.
"""

from typing import NamedTuple

import numpy as np

from ..backbones._backbone import WeightsFormatError
from ..backbones._dlib_stream import Stream

N_LANDMARKS = 5
_N_CASCADES, _N_TREES, _N_SPLITS, _N_PIXELS = 15, 500, 15, 800
_N_LEAVES = _N_SPLITS + 1
_N_COORDINATES = 2 * N_LANDMARKS
_SPLIT_SIZE, _LEAF_SIZE = 2 + 2, 2 + 2 * _N_COORDINATES
_TREE_SIZE = 1 + _N_SPLITS * _SPLIT_SIZE + 1 + _N_LEAVES * _LEAF_SIZE
_VECTOR_SHAPE = (-_N_COORDINATES, -1)
_LARGEST_EXPONENT = 64


class LandmarkModel(NamedTuple):
    """A cascade of regression trees; coordinates are relative to the box of a face.

    Parameters
    ----------
    mean_shape : ndarray of shape (5, 2), float32
        Where the search for the landmarks begins.
    splits : ndarray of shape (15, 500, 15, 2), int64
        The two pixels that each node of a tree compares; node ``i`` leads to ``2 * i + 1`` or
        ``2 * i + 2``.
    thresholds : ndarray of shape (15, 500, 15), float32
        A node leads to the first one if its pixels differ by more than this.
    leaves : ndarray of shape (15, 500, 16, 5, 2), float32
        What is added to the landmarks.
    anchors : ndarray of shape (15, 800), int64
        The landmark next to each pixel.
    offsets : ndarray of shape (15, 800, 2), float32
        From that landmark to the pixel, in `mean_shape`.
    """

    mean_shape: np.ndarray
    splits: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray
    anchors: np.ndarray
    offsets: np.ndarray


def parse_landmark_model(data):
    """Read a `LandmarkModel`; raise a `WeightsFormatError` if the bytes are not of this format."""
    table = _Table(Stream(data).remaining_integers())
    table.expect("version", table.take(1), 1)
    table.expect("shape of the mean face", table.take(2), _VECTOR_SHAPE)
    mean_shape = _floats(table.take(2 * _N_COORDINATES))
    table.expect("number of cascades", table.take(1), _N_CASCADES)
    forests = table.take(_N_CASCADES, 1 + _N_TREES * _TREE_SIZE)
    table.expect("number of trees", forests[:, 0], _N_TREES)
    splits, thresholds, leaves = _read_trees(table, forests[:, 1:])
    table.expect("number of lists of landmarks", table.take(1), _N_CASCADES)
    anchors = table.take(_N_CASCADES, 1 + _N_PIXELS)
    table.expect("number of landmarks in a list", anchors[:, 0], _N_PIXELS)
    table.expect_below("a landmark", anchors[:, 1:], N_LANDMARKS)
    table.expect("number of lists of offsets", table.take(1), _N_CASCADES)
    offsets = table.take(_N_CASCADES, 1 + 4 * _N_PIXELS)
    table.expect("number of offsets in a list", offsets[:, 0], _N_PIXELS)
    table.expect("number of integers left", table.left, 0)
    return LandmarkModel(
        mean_shape.reshape(N_LANDMARKS, 2),
        splits,
        thresholds,
        leaves.reshape(*leaves.shape[:-1], N_LANDMARKS, 2),
        anchors[:, 1:].copy(),
        _floats(offsets[:, 1:]).reshape(_N_CASCADES, _N_PIXELS, 2),
    )


def _read_trees(table, forests):
    trees = forests.reshape(_N_CASCADES, _N_TREES, _TREE_SIZE)
    n_split_integers = _N_SPLITS * _SPLIT_SIZE
    counts = trees[..., [0, 1 + n_split_integers]]
    table.expect("numbers of splits and leaves of a tree", counts, (_N_SPLITS, _N_LEAVES))
    nodes = trees[..., 1 : 1 + n_split_integers].reshape(*trees.shape[:2], _N_SPLITS, _SPLIT_SIZE)
    table.expect_below("a pixel", nodes[..., :2], _N_PIXELS)
    leaves = trees[..., 2 + n_split_integers :]
    leaves = leaves.reshape(*trees.shape[:2], _N_LEAVES, _LEAF_SIZE)
    table.expect("shape of a leaf", leaves[..., :2], _VECTOR_SHAPE)
    thresholds = _floats(nodes[..., 2:])[..., 0]
    return nodes[..., :2].copy(), thresholds, _floats(leaves[..., 2:])


class _Table:
    """Takes integers one block after the other, and checks them."""

    def __init__(self, integers):
        self._integers = integers
        self._position = 0

    @property
    def left(self):
        return len(self._integers) - self._position

    def take(self, *shape):
        size = int(np.prod(shape))
        if size > self.left:
            raise WeightsFormatError(f"it ends {size - self.left} integers too early")
        start = self._position
        self._position += size
        return self._integers[start : self._position].reshape(shape)

    def expect(self, what, found, expected):
        if not np.array_equal(found, np.broadcast_to(expected, np.shape(found))):
            raise WeightsFormatError(f"{what} is not {expected}")

    def expect_below(self, what, found, limit):
        if found.min() < 0 or found.max() >= limit:
            raise WeightsFormatError(f"{what} is not one of {limit}")


def _floats(integers):
    """Turn pairs of mantissa and exponent, along the last axis, into numbers."""
    mantissas, exponents = integers[..., ::2], integers[..., 1::2]
    # dlib marks infinity and NaN by exponents from 32000.
    if np.abs(exponents).max() > _LARGEST_EXPONENT:
        raise WeightsFormatError("a number is not finite, or extreme")
    return np.ldexp(mantissas.astype(np.float64), exponents.astype(np.int32)).astype(np.float32)
