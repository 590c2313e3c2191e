# SPDX-License-Identifier: BSD-3-Clause
"""What the elements of X are made from: files, or images in memory."""

from .._recipe import Recipe
from ..video import VideoFrame


def source_of(element):
    """Return the file or the image that an element of X is made from, such as a frame's video."""
    element = _without_changes(element)
    return element.path if isinstance(element, VideoFrame) else element


def video_of(element):
    """Return the path of the video that an element of X is a frame of; None for another image."""
    element = _without_changes(element)
    return element.path if isinstance(element, VideoFrame) else None


def _without_changes(element):
    """Return the image that was cropped or perturbed."""
    while isinstance(element, Recipe):
        element = element.source
    return element
