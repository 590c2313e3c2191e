# SPDX-License-Identifier: BSD-3-Clause
"""From a decoded PIL image of any mode to upright RGB pixels of several sizes."""

import numpy as np
from PIL import Image

from .._resampling import stretch
from ._errors import ImageError

# How to turn an image of each EXIF orientation upright. ImageOps.exif_transpose would also rewrite
# the other EXIF data, and fails if these are damaged.
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Larger arrays are filled strip by strip, because Pillow copies what it converts twice.
_STRIP_BYTES = 2**22


def to_pixels(image, name, image_sizes, *, is_own):
    """Convert a decoded image to RGB, upright, and stretch it to each size (None: its own).

    If the image belongs to nobody else (`is_own`), its memory is freed as soon as possible.
    """
    # Pillow reads 16-bit PGM files into 32-bit integers that reach from 0 to 65535.
    sixteen_bit = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    if image.mode in ("I", "F") and not sixteen_bit:
        raise ImageError(
            name,
            f"32-bit grey images (mode {image.mode!r}) have no agreed scale; convert it to 8 or "
            "16 bits per channel",
        )
    for step in (_turn_upright, *[_to_8_bits] * sixteen_bit, _to_rgb):
        before, image = image, step(image)
        if image is not before:
            if is_own:
                before.close()
            is_own = True
    return tuple(_to_array(stretch(image, size), np.asarray) for size in image_sizes)


def is_stored_upright(image):
    """Whether the EXIF data that are known so far do not say that the image is to be turned."""
    return _orientation(image) not in _UPRIGHT


def _turn_upright(image):
    upright = _UPRIGHT.get(_orientation(image))
    return image if upright is None else image.transpose(upright)


def _orientation(image):
    # An image with damaged EXIF data is read as if it had none.
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1


def _to_8_bits(image):
    def scale(strip):
        return ((np.asarray(strip).astype(np.uint32) + 128) // 257).astype(np.uint8)

    return Image.fromarray(_to_array(image, scale))


def _to_rgb(image):
    if image.mode == "RGB":
        return image
    if "transparency" in image.info:  # convert() would try to keep it, and warn
        image = image.copy()
        del image.info["transparency"]
    if image.mode in ("La", "RGBa"):  # premultiplied alpha, with only one possible conversion
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    return image.convert("RGB")


def _to_array(image, convert):
    """Make an array of what ``convert(strip)`` returns for the strips of an image."""
    n_rows = max(1, _STRIP_BYTES // (4 * image.width))
    if n_rows >= image.height:
        return np.array(convert(image))
    strips = (
        convert(image.crop((0, top, image.width, min(top + n_rows, image.height))))
        for top in range(0, image.height, n_rows)
    )
    first = next(strips)
    array = np.empty((image.height, *first.shape[1:]), first.dtype)
    array[:n_rows] = first
    for number, strip in enumerate(strips, start=1):
        array[number * n_rows :][: len(strip)] = strip
    return array
