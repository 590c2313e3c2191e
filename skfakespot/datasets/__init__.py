"""Readers of face data sets: each returns a Bunch of paths (or images) and targets."""

from ._demo import load_demo_faces
from ._folders import load_face_folders

__all__ = ["load_demo_faces", "load_face_folders"]
