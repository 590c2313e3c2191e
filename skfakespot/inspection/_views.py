# SPDX-License-Identifier: BSD-3-Clause
"""What a detector's network sees of the images in X, and where that lies in the images."""

import warnings
from typing import NamedTuple

import numpy as np

from .._crops import FaceCrop
from .._resampling import stretch_pixels
from ..images import UnreadableImageWarning, as_samples, load_image
from ._placement import place_map


class Frame(NamedTuple):
    """Where in an image lies what the network sees.

    Attributes
    ----------
    image_shape : tuple of (int, int)
        Height and width of the image, in pixels.
    square : None or tuple of 4 floats
        The square that a `FaceCrop` cuts out; None if the network sees the whole image.
    """

    image_shape: tuple[int, int]
    square: tuple[float, float, float, float] | None = None

    def place(self, values):
        """Bring a map onto the image; see `place_map`."""
        return place_map(values, self.image_shape, self.square)

    def scaled(self, image, largest=800):
        """Scale the image down, if it is large to draw; return it with its frame."""
        height, width = self.image_shape
        scale = min(1.0, largest / max(height, width))
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        (small,) = stretch_pixels(image, (shape,))
        square = self.square
        if square is not None:
            x, y, side, angle = square
            square = (x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5, side * scale, angle
        return small, Frame(shape, square)

    def around_square(self, image):
        """Cut out the part of the image around the square, if there is one, with its frame."""
        if self.square is None:
            return image, self
        corners = FaceCrop(None, *self.square).corners
        left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
        part = image[top:bottom, left:right]
        x, y, side, angle = self.square
        return part, Frame(part.shape[:2], (x - left, y - top, side, angle))


def see_images(before, X):
    """Let X pass the fitted steps before the network; return the images as `Samples`."""
    for step in before:
        X = step.transform(X)
    samples = as_samples(X)
    if samples.kind == "vector":
        raise ValueError(
            f"X holds {len(samples)} rows of numbers, which have no places that a map could show. "
            "Give images: an array of shape (n, height, width, 3), or a list of paths or images."
        )
    return samples


def source_of(element):
    """Return the image that an element of X shows a part of, or the element itself."""
    return element.source if isinstance(element, FaceCrop) else element


def frame_of(samples, row):
    """Return the `Frame` of a readable image."""
    element = samples[row]
    square = element.square if isinstance(element, FaceCrop) else None
    if samples.kind == "array":
        return Frame(samples.shape[:2])
    return Frame(load_image(source_of(element), name=samples.name(row)).shape[:2], square)


def read_views(samples, image_size, *, batch_size, on_error):
    """Yield batches of what the network sees.

    Images that cannot be read raise their `ImageError` with ``on_error="raise"``. With "nan" they
    are left out, and a warning names each of them at the end.
    """
    failures = {}
    note = failures.__setitem__ if on_error == "nan" else None
    yield from samples.batches(image_size=image_size, batch_size=batch_size, on_error=note)
    for row, error in failures.items():
        warnings.warn(UnreadableImageWarning(error.source, error.reason, row), stacklevel=4)
