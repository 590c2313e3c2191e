# SPDX-License-Identifier: BSD-3-Clause
"""The pyramid of an image: smaller and smaller copies, laid out on one sheet as dlib does."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

# Each level has 5/6 of the sides of the one before.
_RATE = 5 / 6
_SMALLEST_HEIGHT = 5
_GAP = 10
_MARGIN = 11
# Preprocessed at once, which takes little memory.
_ROWS = 256


class Level(NamedTuple):
    """Where one level lies on the sheet, in pixels."""

    left: int
    top: int
    width: int
    height: int


class Layout(NamedTuple):
    """Size of the sheet, in pixels, and the levels on it, the largest first."""

    height: int
    width: int
    levels: list[Level]


def lay_out(height, width):
    """Arrange the levels of an image of this size in two columns, the second one from below."""
    sizes = _sizes_of_levels(height, width)
    n_left, column = _left_column(sizes)
    levels, y = [], _MARGIN
    for level_height, level_width in sizes[:n_left]:
        levels.append(Level(_MARGIN, y, level_width, level_height))
        y += level_height + _GAP
    bottom = y - _GAP
    for level_height, level_width in sizes[n_left:]:
        level = Level(
            _MARGIN + width - level_width, bottom - level_height, level_width, level_height
        )
        if level.top < _MARGIN + height:  # the image itself is in the way
            break
        levels.append(level)
        bottom = level.top - _GAP
    return Layout(column + 2 * _MARGIN, width + 2 * _MARGIN, levels)


def _sizes_of_levels(height, width):
    sizes = [(height, width)]
    while True:
        height, width = math.floor(_RATE * height), math.floor(_RATE * width)
        if width == 0 or height < _SMALLEST_HEIGHT:
            return sizes
        sizes.append((height, width))


def _left_column(sizes):
    """Return how many levels are in the first column, and its height."""
    height, width = sizes[0]
    remaining = sum(level_height + _GAP for level_height, _ in sizes) - 2 * _GAP - height
    column, width_above = 0, 0
    for n_left, (level_height, level_width) in enumerate(sizes):
        fits_beside = level_width <= width - width_above - _GAP
        if fits_beside and 2 * (column - height) >= remaining:
            return n_left, column - _GAP
        column += level_height + _GAP
        width_above = level_width
    return len(sizes), column - _GAP


def draw_sheets(images, layout, preprocess):
    """Draw the levels of each image on a sheet of zeros.

    `images` are (height, width, 3), uint8; `preprocess` makes float32 of a batch of them. The
    sheets are (n, layout.height, layout.width, 3), float32.
    """
    from ._resize import resize_bilinear  # imports Numba, which takes a second

    sheets = np.zeros((len(images), layout.height, layout.width, 3), dtype=np.float32)
    for image, sheet in zip(images, sheets, strict=True):
        views = [
            sheet[top : top + height, left : left + width]
            for left, top, width, height in layout.levels
        ]
        for row in range(0, len(image), _ROWS):
            rows = slice(row, row + _ROWS)
            views[0][rows] = preprocess(image[None, rows])[0]
        for larger, smaller in pairwise(views):
            resize_bilinear(larger, smaller)
    return sheets


def find_levels(layout, points):
    """Find the level nearest to each point of the sheet; `points` is (n, 2), x and y, int."""
    corners = np.array(layout.levels)[:, None]
    left, top, width, height = np.moveaxis(corners, -1, 0)
    x, y = points.T
    x_distance = np.maximum(np.maximum(left - x, x - (left + width - 1)), 0)
    y_distance = np.maximum(np.maximum(top - y, y - (top + height - 1)), 0)
    return (x_distance**2 + y_distance**2).argmin(axis=0)


def to_image(layout, levels, coordinates):
    """Map coordinates on the sheet, (n, 2k) with x and y in turn, from their levels to the image.

    The small shift at each level is dlib's.
    """
    corners = np.array([(level.left, level.top) for level in layout.levels])[levels]
    coordinates = coordinates - np.tile(corners, coordinates.shape[1] // 2)
    for level in range(1, len(layout.levels)):
        deeper = levels >= level
        coordinates[deeper] = coordinates[deeper] * 1.2 + 0.3
    return coordinates
