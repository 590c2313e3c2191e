"""X as `Samples`: images in an array, images or paths in a sequence, or vectors."""

import numbers
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.sparse import issparse

from .._perturbations import PerturbedImage
from ._batches import iter_batches
from ._content import content_digests
from ._decode import check_pixel_dtype, is_path, name_of

_ACCEPTED = (
    "X may be an array of images of shape (n, H, W, 3) or (n, H, W); a list, 1-D array, Series or "
    "one-column DataFrame of file paths, PIL images or (H, W, 3) arrays; or a 2-D numeric array"
)


class Samples:
    """An immutable view on X, whose files are read only by `digests` and `batches`.

    Made by :func:`as_samples`. ``len(samples)`` is the number of samples, ``samples[i]`` is the
    i-th element of X.

    Parameters
    ----------
    kind : {"array", "vector", "sequence"}
        Type of X: images in one numeric array, rows of numbers, or one object for each image.
    shape : tuple of int or None
        The shape of one sample.
    data : ndarray or tuple
        The samples, along the first axis.

    Attributes
    ----------
    kind : {"array", "vector", "sequence"}
        As given.
    shape : tuple of int or None
        (H, W, 3) for an array, also if it is grey (n, H, W); (n_features,) for vectors; None for
        a sequence, whose images may differ in size.

    Examples
    --------
    >>> from skfakespot.images import as_samples
    >>> as_samples(["a.png", "b.png"])
    Samples(kind='sequence', shape=None, n_samples=2)
    """

    __slots__ = ("_data", "_kind", "_shape")

    def __init__(self, kind, shape, data):
        self._kind = kind
        self._shape = shape
        self._data = data

    @property
    def kind(self):
        """Type of X: "array", "vector" or "sequence"."""
        return self._kind

    @property
    def shape(self):
        """The shape of one sample, None for a sequence."""
        return self._shape

    def __len__(self):
        return len(self._data)

    def __getitem__(self, key):
        return self._data[key]

    def __repr__(self):
        return f"Samples(kind={self.kind!r}, shape={self.shape}, n_samples={len(self)})"

    def name(self, index):
        """Name of a sample in error messages: its path, or "image 3 of X".

        Parameters
        ----------
        index : int
            Its position in X.

        Returns
        -------
        name : str
            The path, or the kind of sample and its position.
        """
        path = name_of(self[index]) if self.kind == "sequence" else None
        return path or f"{'row' if self.kind == 'vector' else 'image'} {index} of X"

    def subset(self, indices):
        """Select some of the samples, so that only these are sent to another process.

        Parameters
        ----------
        indices : array-like of int
            Their positions, in the order wanted.

        Returns
        -------
        samples : Samples
            The selected samples; an array's are copied.
        """
        indices = np.asarray(indices, dtype=np.intp)
        is_sequence = self.kind == "sequence"
        data = tuple(self[index] for index in indices) if is_sequence else self[indices]
        return Samples(self.kind, self.shape, data)

    def digests(self):
        """Digest the content of every sample, without decoding files.

        Returns
        -------
        digests : list of bytes or None
            What :func:`content_digests` returns: 16 bytes for each sample; None where it cannot
            be read.
        """
        return content_digests(self)

    def batches(self, indices=None, *, image_size, batch_size, on_failure="raise"):
        """Read samples batch by batch; see :func:`iter_batches`.

        Parameters
        ----------
        indices : array-like of int or None, default=None
            Positions of the samples that are read, in this order. None means all of them.
        image_size : (int, int) or None
            Height and width in pixels that images are stretched to; None for vectors.
        batch_size : int
            Number of samples in a batch, from 1.
        on_failure : callable or {"raise", "nan", "skip"}, default="raise"
            ``on_failure(index, error)`` is called for an image that cannot be read, which is left
            out; or what `iter_batches` accepts as `on_error`.

        Returns
        -------
        batches : iterator of Batch
            The samples that can be read.
        """
        return iter_batches(
            self,
            image_size=image_size,
            batch_size=batch_size,
            on_error=on_failure,
            indices=indices,
        )


def as_samples(X):
    """Make `Samples` of X, without reading any file.

    Only types, shapes and dtypes are checked. Values are checked when they are read.

    Parameters
    ----------
    X : array-like
        One of

        - a numeric array of shape (n, H, W, 3) or (n, H, W) on the 0-255 scale: uint8, other
          integers or float, but not bool. A 3-D array whose last axis has length 3 or 4 is
          refused, because it is probably a single image;
        - a list, tuple, 1-D or (n, 1) array, Series or one-column DataFrame of paths (str or
          os.PathLike), or of images (PIL images, arrays of shape (H, W, 3) or (H, W)). Paths and
          images cannot be mixed; a `PerturbedImage` counts as its source. A list of arrays of
          one size is such a sequence, too;
        - rows of numbers: a 2-D numeric array, list of lists or DataFrame.

    Returns
    -------
    samples : Samples
        A view on X; X itself is not copied.

    Raises
    ------
    TypeError
        If X, or one of its elements, is of a type that is not accepted.
    ValueError
        If X is empty or its shape or dtype is not accepted.

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
        return _from_array(np.asarray(X))
    if isinstance(X, Sequence):
        return _from_list(X)
    raise TypeError(f"X is of type {type(X).__name__}. {_ACCEPTED}")


def _refuse_single(X):
    if isinstance(X, Image.Image):
        raise TypeError("X is a single PIL image; wrap it in a list: [image]")
    if isinstance(X, bytes | bytearray):
        raise TypeError(f"X is of type {type(X).__name__}. {_ACCEPTED}")
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
    if _kind_of_element(first) is not None:
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
            raise TypeError(f"X[{index}] is of type {type(element).__name__}. {_ACCEPTED}")
        expected = found
    return Samples("sequence", None, elements)


def _kind_of_element(element):
    """Return "a path", "an image" or None; for a perturbed image that of its source."""
    if isinstance(element, PerturbedImage):
        return _kind_of_element(element.source)
    if is_path(element):
        return "a path"
    if isinstance(element, Image.Image):
        return "an image"
    return (
        "an image" if hasattr(element, "__array__") and getattr(element, "ndim", 0) >= 2 else None
    )


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
        return ". Move the channels to the last axis with np.moveaxis(X, 1, -1)"
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
