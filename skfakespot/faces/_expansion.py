# SPDX-License-Identifier: BSD-3-Clause
"""Crops of all faces in place of the images in X."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch, check_consistent_length

from ._cropper import FaceCropper
from ._records import N_NUMBERS
from ._search import split_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Images


def expand_faces(
    X: Images,
    y: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    *,
    cropper: FaceCropper | None = None,
) -> Bunch:
    """Put crops of all faces in place of the images in X.

    `FaceCropper` keeps one row for each image, that of its largest face. The result of this
    function has a row for each face. An image without a face has one row, as the `on_no_face` of
    the cropper says. An image that cannot be read stays as it is, so that the ``on_error`` of an
    estimator decides.

    .. versionadded:: 0.1

    Parameters
    ----------
    X : array-like of shape (n_images, ...)
        Images; see `FaceCropper.fit`.
    y : array-like of shape (n_images,) or None, default=None
        Their labels.
    groups : array-like of shape (n_images,) or None, default=None
        Their groups for cross-validation, such as the people; None to make each image a group.
    cropper : FaceCropper or None, default=None
        What finds the faces and cuts them out, fitted or not; None for ``FaceCropper()``.

    Returns
    -------
    faces : sklearn.utils.Bunch
        The rows are in the order of the images, and of the faces of an image, the largest comes
        first. With these attributes:

        data : ndarray of shape (n_faces,), object
            A `FaceCrop` for each face, or what replaces an image without one.
        target : ndarray of shape (n_faces,)
            The label of each face, that of its image; missing if `y` is None.
        groups : ndarray of shape (n_faces,)
            The group of each face, that of its image.
        image : ndarray of shape (n_faces,), int64
            The position in X of the image of each face: the ``groups`` of
            `skfakespot.video.VideoClassifier` and `skfakespot.video.aggregate_scores`.
        boxes : ndarray of shape (n_faces, 4), float64
            The boxes of `detect_faces`, in pixels. They, the scores and the landmarks are NaN in
            the row of an image without a face.
        scores : ndarray of shape (n_faces,), float64
            How certain the detector is.
        landmarks : ndarray of shape (n_faces, 5, 2), float64
            The landmarks of `detect_faces`, in pixels.

    Raises
    ------
    ImageError
        A ValueError: an image has no face, and the cropper has ``on_no_face="raise"``.
    ValueError
        If the cropper has ``crop=None``, which cuts out nothing, or if lengths differ.
    TypeError
        If `cropper` is not a `FaceCropper`.

    Warns
    -----
    NoFaceWarning
        If an image has no face, and the cropper has ``on_no_face="whole"``.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.faces import expand_faces
    >>> faces = expand_faces(np.zeros((2, 100, 120, 3), dtype="uint8"), ["real", "fake"])
    >>> faces.data[0].reason
    'no face was found in it'
    >>> faces.target, faces.image
    (array(['real', 'fake'], dtype='<U4'), array([0, 1]))
    """
    cropper = FaceCropper() if cropper is None else cropper
    if not isinstance(cropper, FaceCropper):
        raise TypeError(f"cropper={cropper!r}; accepted are None and a FaceCropper.")
    if cropper.crop is None:
        raise ValueError(f"{cropper!r} cuts out nothing; give crop='aligned' or crop='box'.")
    samples = cropper._check_X(X)
    check_consistent_length(range(len(samples)), y, groups)
    data, positions, numbers = [], [], []
    for position, (elements, found) in enumerate(cropper._replace_images(samples)):
        data += elements
        positions += [position] * len(elements)
        numbers += list(found) or [np.full(N_NUMBERS, np.nan)]
    image = np.array(positions, dtype=np.int64)
    boxes, scores, landmarks = split_numbers(np.reshape(numbers, (len(data), N_NUMBERS)))
    faces = Bunch(
        data=np.array([*data, None], dtype=object)[:-1],
        groups=image if groups is None else np.asarray(groups)[image],
        image=image,
        boxes=boxes,
        scores=scores,
        landmarks=landmarks,
    )
    if y is not None:
        faces.target = np.asarray(y)[image]
    return faces
