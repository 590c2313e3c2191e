# SPDX-License-Identifier: BSD-3-Clause
"""Stretching an image to a size, by Pillow's antialiased bicubic filter."""

import numpy as np
from PIL import Image


def stretch(image, image_size):
    """Stretch a PIL image to a height and width; None keeps its size."""
    if image_size is None or image.size == image_size[::-1]:
        return image
    return image.resize(image_size[::-1], Image.Resampling.BICUBIC)


def stretch_pixels(pixels, image_sizes):
    """Stretch pixels (H, W, 3), uint8, to each of several sizes; None keeps their size."""
    return tuple(
        pixels
        if size in (None, pixels.shape[:2])
        else np.array(stretch(Image.fromarray(pixels), size))
        for size in image_sizes
    )
