# SPDX-License-Identifier: BSD-3-Clause
"""X as `Samples`: images in an array, images or paths in a sequence, or vectors."""

from __future__ import annotations

import io
import numbers
import os
from collections.abc import Iterator, MappingView, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image
from scipy.sparse import issparse

from .._recipe import Recipe
from ._batches import Batch, read_batches, read_images
from ._content import content_digests
from ._lazy import LazyImage
from ._pixels import check_pixel_dtype
from ._sources import as_array, is_file_content, is_path, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike, NDArray

    from .._typing import Images, ImageSize
    from ._errors import ImageError

_ACCEPTED = (
    "X may be an array of images of shape (n, H, W, 3) or (n, H, W); a list, 1-D array, Series or "
    "one-column DataFrame of file paths, contents of files (bytes or io.BytesIO), PIL images or "
    "(H, W, 3) arrays; or a 2-D numeric array"
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Samples:
    """An immutable view on X, made by `as_samples`; ``samples[i]`` is the i-th element of X.

    `kind` is "array" (images in one numeric array), "vector" (rows of numbers) or "sequence" (one
    object for each image). `shape` is that of one sample: (H, W, 3), also for grey images,
    (n_features,), or None for a sequence. Only `digests` and `batches` read files.
    """

    kind: Literal["array", "vector", "sequence"]
    shape: tuple[int, ...] | None
    data: NDArray[Any] | tuple[Any, ...]
    expected_digests: tuple[bytes | None, ...] | None = None

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, key: Any) -> Any:
        return self.data[key]

    def __repr__(self):
        return f"Samples(kind={self.kind!r}, shape={self.shape}, n_samples={len(self)})"

    def name(self, index: int, position: int | None = None) -> str:
        """Name of a sample in error messages: its path, or such as "image 3 of X".

        `position` is that in X, if these samples are a part of X.
        """
        path = name_of(self[index]) if self.kind == "sequence" else None
        position = index if position is None else position
        return path or f"{'row' if self.kind == 'vector' else 'image'} {position} of X"

    def subset(self, indices: ArrayLike) -> Samples:
        """Select some of the samples, so that only these are sent to another process."""
        indices = np.asarray(indices, dtype=np.intp)
        is_sequence = self.kind == "sequence"
        data = tuple(self[index] for index in indices) if is_sequence else self[indices]
        expected = self.expected_digests and tuple(self.expected_digests[i] for i in indices)
        return Samples(self.kind, self.shape, data, expected)

    def digests(self) -> list[bytes | None]:
        """List 16 bytes for each sample that depend on its content; None if it cannot be read.

        The digest of a file is that of its bytes, which are read each time, but not decoded.
        """
        return content_digests(self)

    def expecting(self, digests: Iterable[bytes | None]) -> Samples:
        """Return these samples, so that an image whose content is another now cannot be read.

        `digests` are what `digests` has returned. What is known of the content of an image stays
        true: an image file that has changed since then gives an `ImageError`.
        """
        return replace(self, expected_digests=tuple(digests))

    def batches(
        self,
        indices: ArrayLike | None = None,
        *,
        image_size: ImageSize | Sequence[ImageSize | None] | None,
        batch_size: int,
        on_error: Callable[[int, ImageError], object] | None = None,
        n_threads: int | None = None,
    ) -> Iterator[Batch]:
        """Read samples batch by batch, in order.

        Threads decode at most two batches (at least `n_threads` images) in advance, so that memory
        does not grow with the number of samples. Closing the iterator, by ``close()`` or by
        leaving the loop, cancels the remaining work and ends the threads. Arrays of the right size
        and vectors need no decoding and start no threads.

        Parameters
        ----------
        indices : array-like of int or None, default=None
            Positions of the samples that are read, in this order. None means all of them.
        image_size : (int, int), None or tuple of these
            Height and width in pixels. An image of another size is stretched to it, also if its
            aspect ratio changes, by Pillow's antialiased bicubic filter. None keeps the size of
            the images in an array; for vectors it must be None. With a tuple of several sizes,
            each image is decoded once and stretched to each of them.
        batch_size : int
            Number of samples in a batch, from 1. The last batch may have fewer, and so may one of
            an array in which images cannot be read; no batch is empty.
        on_error : callable or None, default=None
            ``on_error(index, error)`` is called with the `ImageError` of an image that cannot be
            read, or whose pixels are not finite numbers from 0 to 255; the image is left out. None
            raises the error. Vectors that are not finite always raise a ValueError.
        n_threads : int or None, default=None
            Number of threads that decode. None means the number of usable CPUs, but at least 2,
            because a thread may wait for the disk, and at most 16.

        Returns
        -------
        batches : iterator of Batch
            It raises a ValueError, also with `on_error`, if the pixels of a batch of float images
            reach from 0 to 1 at most and some lie between. It warns once if all are 0 or 1.
        """
        return read_batches(self, indices, image_size, batch_size, on_error, n_threads)

    def images(
        self, indices: ArrayLike | None = None
    ) -> Iterator[tuple[int, NDArray[np.uint8] | ImageError]]:
        """Read images one by one at their own sizes, in order; threads decode a few in advance.

        Parameters
        ----------
        indices : array-like of int or None, default=None
            Positions of the images that are read, in this order. None means all of them.

        Returns
        -------
        images : iterator of (int, ndarray or ImageError)
            The position of each image, and its pixels (H, W, 3), uint8, or why it cannot be read.
            It raises a ValueError for an image of floats on a scale from 0 to 1.
        """
        return read_images(self, indices)


def as_samples(X: Images | Samples) -> Samples:
    """Make `Samples` of X, without copying X or reading any file.

    Types, shapes and dtypes are checked (TypeError, ValueError); values are when they are read.
    X may be

    - a numeric array of shape (n, H, W, 3) or (n, H, W) on the 0-255 scale: uint8, other integers
      or float, but not bool. Floats on a scale from 0 to 1 are refused when they are read. A 3-D
      array whose last axis has length 3 or 4 is refused, because it is probably a single image;
    - a list, tuple, 1-D or (n, 1) array, Series or one-column DataFrame of paths (str or
      os.PathLike), or of images (contents of image files as bytes or io.BytesIO, PIL images,
      arrays of shape (H, W, 3) or (H, W)). Paths and images cannot be mixed; a `PerturbedImage`,
      `FaceCrop` or `MissingFace` counts as its source, and a `LazyImage`, such as a frame of a
      video, as a path. A list of arrays of one size is such a sequence, too;
    - rows of numbers: a 2-D numeric array, list of lists or DataFrame.

    Tensors in the memory of the CPU are arrays. Of an io.BytesIO the whole content is read, and its
    position does not matter and does not change.

    .. versionadded:: 0.1

    Parameters
    ----------
    X : array-like or Samples
        Samples; see above. `Samples` are returned as they are.

    Returns
    -------
    samples : Samples
        The samples, with their `kind`, their `shape` and their number.

    Raises
    ------
    TypeError
        If X is of a type that is not accepted.
    ValueError
        If X has a shape or dtype that is not accepted, such as that of a single image.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.images import as_samples
    >>> as_samples(np.zeros((5, 8, 9), dtype="uint8"))
    Samples(kind='array', shape=(8, 9, 3), n_samples=5)
    >>> as_samples([[1.0, 2.0], [3.0, 4.0]])
    Samples(kind='vector', shape=(2,), n_samples=2)
    """
    if isinstance(X, Samples):
        return X
    _refuse_single(X)
    if issparse(X):
        raise TypeError(
            "X is a sparse matrix, and sparse data is not supported; convert it with X.toarray()"
        )
    if hasattr(X, "to_numpy"):
        return _from_array(X.to_numpy(), columns=getattr(X, "columns", None))
    if hasattr(X, "__array__"):
        return _from_array(as_array(X, "X"))
    if isinstance(X, Sequence):
        return _from_list(X)
    hint = "Convert it with list(X)" if isinstance(X, Iterator | MappingView) else _ACCEPTED
    raise TypeError(f"X is of type {type(X).__name__}. {hint}")


def _refuse_single(X):
    if isinstance(X, Image.Image):
        raise TypeError("X is a single PIL image; wrap it in a list: [image]")
    if is_file_content(X):
        raise TypeError(
            f"X is of type {type(X).__name__}: is it the content of one image file? Then wrap it "
            "in a list: [X]"
        )
    if isinstance(X, bytearray | memoryview):
        raise TypeError(f"X is of type {type(X).__name__}. Convert it with [bytes(X)]")
    if _is_open_file(X):
        raise TypeError(f"X is an open file, of type {type(X).__name__}. Read it: [X.read()]")
    if is_path(X):
        path = os.fsdecode(X)
        if Path(path).is_dir():
            raise TypeError(
                f"X is the folder {path!r}; read it with "
                "skfakespot.datasets.load_face_folders, or list its files"
            )
        raise TypeError(f"X is a single path, {path!r}; wrap it in a list: [{path!r}]")


def _from_list(X):
    _refuse_empty(len(X), (len(X),))
    first = X[0]
    if _kind_of_element(first) is not None or _hint_for_element(first) is not None:
        return _sequence(tuple(X))
    try:
        array = np.asarray(X)
    except ValueError:
        raise ValueError(
            f"X is a list whose elements differ in shape and which starts with a "
            f"{type(first).__name__}. {_ACCEPTED}"
        ) from None
    if array.ndim == 1 and array.dtype.kind not in "biufc":
        return _sequence(tuple(X))  # not `array`, in which NumPy may have converted them to text
    return _from_array(array)


def _from_array(X, columns=None):
    _refuse_empty(len(X) if X.ndim else 1, X.shape)
    if X.dtype.kind == "S":
        raise TypeError(
            f"X is an array of dtype {X.dtype}, in which NumPy cuts off the last bytes of a file "
            "if they are 0. Give a list of bytes"
        )
    if X.dtype.kind in "OUT":
        if X.ndim == 1 or (X.ndim == 2 and X.shape[1] == 1 and not _is_number(X[0, 0])):
            return _sequence(_read_only(X.reshape(-1)))
        X = _numeric(X, columns)
    X = _read_only(X)
    if X.ndim < 2:
        _refuse_one_dimensional(X.ndim)
    if X.ndim == 2:
        return _vectors(X)
    return _images(X)


def _read_only(array):
    array = array.view()
    array.flags.writeable = False
    return array


def _sequence(elements):
    if all(map(_is_number, elements)):
        _refuse_one_dimensional(1)
    expected = None
    for index, element in enumerate(elements):
        found = _kind_of_element(element)
        if expected is not None and found != expected:
            raise TypeError(
                f"X mixes types: X[0] is {expected} (a {type(elements[0]).__name__}), but "
                f"X[{index}] is a {type(element).__name__}. Give either paths or images"
            )
        if found is None:
            hint = _hint_for_element(element) or _ACCEPTED
            raise TypeError(f"X[{index}] is of type {type(element).__name__}. {hint}")
        expected = found
    return Samples("sequence", None, elements)


def _kind_of_element(element):
    """Return "a path", "an image" or None; for what is made of an image that of its source."""
    if isinstance(element, Recipe):
        return _kind_of_element(element.source)
    if is_path(element) or isinstance(element, LazyImage):
        return "a path"
    is_array = hasattr(element, "__array__") and getattr(element, "ndim", 0) >= 2
    is_image = is_array or is_file_content(element) or isinstance(element, Image.Image)
    return "an image" if is_image else None


def _is_open_file(value):
    return isinstance(value, io.IOBase) or callable(getattr(value, "read", None))


def _hint_for_element(element):
    """Say how to convert what holds the content of a file in another way; None for the rest."""
    if isinstance(element, bytearray | memoryview):
        return "Convert the contents with [bytes(content) for content in X]"
    if _is_open_file(element):
        return "Read the open files: [file.read() for file in X]"
    return None


def _is_number(element):
    return isinstance(element, numbers.Number | np.number | np.bool_)


def _numeric(X, columns):
    try:
        return X.astype(np.float64)
    except (TypeError, ValueError) as error:
        if columns is not None:
            names = ", ".join(repr(str(name)) for name in columns)
            raise TypeError(
                f"X is a DataFrame whose columns ({names}) are not all numeric ({error}); select "
                "the one that holds the paths or images, such as X[['path']]"
            ) from None
        raise type(error)(
            f"X has shape {X.shape} and is not numeric: {error}. {_ACCEPTED}"
        ) from None


def _vectors(X):
    if X.dtype.kind == "c":
        raise ValueError("Complex data not supported: X holds complex numbers")
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X is a 2-D array of dtype {X.dtype}, which is not numeric")
    if X.shape[1] == 0:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required."
        )
    return Samples("vector", X.shape[1:], X)


def _images(X):
    check_pixel_dtype(X.dtype)
    if X.ndim == 3 and X.shape[2] in (3, 4):
        hint = "X[np.newaxis]" if X.shape[2] == 3 else "X[np.newaxis, ..., :3]"
        raise ValueError(
            f"X has shape {X.shape}. Is it one image? Then use {hint}, because X is a "
            "stack of images: (n, H, W, 3) or (n, H, W)"
        )
    if X.ndim > 4 or (X.ndim == 4 and X.shape[3] != 3):
        raise ValueError(
            f"X has shape {X.shape}; a stack of images is (n, H, W, 3) or (n, H, W)"
            + _hint_for_stack(X)
        )
    if 0 in X.shape:
        raise ValueError(f"X has shape {X.shape}: its images have no pixels")
    return Samples("array", (*X.shape[1:3], 3), X)


def _hint_for_stack(X):
    if X.ndim > 4:
        return ""
    if X.shape[3] == 1:
        return ". For grey images take X[..., 0]"
    if X.shape[3] == 4:
        return ". Drop the alpha channel with X[..., :3]"
    if X.shape[1] == 3:
        return (
            ". Move the channels to the last axis with np.moveaxis(X, 1, -1), or "
            "X.permute(0, 2, 3, 1) of a torch tensor"
        )
    return ""


def _refuse_empty(n_samples, shape):
    if n_samples == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required."
        )


def _refuse_one_dimensional(ndim):
    found = "1D array" if ndim else "scalar array"
    raise ValueError(
        f"Expected 2D array, got {found} instead. Reshape your data either using "
        "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it "
        "contains a single sample."
    )
