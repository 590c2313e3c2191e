# SPDX-License-Identifier: BSD-3-Clause
"""Pixels in arrays: their shape, dtype and scale, checked and made uint8."""

from typing import NamedTuple

import numpy as np

from .._resampling import stretch_pixels
from ._errors import ImageError


def read_array(array, name, image_sizes):
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)):
        hints = {
            1: "; for a grey image take image[..., 0]",
            4: "; drop the alpha channel with image[..., :3]",
        }
        hint = hints.get(array.shape[2], "") if array.ndim == 3 else ""
        if not hint and array.ndim == 3 and array.shape[0] == 3:
            hint = (
                "; move the channels to the last axis with np.moveaxis(image, 0, -1), or "
                "image.permute(1, 2, 0) of a torch tensor"
            )
        raise ImageError(
            name,
            f"an array of shape {array.shape} is not an image; accepted are (H, W, 3) and "
            f"(H, W){hint}",
        )
    if array.size == 0:
        raise ImageError(name, f"an array of shape {array.shape} has no pixels")
    try:
        pixels, scale = to_uint8(array)
    except ValueError as error:
        raise ImageError(name, str(error)) from None
    pixels = to_rgb(pixels, grey=pixels.ndim == 2)
    return stretch_pixels(pixels, image_sizes), scale


def to_rgb(pixels, *, grey):
    """Give grey pixels three equal channels; the result is C-contiguous."""
    if grey:
        return np.repeat(pixels[..., np.newaxis], 3, axis=-1)
    return np.ascontiguousarray(pixels)


class Scale(NamedTuple):
    """What the values of float pixels tell about their scale; the default is for other pixels.

    `peak` is the greatest value. `is_fractional` says whether an image of values up to 1 has some
    between 0 and 1.
    """

    peak: float = 0.0
    is_fractional: bool = False


def check_scale(scale, what):
    """Raise a ValueError for images, described by `what`, that are on a scale from 0 to 1."""
    if scale.peak <= 1 and scale.is_fractional:
        raise ValueError(
            f"{what}: the greatest pixel is {scale.peak:g}, and there are pixels between 0 and 1, "
            "as on a scale from 0 to 1. The scale is 0 to 255, on which all would be black: "
            "multiply X by 255. If the images really are that dark, round them with np.rint(X)"
        )


def to_uint8(values):
    """Convert numbers on the 0-255 scale to uint8; also return their `Scale`."""
    if values.dtype == np.uint8:
        return values, Scale()
    check_pixel_dtype(values.dtype)
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        found = "NaN" if np.isnan(low) or np.isnan(high) else "infinity"
        raise ValueError(f"the pixels contain {found}; accepted are finite values from 0 to 255")
    if low < 0 or high > 255:
        raise ValueError(
            f"the pixels range from {low:g} to {high:g}; accepted is the scale from 0 to 255. "
            + _hint_for_range(low, high)
        )
    if values.dtype.kind == "f":
        is_fractional = high <= 1 and bool(((values > 0) & (values < 1)).any())
        return np.rint(values).astype(np.uint8), Scale(float(high), is_fractional)
    return values.astype(np.uint8), Scale()


def check_pixel_dtype(dtype):
    """Raise a ValueError unless pixels may have this dtype."""
    if dtype.kind == "c":
        raise ValueError("Complex data not supported: pixels are real numbers from 0 to 255")
    if dtype.kind == "b":
        raise ValueError(
            "boolean pixels have no agreed scale; accepted are numbers from 0 to 255. "
            "Convert them with X.astype('uint8') * 255"
        )
    if dtype.kind not in "iuf":
        raise ValueError(f"pixels of dtype {dtype} are not numbers from 0 to 255")


def _hint_for_range(low, high):
    if low >= -1 and high <= 1:
        return "Convert a scale from -1 to 1 with (X + 1) * 127.5"
    if low > -1 and 2 < high < 256:
        return "Clip the values with np.clip(X, 0, 255)"
    if low < 0:
        return "Undo any preprocessing, because the backbone applies its own"
    return "If they are 16-bit pixels, divide them by 257"
