"""Decoding one image, from a file, its content, a PIL image or an array, into RGB pixels."""

import os
import threading

import numpy as np
from PIL import Image

from .._recipe import Recipe, RecipeError
from .._regular_files import UnreadableFileError, open_regular_file
from .._resampling import stretch, stretch_pixels
from ._errors import ImageError
from ._lazy import LazyImage
from ._opening import open_content, open_image, reason_of
from ._pixels import Scale, check_scale, read_array
from ._sources import as_array, is_file_content, is_path, name_of

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

# X may hold the same PIL image twice, and Image.load() is not thread-safe.
_callers_image_lock = threading.Lock()


def load_image(source, *, name=None):
    """Decode one image into RGB pixels.

    The EXIF orientation is applied; of an animation the first frame is read. Grey, palette, CMYK
    and 1-bit images become RGB, 16-bit grey is scaled by 1/257, and an alpha channel is dropped
    without blending the colours. 32-bit grey images (Pillow's modes "I" and "F") are refused,
    because they have no agreed scale.

    Accepted formats are JPEG, MPO, PNG, WebP, BMP, GIF, TIFF, PPM and, if Pillow supports it,
    AVIF. An image with more pixels than ``PIL.Image.MAX_IMAGE_PIXELS`` is refused before it is
    decoded, unless that limit is ``None``.

    Parameters
    ----------
    source : str, os.PathLike, bytes, io.BytesIO, PIL.Image.Image, \
            array-like of shape (H, W, 3) or (H, W), PerturbedImage, FaceCrop or LazyImage
        The image: the path of a file, the content of a file, or pixels. Arrays are uint8, or other
        integers or floats between 0 and 255; floats are rounded to the nearest integer. Boolean
        arrays are refused.
    name : str, default=None
        Name of the image in error messages. ``None`` means its path, or "image".

    Returns
    -------
    pixels : ndarray of shape (H, W, 3), dtype uint8
        The image, C-contiguous. It may be a view on `source` if that is already such an array.

    Raises
    ------
    ImageError
        If the image cannot be read.
    ValueError
        If it is an array on a scale from 0 to 1.
    TypeError
        If `source` is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.images import load_image
    >>> load_image(np.full((2, 2), 7.4))[0, 0]
    array([7, 7, 7], dtype=uint8)
    """
    name = name or name_of(source) or "image"
    (pixels,), scale = read_pixels(source, name)
    check_scale(scale, name)
    return pixels


def read_pixels(source, name, image_sizes=(None,)):
    """Decode one image and stretch it to each size; also return its `Scale`.

    The pixels are a tuple of arrays, one for each size; None keeps the size of the image.
    """
    if is_path(source):
        return _read_file(os.fsdecode(source), name, image_sizes), Scale()
    if is_file_content(source):
        return _decode(open_content(source, name), name, image_sizes), Scale()
    if isinstance(source, Image.Image):
        with _callers_image_lock:
            return _decode(source, name, image_sizes), Scale()
    if hasattr(source, "__array__"):
        return read_array(as_array(source, name), name, image_sizes)
    if isinstance(source, Recipe):
        return _read_recipe(source, name, image_sizes)
    if isinstance(source, LazyImage):
        return stretch_pixels(source.load(), image_sizes), Scale()
    raise TypeError(
        f"{name} is of type {type(source).__name__}; an image is a path (str or os.PathLike), "
        "the content of a file (bytes or io.BytesIO), a PIL image, an array of shape (H, W, 3) or "
        "(H, W), a PerturbedImage, a FaceCrop or a LazyImage"
    )


def _read_recipe(recipe, name, image_sizes):
    if recipe._reason_missing() is not None:
        raise ImageError(name, recipe._reason_missing())
    (pixels,), scale = read_pixels(recipe.source, name)
    try:
        return recipe._make(pixels, image_sizes), scale
    except RecipeError as error:
        raise ImageError(name, str(error)) from error


def _read_file(path, name, image_sizes):
    try:
        with open_regular_file(path, kind="an image") as file:
            return _decode(open_image(file, path, name), name, image_sizes)
    except (UnreadableFileError, OSError) as error:
        raise ImageError(name, str(error)) from error


def _decode(image, name, image_sizes):
    width, height = image.size
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise ImageError(
            name,
            f"it has {width} x {height} pixels, more than the {limit} that "
            "PIL.Image.MAX_IMAGE_PIXELS allows (a decompression bomb?); raise that limit if you "
            "trust the image",
        )
    try:
        image.load()
        return _pixels(image, name, image_sizes)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(name, reason_of(error)) from error


def _pixels(image, name, image_sizes):
    # Pillow reads 16-bit PGM files into 32-bit integers that reach from 0 to 65535.
    sixteen_bit = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    if image.mode in ("I", "F") and not sixteen_bit:
        raise ImageError(
            name,
            f"32-bit grey images (mode {image.mode!r}) have no agreed scale; convert it to 8 or "
            "16 bits per channel",
        )
    upright = _UPRIGHT.get(_orientation(image))
    if upright is not None:
        image = image.transpose(upright)
    if sixteen_bit:
        values = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode != "RGB":
        if "transparency" in image.info:  # convert() would try to keep it, and warn
            image = image.copy()
            del image.info["transparency"]
        if image.mode in ("La", "RGBa"):  # premultiplied alpha, with only one possible conversion
            image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
        image = image.convert("RGB")
    return tuple(np.array(stretch(image, size)) for size in image_sizes)


def _orientation(image):
    # An image with damaged EXIF data is read as if it had none.
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1
