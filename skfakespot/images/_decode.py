# SPDX-License-Identifier: BSD-3-Clause
"""Reading one image, from a file, its content, a PIL image or an array, as RGB pixels."""

from __future__ import annotations

import io
import os
import threading
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from .._recipe import Recipe, RecipeError
from .._regular_files import FileTooLargeError, UnreadableFileError, open_regular_file
from .._resampling import stretch_pixels
from ._budget import FreeShare, budget
from ._conversion import to_pixels
from ._costs import decoding_bytes
from ._digests import digest_array, digest_content, digest_recipe
from ._errors import ImageError
from ._lazy import LazyImage
from ._limits import MAX_BYTES, too_many_pixels
from ._opening import open_content, reason_of
from ._pixels import Scale, check_scale, read_array
from ._sources import as_array, content_of, is_file_content, is_path, name_of, root_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._typing import ImageLike

# What a thread takes of the budget beside the bytes of a large file, before it knows more.
_ORDINARY_BYTES = 16_000_000
# Pixels of an image at its own size that threads may keep until it is needed.
_MOST_PIXEL_BYTES_AHEAD = 4_000_000
# X may hold the same PIL image twice, and Image.load() is not thread-safe.
_callers_image_lock = threading.Lock()


def load_image(source: ImageLike, *, name: str | None = None) -> NDArray[np.uint8]:
    """Decode one image into RGB pixels.

    The EXIF orientation is applied; of an animation the first frame is read. Grey, palette, CMYK
    and 1-bit images become RGB, 16-bit grey is scaled by 1/257, and an alpha channel is dropped
    without blending the colours. 32-bit grey images (Pillow's modes "I" and "F") are refused,
    because they have no agreed scale.

    Accepted formats are JPEG, MPO, PNG, WebP, BMP, GIF, TIFF, PPM and, if Pillow supports it,
    AVIF. An image file of more than 64 million pixels, or one that takes too much memory or time
    to decode, is refused; environment variables change these limits (see "Security" in the user
    guide).

    .. versionadded:: 0.1

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
    reading = read_image(source, Request(name))
    check_scale(reading.scale, name)
    return reading.pixels[0]


class TooLargeToReadAheadError(Exception):
    """An image that is to be read when it is needed, because its pixels take much memory."""


class Reading(NamedTuple):
    """The pixels of an image in each size, their `Scale`, and the digest of its content."""

    pixels: tuple[np.ndarray, ...]
    scale: Scale = Scale()
    digest: bytes | None = None


class Request(NamedTuple):
    """How to read an image.

    Parameters
    ----------
    name : str
        Its name in error messages.
    image_sizes : tuple of (int, int) or None, default=(None,)
        Heights and widths that it is stretched to; None keeps the size of the image.
    finds_digest : bool, default=False
        Whether to digest what is decoded; see `Samples.digests`. The digest of an image that is
        in memory as pixels stays None.
    is_ahead : bool, default=False
        Whether to raise `TooLargeToReadAheadError` for a large file that keeps its size.
    """

    name: str
    image_sizes: tuple = (None,)
    finds_digest: bool = False
    is_ahead: bool = False


def read_image(source, request):
    """Read an element of X as a `Request` says; return a `Reading`."""
    root = root_of(source, request.name)
    if not is_path(root) and not is_file_content(root):
        return _make(source, request, _read_pixels)
    n_bytes, reading = 0, None
    while reading is None:
        n_bytes, reading = _read_file(source, root, request, n_bytes)
    return reading


def _make(source, request, read_root):
    """Make an image of what ``read_root(root, name, image_sizes)`` returns, a `Reading`."""
    name, image_sizes, finds_digest, _ = request
    if isinstance(source, LazyImage) and finds_digest:
        # If its content has vanished meanwhile, the digest is one that no image has.
        return read_root(source, name, image_sizes)._replace(digest=source.digest() or b"")
    if not isinstance(source, Recipe):
        return read_root(source, name, image_sizes)
    of_source = _make(source.source, request._replace(image_sizes=(None,)), read_root)
    # Without an identity, the pixels at their own size are digested.
    is_known = not finds_digest or source._identity() is not None
    try:
        made = source._make(of_source.pixels[0], image_sizes if is_known else (None,))
    except RecipeError as error:
        raise ImageError(name, str(error)) from error
    if is_known:
        digest = None if of_source.digest is None else digest_recipe(of_source.digest, source)
        return Reading(made, of_source.scale, digest)
    return Reading(stretch_pixels(made[0], image_sizes), of_source.scale, digest_array(made[0]))


def _read_pixels(source, name, image_sizes):
    """Read an element of X that is neither a file nor a recipe."""
    if isinstance(source, Image.Image):
        _check_n_pixels(source, name)
        with _callers_image_lock:
            return Reading(_decode(source, name, image_sizes, is_own=False))
    if hasattr(source, "__array__"):
        return Reading(*read_array(as_array(source, name), name, image_sizes))
    if isinstance(source, LazyImage):
        return Reading(stretch_pixels(source.load(), image_sizes))
    raise TypeError(
        f"{name} is of type {type(source).__name__}; an image is a path (str or os.PathLike), "
        "the content of a file (bytes or io.BytesIO), a PIL image, an array of shape (H, W, 3) or "
        "(H, W), a PerturbedImage, a FaceCrop or a LazyImage"
    )


def _read_file(source, root, request, n_bytes):
    """Return the memory that it takes to read a file, and a `Reading` if it was `n_bytes` or free.

    The file is read into memory first, so that what is digested is what is decoded.
    """
    name, limit = request.name, MAX_BYTES.get()
    file, n_file_bytes = open_file(root, name, limit)
    with file, _share_of(max(n_bytes, n_file_bytes), limit) as share:
        opened = open_content(read_file(file, n_file_bytes, name), name)
        n_pixels = _check_n_pixels(opened.image, name)
        is_large = 3 * n_pixels > _MOST_PIXEL_BYTES_AHEAD
        if request.is_ahead and is_large and None in request.image_sizes:
            raise TooLargeToReadAheadError
        is_recipe = isinstance(source, Recipe)
        own_sizes = (None,) if is_recipe else request.image_sizes
        n_bytes = _check_n_bytes(opened, own_sizes, limit, name)
        if is_recipe:
            n_bytes = min(limit, n_bytes + source._bytes_a_pixel() * n_pixels)
        if not share.enlarge(n_bytes):
            return n_bytes, None

        def decode(_root, name, image_sizes):
            digest = digest_content(opened.content) if request.finds_digest else None
            return Reading(_decode(opened.image, name, image_sizes, is_own=True), digest=digest)

        return n_bytes, _make(source, request, decode)


def _share_of(n_bytes, limit):
    if n_bytes <= min(limit, FreeShare.MAX_BYTES):
        return FreeShare()
    return budget.share(min(limit, n_bytes + _ORDINARY_BYTES), limit)


def open_file(root, name, max_bytes):
    """Open the file of a path, or of content in memory; return it and its number of bytes.

    A file that cannot be opened, or that is larger than `max_bytes`, raises ImageError.
    """
    if is_file_content(root):
        try:
            content = content_of(root)
        except ValueError as error:
            raise ImageError(name, f"the io.BytesIO cannot be read ({error})") from error
        return io.BytesIO(content), len(content)
    try:
        file = open_regular_file(os.fsdecode(root), kind="an image", max_bytes=max_bytes)
    except FileTooLargeError as error:
        remedy = f"set the environment variable {MAX_BYTES.variable} to accept it"
        raise ImageError(name, f"{error}; {remedy}") from error
    except UnreadableFileError as error:
        raise ImageError(name, str(error)) from error
    return file, os.fstat(file.fileno()).st_size


def read_file(file, n_bytes, name):
    """Read the content of a file; raise ImageError if its disk cannot."""
    try:
        return file.read(n_bytes)
    except OSError as error:
        raise ImageError(name, str(error)) from error


def _check_n_pixels(image, name):
    """Return how many pixels an image has; raise ImageError if it is more than the limit."""
    excess = too_many_pixels(*image.size)
    if excess is not None:
        raise ImageError(name, f"it has {excess}")
    return image.width * image.height


def _check_n_bytes(opened, image_sizes, limit, name):
    """Return how much memory decoding takes; raise ImageError if it is more than the limit."""
    try:
        n_bytes = decoding_bytes(opened, image_sizes)
    except Exception as error:  # at damaged tags, which are of any type
        raise ImageError(name, reason_of(error)) from error
    if n_bytes > limit:
        raise ImageError(
            name,
            f"decoding it takes about {n_bytes} bytes of memory, more than the {limit} that are "
            "accepted (a decompression bomb?); set the environment variable "
            f"{MAX_BYTES.variable} to accept them",
        )
    return n_bytes


def _decode(image, name, image_sizes, *, is_own):
    try:
        image.load()
        return to_pixels(image, name, image_sizes, is_own=is_own)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(name, reason_of(error)) from error
