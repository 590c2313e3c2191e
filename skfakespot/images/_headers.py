# SPDX-License-Identifier: BSD-3-Clause
"""Format, size and JPEG settings of an image, read without decoding its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from .._recipe import Recipe
from ._decode import open_file, read_file
from ._lazy import LazyImage
from ._limits import MAX_BYTES
from ._opening import open_content
from ._sources import is_file_content, is_path, name_of

if TYPE_CHECKING:
    from .._typing import ImageLike

_SUBSAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}


class Header(NamedTuple):
    """Facts of an image that do not depend on its content; None where there are none.

    .. versionadded:: 0.1

    Parameters
    ----------
    format : str or None
        Pillow's name, such as ``"JPEG"``; of a frame of a video FFmpeg's names of the codec and of
        the container, such as ``"h264 in mov,mp4,m4a,3gp,3g2,mj2"``.
    mode : str
        Pillow's name, such as ``"RGB"``; of an array ``"L"`` or ``"RGB"``; of a frame of a video
        FFmpeg's name of the pixel format, such as ``"yuv420p"``.
    width, height : int
        In pixels, as stored: before the EXIF orientation, or the rotation of a video, is applied.
    n_bytes : int or None
        Size of the file; of a frame of a video the mean size of a compressed frame, so that neither
        the duration nor the sound counts.
    quantization : tuple of tuple of int or None
        The quantisation tables of a JPEG file.
    subsampling : str or None
        Of a JPEG file: ``"4:4:4"``, ``"4:2:2"``, ``"4:2:0"``, ``"other"`` or, if it is grey,
        ``"none"``.

    Examples
    --------
    >>> from skfakespot.images import Header
    >>> Header("PNG", "RGB", 640, 480).width
    640
    """

    format: str | None
    mode: str
    width: int
    height: int
    n_bytes: int | None = None
    quantization: tuple[tuple[int, ...], ...] | None = None
    subsampling: str | None = None


def read_header(source: ImageLike, *, name: str | None = None) -> Header:
    """Read the facts of an image without decoding it.

    .. versionadded:: 0.1

    Parameters
    ----------
    source : str, os.PathLike, bytes, io.BytesIO, PIL.Image.Image, array-like, PerturbedImage, \
            FaceCrop or LazyImage
        See `load_image`; of a perturbed image or a crop its source is described. A PIL image keeps
        the facts of the file that it was opened from, but for its size. A `LazyImage` without a
        header, unlike a frame of a video, is loaded for its height and width.
    name : str, default=None
        See `load_image`.

    Returns
    -------
    header : Header
        The facts.

    Raises
    ------
    ImageError
        If a file is no image or video of a format that is read.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.images import read_header
    >>> read_header(np.zeros((4, 6, 3), dtype="uint8"))[:4]
    (None, 'RGB', 6, 4)
    """
    if isinstance(source, Recipe):
        return read_header(source.source, name=name)
    if isinstance(source, Image.Image):
        return _header(source, None)
    name = name or name_of(source) or "image"
    if isinstance(source, LazyImage):
        return source.header() or _header_of_array(source.load())
    if not is_path(source) and not is_file_content(source):
        return _header_of_array(source)
    file, n_bytes = open_file(source, name, MAX_BYTES.get())
    with file:
        return _header(open_content(read_file(file, n_bytes, name), name).image, n_bytes)


def _header_of_array(pixels):
    shape = np.shape(pixels)
    return Header(None, "L" if len(shape) == 2 else "RGB", shape[1], shape[0])


def _header(image, n_bytes):
    tables = sampling = None
    if isinstance(image, JpegImageFile):
        tables = tuple(tuple(table) for _, table in sorted(image.quantization.items()))
        grey = len(image.getbands()) == 1
        sampling = "none" if grey else _SUBSAMPLING.get(get_sampling(image), "other")
    return Header(image.format, image.mode, *image.size, n_bytes, tables, sampling)
