# SPDX-License-Identifier: BSD-3-Clause
"""Pixels of the frames of videos: their number, and turning them upright."""

import struct

import numpy as np

from ..images import ImageError, too_many_pixels


def check_size(width, height, name):
    """Raise ImageError if a frame has more pixels than an image may have."""
    excess = too_many_pixels(width, height)
    if excess is not None:
        raise ImageError(name, f"its frames have {excess}")


def turn_upright(pixels, display_matrix):
    """Rotate and flip a frame as its display matrix (36 bytes) says, by multiples of 90 degrees.

    The matrix maps the column x and the row y of a pixel, as numbers of 16.16 bits, to the place
    where it is shown: x' = a x + c y and y' = b x + d y.
    """
    a, b, _, c, d = struct.unpack("=5i", display_matrix[:20])
    if abs(a) + abs(d) < abs(b) + abs(c):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    if a < 0:
        pixels = pixels[:, ::-1]
    if d < 0:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
