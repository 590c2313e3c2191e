"""Upright crops of faces: the map from a crop to the image, and the crop in one resampling."""

import math

import numpy as np
from PIL import Image

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


def crop_image(image, crop_map, size):
    """Crop an image in one resampling, bicubic, with antialiasing where the crop is coarser.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
    crop_map : ndarray of shape (2, 3)
        From the crop to the image, see `map_aligned_crop`.
    size : int
        Side of the crop, in pixels.

    Returns
    -------
    crop : ndarray of shape (size, size, 3), uint8
        Black outside the image.
    """
    matrix, shift = crop_map[:, :2], crop_map[:, 2]
    # Each pixel of the crop is the mean of so many samples in a row and in a column that none of
    # the image's pixels is skipped.
    n_samples = max(1, math.ceil(math.sqrt(abs(np.linalg.det(matrix))) - 1e-6))
    # Pillow counts from the corner of the first pixel.
    shift = shift - matrix.sum(axis=1) / 2 + 0.5
    coefficients = np.column_stack([matrix / n_samples, shift]).ravel()
    sampled = Image.fromarray(image).transform(
        (size * n_samples, size * n_samples),
        Image.Transform.AFFINE,
        tuple(coefficients),
        Image.Resampling.BICUBIC,
    )
    return np.array(sampled.reduce(n_samples))
