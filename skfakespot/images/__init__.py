# SPDX-License-Identifier: BSD-3-Clause
"""The images in X: their types, their content, and reading them in batches of pixels."""

from .._perturbations import PerturbedImage
from ._batches import Batch
from ._containers import VIDEO_FORMATS, VIDEO_SUFFIXES, is_video, is_video_content
from ._content import DECODER_VERSION, digest_file
from ._decode import load_image
from ._errors import ImageError, UnreadableImageWarning
from ._headers import Header, read_header
from ._lazy import LazyImage
from ._limits import too_many_pixels
from ._samples import as_samples
from ._unreadable import find_unreadable

__all__ = [
    "DECODER_VERSION",
    "VIDEO_FORMATS",
    "VIDEO_SUFFIXES",
    "Batch",
    "Header",
    "ImageError",
    "LazyImage",
    "PerturbedImage",
    "UnreadableImageWarning",
    "as_samples",
    "digest_file",
    "find_unreadable",
    "is_video",
    "is_video_content",
    "load_image",
    "read_header",
    "too_many_pixels",
]
