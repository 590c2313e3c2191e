# SPDX-License-Identifier: BSD-3-Clause
"""Enlarging or reducing an image so that the smallest face that is looked for fits the detector."""

import math

import numpy as np
from PIL import Image

from ._boxes import round_half_away


class Scaling:
    """How often the sides of an image are doubled, or by how much they are divided.

    Parameters
    ----------
    min_size : float
        Side of the smallest face that is looked for, in pixels of the image.
    window : int
        Side of the smallest face that the detector finds, in pixels.
    """

    def __init__(self, min_size, window):
        self.n_doublings = max(0, math.ceil(math.log2(window / min_size)))
        self.divisor = 2 ** max(0, math.floor(math.log2(min_size / window)))

    def size(self, height, width):
        """Size of a scaled image."""
        for _ in range(self.n_doublings):
            height, width = 2 * height + 1, 2 * width + 2
        return math.ceil(height / self.divisor), math.ceil(width / self.divisor)

    def scale(self, image):
        """Scale an image, (height, width, 3), uint8; dlib enlarges it in the same way."""
        from ._resize import resize_bilinear  # imports Numba, which takes a second

        for _ in range(self.n_doublings):
            height, width, _ = image.shape
            enlarged = np.empty((2 * height + 1, 2 * width + 2, 3), dtype=np.float32)
            resize_bilinear(image.astype(np.float32), enlarged)
            image = enlarged.astype(np.uint8)
        if self.divisor > 1:
            image = np.asarray(Image.fromarray(image).reduce(self.divisor))
        return image

    def unscale(self, boxes):
        """Map boxes, int64 with the pixels right and bottom, to the image that was scaled."""
        boxes = boxes.astype(np.float64)
        for _ in range(self.n_doublings):
            boxes = boxes / 2 - (1.25, 0.75, 1.25, 0.75)  # dlib's shift
        boxes = boxes * self.divisor
        boxes[:, 2:] += self.divisor - 1
        return round_half_away(boxes)
