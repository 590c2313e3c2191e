# SPDX-License-Identifier: BSD-3-Clause
"""Blurring parts of an image, to see how much they matter to a detector."""

import numpy as np
from PIL import Image, ImageFilter

# Sigma of the blur as a share of the image's longer side. Eyes and mouth are lost, colours stay.
_BLUR = 1 / 20
# Copies of an image that are made at once take at most so many bytes.
_MOST_BYTES = 2**27


def blur(pixels):
    """Return a strongly blurred copy of an image (H, W, 3), uint8."""
    radius = max(pixels.shape[:2]) * _BLUR
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def occlusion_map(pixels, decide, base, grid_size):
    """Map how much the decision value of an image falls where a part of it is blurred.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        The image.
    decide : callable
        Computes the decision values (n_images,) of an array of images.
    base : float
        That of the image.
    grid_size : int
        Number of rows and of columns of the parts.

    Returns
    -------
    falls : ndarray of shape (rows, columns), float64
        The image's decision value less that of the copy in which this part is blurred.
    """
    rows, columns = (np.array_split(np.arange(side), grid_size) for side in pixels.shape[:2])
    parts = [np.ix_(row, column) for row in rows for column in columns]
    blurred = blur(pixels)
    n_at_once = max(1, _MOST_BYTES // pixels.nbytes)
    values = [
        decide(_occluded(pixels, blurred, parts[start : start + n_at_once]))
        for start in range(0, len(parts), n_at_once)
    ]
    return base - np.concatenate(values).reshape(grid_size, grid_size)


def _occluded(pixels, blurred, parts):
    copies = np.repeat(pixels[None], len(parts), axis=0)
    for copy, part in zip(copies, parts, strict=True):
        copy[part] = blurred[part]
    return copies
