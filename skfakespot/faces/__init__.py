"""Faces in photographs: where they are, and their landmarks."""

from ._detection import detect_faces

__all__ = ["detect_faces"]
