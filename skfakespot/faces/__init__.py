# SPDX-License-Identifier: BSD-3-Clause
"""Faces in photographs: where they are, their landmarks, and crops of them as images in X."""

from .._crops import FaceCrop, MissingFace
from ._cropper import FaceCropper, NoFaceWarning
from ._detection import detect_faces
from ._display import FaceDisplay
from ._expansion import expand_faces

__all__ = [
    "FaceCrop",
    "FaceCropper",
    "FaceDisplay",
    "MissingFace",
    "NoFaceWarning",
    "detect_faces",
    "expand_faces",
]
