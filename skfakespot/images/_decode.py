"""Decoding one image, from a file, its content, a PIL image or an array, into RGB pixels."""

import io
import os
import threading
from typing import NamedTuple

import numpy as np
from PIL import Image

from .._crops import FaceCrop, MissingFace, crop_square
from .._perturbations import PerturbedImage
from .._regular_files import UnreadableFileError, open_regular_file
from ._containers import is_video_content
from ._errors import ImageError
from ._lazy import LazyImage

# Only formats whose decoders run inside Pillow. EPS, for example, would start Ghostscript.
# The JPEG plugin also opens MPO files.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")
# Otherwise Pillow would import its plugins later, when several threads may need them.
Image.init()

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


def is_path(source):
    return isinstance(source, str | os.PathLike)


def is_file_content(source):
    return isinstance(source, bytes | io.BytesIO)


def content_of(source):
    """Return the bytes of a file that is in memory, wherever the position of a BytesIO is."""
    return source if isinstance(source, bytes) else source.getvalue()


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


def name_of(source):
    """Name in error messages of an image that has a path; None for other images."""
    if isinstance(source, PerturbedImage):
        name = name_of(source.source)
        return name and f"{name} ({source.perturbation})"
    if isinstance(source, FaceCrop | MissingFace):
        return name_of(source.source)
    if isinstance(source, LazyImage):
        return source.name
    return os.fsdecode(source) if is_path(source) else None


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
        return _read_array(as_array(source, name), name, image_sizes)
    if isinstance(source, PerturbedImage):
        return _read_perturbed(source, name, image_sizes)
    if isinstance(source, FaceCrop):
        return _read_crop(source, name, image_sizes)
    if isinstance(source, MissingFace):
        raise ImageError(name, source.reason)
    if isinstance(source, LazyImage):
        return _stretch_pixels(source.load(), image_sizes), Scale()
    raise TypeError(
        f"{name} is of type {type(source).__name__}; an image is a path (str or os.PathLike), "
        "the content of a file (bytes or io.BytesIO), a PIL image, an array of shape (H, W, 3) or "
        "(H, W), a PerturbedImage, a FaceCrop or a LazyImage"
    )


def as_array(source, name):
    """Convert an object with `__array__`, such as a tensor, to a NumPy array."""
    try:
        return np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:
        hint = ""
        if hasattr(source, "detach"):
            hint = (
                ". Convert a tensor with tensor.detach().cpu().numpy(), one of bfloat16 after "
                "tensor.float()"
            )
        raise TypeError(
            f"{name} is of type {type(source).__name__}, which NumPy cannot convert to an array "
            f"({error}){hint}"
        ) from error


def _read_perturbed(image, name, image_sizes):
    (pixels,), scale = read_pixels(image.source, name)
    try:
        pixels = image.perturbation(pixels, image.seed)
    except (OSError, MemoryError) as error:  # such as a side of more than 65535 pixels for JPEG
        raise ImageError(name, f"it cannot be perturbed ({error or 'out of memory'})") from error
    return _stretch_pixels(pixels, image_sizes), scale


def _read_crop(crop, name, image_sizes):
    (pixels,), scale = read_pixels(crop.source, name)
    try:
        if crop.size is not None:
            pixels = crop_square(pixels, crop.square, crop.own_size)
            return _stretch_pixels(pixels, image_sizes), scale
        sizes = (size or crop.own_size for size in image_sizes)
        return tuple(crop_square(pixels, crop.square, size) for size in sizes), scale
    except (ValueError, MemoryError) as error:  # such as more pixels than Pillow can count
        raise ImageError(name, f"it cannot be cropped ({error or 'out of memory'})") from error


def _read_file(path, name, image_sizes):
    try:
        with open_regular_file(path, kind="an image") as file:
            return _decode(open_image(file, path, name), name, image_sizes)
    except (UnreadableFileError, OSError) as error:
        raise ImageError(name, str(error)) from error


def open_content(source, name):
    """Open an image whose file is in memory, without decoding its pixels."""
    try:
        content = content_of(source)
    except ValueError as error:
        raise ImageError(name, f"the io.BytesIO cannot be read ({error})") from error
    if not content:
        raise ImageError(name, "the content is empty (0 bytes)")
    return open_image(io.BytesIO(content), "", name)


def open_image(file, path, name):
    """Open an image in one of `FORMATS`, without decoding its pixels."""
    # Image.open() warns of an oversized image before its size can be checked, and filters of
    # warnings are not thread-safe. It also conceals why a damaged header is refused.
    prefix = file.read(16).ljust(16, b"\0")
    for factory, accept in (Image.OPEN[known] for known in FORMATS if known in Image.OPEN):
        accepted = accept(prefix)
        if isinstance(accepted, str):  # Pillow was built without the library of this format
            raise ImageError(name, accepted)
        if accepted:
            file.seek(0)
            # Pillow's plugins raise many types of errors at a damaged header.
            try:
                return factory(file, path)
            except Exception as error:
                raise ImageError(name, _reason(error)) from error
    if is_video_content(prefix):
        hint = "it is a video; skfakespot.video.expand_videos makes images of the videos in X"
        raise ImageError(name, hint)
    raise ImageError(name, f"it is not an image of a format that is read ({', '.join(FORMATS)})")


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
        raise ImageError(name, _reason(error)) from error


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
    return tuple(np.array(_stretch(image, size)) for size in image_sizes)


def _orientation(image):
    # An image with damaged EXIF data is read as if it had none.
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1


def _stretch(image, image_size):
    if image_size is None or image.size == image_size[::-1]:
        return image
    return image.resize(image_size[::-1], Image.Resampling.BICUBIC)


def _reason(error):
    if isinstance(error, MemoryError):
        return "decoding it takes more memory than there is"
    if isinstance(error, Image.DecompressionBombError | Warning):
        return f"Pillow refuses to decode it ({error})"
    return f"the file is damaged or truncated (Pillow: {error or type(error).__name__})"


def _read_array(array, name, image_sizes):
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
    return _stretch_pixels(pixels, image_sizes), scale


def _stretch_pixels(pixels, image_sizes):
    return tuple(
        pixels
        if size in (None, pixels.shape[:2])
        else np.array(_stretch(Image.fromarray(pixels), size))
        for size in image_sizes
    )


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
