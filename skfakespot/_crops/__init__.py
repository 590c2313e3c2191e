# SPDX-License-Identifier: BSD-3-Clause
"""Crops of faces: a square of an image as a recipe, and its pixels in one resampling.

This room works on arrays of pixels. It knows nothing of files, X, detectors or estimators.
"""

from ._face_crop import FaceCrop, MissingFace
from ._pixels import crop_image, crop_square

__all__ = ["FaceCrop", "MissingFace", "crop_image", "crop_square"]
