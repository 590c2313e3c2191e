# SPDX-License-Identifier: BSD-3-Clause
"""The square around a face that becomes its crop, and the map from the crop to the image."""

import numpy as np

from ._similarity import fit_similarity

# dlib's mean places of the landmarks, as shares of the sides of a crop without padding.
_MEAN_LANDMARKS = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)


def map_aligned_crop(landmarks, size, padding=0.25):
    """Compute the map from an upright square crop to the image, as dlib does.

    The rotation, scale and shift move the mean face closest to the landmarks.

    Parameters
    ----------
    landmarks : ndarray of shape (..., 5, 2)
        As `detect_faces` returns them.
    size : int
        Side of the crop, in pixels.
    padding : float, default=0.25
        What surrounds the mean face at each side, as a share of the face's side.

    Returns
    -------
    maps : ndarray of shape (..., 2, 3), float64
        ``map @ (column, row, 1)`` is x and y in the image; whole numbers are centres of pixels.
    """
    places = size * (padding + _MEAN_LANDMARKS) / (2 * padding + 1)
    matrices, shifts = fit_similarity(places, landmarks)
    # In a crop of dlib, the centre of the first pixel is (0.5, 0.5), but (0, 0) in the image.
    shifts = shifts + matrices.sum(axis=-1) / 2
    return np.concatenate([matrices, shifts[..., None]], axis=-1)


def locate_squares(landmarks, margin, *, turned):
    """Locate the square around each face that becomes its crop.

    Parameters
    ----------
    landmarks : ndarray of shape (n_faces, 5, 2)
        As `detect_faces` returns them.
    margin : float
        What surrounds the mean face at each side, as a share of the face's side.
    turned : bool
        Whether the squares are turned, so that the faces are upright in the crops.

    Returns
    -------
    squares : list of tuple of 4 floats
        x and y of the centre, the side, and the angle, as in `FaceCrop`.
    """
    # The only pixel of such a crop is its centre, and one step is its side.
    maps = map_aligned_crop(landmarks, 1, margin)
    sides = np.hypot(maps[:, 0, 0], maps[:, 1, 0])
    angles = np.degrees(np.arctan2(maps[:, 1, 0], maps[:, 0, 0])) * turned
    return list(map(tuple, np.column_stack([maps[:, :, 2], sides, angles]).tolist()))
