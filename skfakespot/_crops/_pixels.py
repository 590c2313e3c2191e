# SPDX-License-Identifier: BSD-3-Clause
"""The pixels of a crop, from uint8 pixels (H, W, 3), in one resampling."""

import math

import numpy as np
from PIL import Image

# To be raised when results change, because profiles of crops are kept on disk.
VERSION = 1


def crop_square(image, square, size):
    """Crop a square, which may be turned, and scale it to a size in the same resampling.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
    square : tuple of 4 floats
        x and y of the centre, the side, and the angle, as in `FaceCrop`.
    size : (int, int)
        Height and width of the crop, in pixels.

    Returns
    -------
    crop : ndarray of shape (*size, 3), uint8
        Black outside the image.
    """
    x, y, side, angle = square
    height, width = size
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    matrix = side * np.array([[cosine, -sine], [sine, cosine]]) / (width, height)
    shift = (x, y) - matrix @ ((width - 1) / 2, (height - 1) / 2)
    return crop_image(image, np.column_stack([matrix, shift]), size)


def crop_image(image, crop_map, size):
    """Crop an image in one resampling, bicubic, with antialiasing where the crop is coarser.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
    crop_map : ndarray of shape (2, 3)
        ``crop_map @ (column, row, 1)`` is x and y in the image of a pixel of the crop; whole
        numbers are centres of pixels.
    size : (int, int)
        Height and width of the crop, in pixels.

    Returns
    -------
    crop : ndarray of shape (*size, 3), uint8
        Black outside the image.
    """
    matrix, shift = crop_map[:, :2], crop_map[:, 2]
    # Each pixel of the crop is the mean of so many samples in a row and in a column that none of
    # the image's pixels is skipped.
    steps = np.hypot(*matrix)
    across, down = (max(1, math.ceil(step - 1e-6)) for step in steps)
    # Pillow counts from the corner of the first pixel.
    shift = shift - matrix.sum(axis=1) / 2 + 0.5
    coefficients = np.column_stack([matrix / (across, down), shift]).ravel()
    height, width = size
    sampled = Image.fromarray(image).transform(
        (width * across, height * down),
        Image.Transform.AFFINE,
        tuple(coefficients),
        Image.Resampling.BICUBIC,
    )
    return np.array(sampled.reduce((across, down)))
