# SPDX-License-Identifier: BSD-3-Clause
"""Maps of small resolution brought onto larger ones, and onto the image that they are of."""

import math

import numpy as np
from PIL import Image


def spread_map(values, size):
    """Spread the values of a map over a grid of another size, so that their sum stays the same.

    Parameters
    ----------
    values : ndarray of shape (rows, columns)
        The map. Its places divide the whole grid evenly.
    size : (int, int)
        Rows and columns of the grid.

    Returns
    -------
    grid : ndarray of shape size, float64
        Each value is divided among the cells around its place, by a triangle in each direction
        that reaches to the neighbouring places.
    """
    down, across = (_shares(*lengths) for lengths in zip(values.shape, size, strict=True))
    return down @ values.astype(np.float64) @ across.T


def _shares(n_places, n_cells):
    """Shares of each cell in each place, (n_cells, n_places); those of a place add up to 1."""
    places = (np.arange(n_cells) + 0.5) * n_places / n_cells - 0.5
    # Beyond the outer places, the map continues as at them.
    places = np.clip(places, 0, n_places - 1)
    # A place narrower than a cell must reach a cell, too.
    reach = max(1.0, n_places / n_cells)
    shares = np.clip(reach - np.abs(places[:, None] - np.arange(n_places)), 0, None)
    return shares / shares.sum(axis=0)


def place_map(values, image_shape, square=None):
    """Bring a map onto the image, by bilinear interpolation.

    Parameters
    ----------
    values : ndarray of shape (rows, columns)
        The map, whose places divide what the network saw evenly.
    image_shape : (int, int)
        Height and width of the image, in pixels.
    square : None or tuple of 4 floats, default=None
        The part of the image that the network saw, as `FaceCrop.square`; None for all of it.

    Returns
    -------
    placed : ndarray of shape image_shape, float32
        NaN outside of the square.
    """
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    width_and_height = image_shape[::-1]
    if square is None:
        return np.asarray(image.resize(width_and_height, Image.Resampling.BILINEAR))
    coefficients = _from_image_to_map(square, values.shape)
    # Pillow does not fill with NaN, so that a map of ones shows what is inside of the square.
    inside = Image.new("F", image.size, 1.0)
    placed, inside = (
        np.array(
            each.transform(
                width_and_height, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR
            )
        )
        for each in (image, inside)
    )
    placed[inside == 0] = np.nan
    return placed


def _from_image_to_map(square, shape):
    """Coefficients of Pillow's affine transform, whose pixels begin at whole numbers."""
    x, y, side, angle = square
    rows, columns = shape
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turn = np.array([[cosine, sine], [-sine, cosine]]) / side
    matrix = turn * [[columns], [rows]]
    # The centre of the first pixel of the image is (0, 0) for the square, but (.5, .5) for Pillow.
    shift = np.array([columns, rows]) / 2 - matrix @ (x + 0.5, y + 0.5)
    return tuple(np.column_stack([matrix, shift]).ravel())
