# SPDX-License-Identifier: BSD-3-Clause
"""Faces found in images, kept by the content of the images: in memory, and in a folder if given."""

import hashlib
from typing import NamedTuple

import joblib
import numpy as np

from .._cache import BoundedCache
from .._record_folder import open_folder
from ..images import DECODER_VERSION

# To be raised when results change, because they are kept on disk.
_VERSION = 1
# A face is its box, its score and the x and y of five landmarks.
N_NUMBERS = 4 + 1 + 10
# Pixels; a larger face would be outside the images that are searched.
_LARGEST_FACE = 2**14
_MEMORY_BYTES = 32 * 2**20
_OVERHEAD = 300

# Shared by all detections of this process: arrays of shape (n_faces, N_NUMBERS).
_known_faces = BoundedCache(_MEMORY_BYTES, size_of=lambda faces: faces.nbytes + _OVERHEAD)


class Search(NamedTuple):
    """What is looked for; see `detect_faces`."""

    min_size: float
    score_threshold: float


class FaceRecords:
    """The faces that one search has found in images.

    Parameters
    ----------
    search : Search
    memory : None, str, path-like or joblib.Memory
        Folder on disk. None for memory only.
    """

    def __init__(self, search, memory):
        numbers = [float(number) for number in search]
        text = f"faces by dlib {_VERSION} {numbers} {DECODER_VERSION}"
        self._configuration = hashlib.sha256(text.encode()).digest()
        location = memory.location if isinstance(memory, joblib.Memory) else memory
        self._folder = None if location is None else open_folder(location, self._configuration)
        if self._folder is not None:
            self._folder.refresh()

    def find(self, digest):
        """Return the faces of an image, (n_faces, N_NUMBERS), or None if it was not searched."""
        key = self._configuration + digest
        faces = _known_faces.get(key)
        if faces is None and self._folder is not None:
            faces = next(self._folder.read(digest, _unpack), None)
            if faces is not None:
                _known_faces.put(key, faces)
        return faces

    def put(self, found):
        """Keep the faces of some images: pairs of digest and array."""
        for digest, faces in found:
            _known_faces.put(self._configuration + digest, faces)
        if found and self._folder is not None:
            self._folder.write_or_warn([(digest, _pack(faces)) for digest, faces in found])


def _pack(faces):
    return faces.astype("<f8").tobytes()


def _unpack(data):
    faces = np.frombuffer(data, "<f8").astype(np.float64).reshape(-1, N_NUMBERS)
    points = np.delete(faces, 4, axis=1).reshape(-1, 7, 2)
    if not (np.isfinite(faces).all() and (np.ptp(points, axis=1) < _LARGEST_FACE).all()):
        raise ValueError("a face is larger than images are")
    return faces
