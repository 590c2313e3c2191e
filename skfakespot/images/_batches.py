"""Samples read in batches, which threads decode in advance."""

import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from numbers import Integral
from typing import NamedTuple

import joblib
import numpy as np

from ._decode import read_pixels, to_rgb, to_uint8
from ._errors import ImageError, UnreadableImageWarning

# One batch is complete while the next one is being decoded.
_BATCHES_AHEAD = 2


class Batch(NamedTuple):
    """Consecutive samples, without those that cannot be read.

    Attributes
    ----------
    data : ndarray of shape (m, H, W, 3), dtype uint8, or (m, n_features), dtype float32
        The images, or the vectors; C-contiguous. It may be a view on X, so do not write to it.
    indices : ndarray of shape (m,), dtype intp
        Their positions in X, in the order in which they are read.
    """

    data: np.ndarray
    indices: np.ndarray


class _Reading(NamedTuple):
    index: int
    pixels: np.ndarray | None
    peak: float | None
    error: ImageError | None


def iter_batches(
    samples, *, image_size, batch_size, on_error="raise", n_threads=None, indices=None
):
    """Read samples batch by batch, in order.

    Threads decode at most two batches (at least `n_threads` images) in advance, so that memory
    does not grow with the number of samples. Closing the iterator, by ``close()`` or by leaving
    the loop, cancels the remaining work and ends the threads. Arrays of the right size and
    vectors need no decoding and start no threads.

    Parameters
    ----------
    samples : Samples
        Made by :func:`as_samples`.
    image_size : (int, int) or None
        Height and width in pixels. An image of another size is stretched to it, also if its
        aspect ratio changes, by Pillow's antialiased bicubic filter. ``None`` keeps the size of
        the images in an array; for vectors it must be ``None``.
    batch_size : int
        Number of samples in a batch, from 1. The last batch may have fewer, and so may one of an
        array in which images cannot be read; no batch is empty.
    on_error : {"raise", "nan", "skip"} or callable, default="raise"
        What is done if an image cannot be read, or if its pixels in an array are not finite
        numbers from 0 to 255:

        - "raise": raise the error, of several the first one in order;
        - "nan": leave the image out and warn;
        - "skip": leave the image out silently;
        - callable: leave the image out and call ``on_error(index, error)`` with its position in X
          and the `ImageError`.

        Vectors that are not finite always raise an error.
    n_threads : int or None, default=None
        Number of threads that decode, from 1. ``None`` means the number of usable CPUs, but at
        least 2, because a thread may wait for the disk, and at most 16.
    indices : array-like of int or None, default=None
        Positions in X of the samples that are read, in this order. ``None`` means all of them.

    Returns
    -------
    batches : iterator of Batch
        Together they hold all samples at `indices`, except the images that were left out.

    Raises
    ------
    ImageError
        If an image cannot be read, with ``on_error="raise"``.
    ValueError
        If a parameter is not accepted, or a vector contains NaN or infinity.

    Warns
    -----
    UnreadableImageWarning
        For each image that is left out, with ``on_error="nan"``.
    UserWarning
        Once, if float images seem to be on a scale from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.images import as_samples, iter_batches
    >>> samples = as_samples(np.zeros((5, 8, 9), dtype="uint8"))
    >>> for batch in iter_batches(samples, image_size=(4, 4), batch_size=3):
    ...     print(batch.data.shape, batch.indices)
    (3, 4, 4, 3) [0 1 2]
    (2, 4, 4, 3) [3 4]
    """
    image_size = _checked_image_size(image_size, samples.kind)
    _check_count("batch_size", batch_size)
    if on_error not in ("raise", "nan", "skip") and not callable(on_error):
        raise ValueError(
            f"on_error is {on_error!r}; accepted are 'raise', 'nan' and 'skip', or a callable"
        )
    if n_threads is not None:
        _check_count("n_threads", n_threads)

    indices = np.arange(len(samples)) if indices is None else np.asarray(indices, dtype=np.intp)
    if samples.kind == "vector":
        return _vector_batches(samples, indices, batch_size)
    if samples.kind == "array" and image_size in (None, samples.shape[:2]):
        batches = _batches_of_array(samples, indices, batch_size, on_error)
    else:
        n_threads = n_threads or count_threads()
        readings = _read_ahead(samples, indices, image_size, batch_size, n_threads)
        batches = _batches_of_readings(readings, batch_size, on_error)
    return _check_scale(batches)


def _checked_image_size(image_size, kind):
    if image_size is None:
        if kind == "sequence":
            raise ValueError(
                "image_size is None, but images that are read one by one may differ in size; "
                "give (height, width)"
            )
        return None
    if kind == "vector":
        raise ValueError(f"image_size is {image_size!r}, but X holds vectors; it must be None")
    try:
        height, width = image_size
    except (TypeError, ValueError):
        raise ValueError(f"image_size is {image_size!r}; accepted is (height, width)") from None
    _check_count("the height in image_size", height)
    _check_count("the width in image_size", width)
    return int(height), int(width)


def _check_count(name, value):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}; accepted are integers from 1")


def count_threads():
    """Number of threads that read images: the number of usable CPUs, but from 2 to 16."""
    return min(16, max(2, joblib.cpu_count()))


def _windows(indices, batch_size):
    return (indices[start : start + batch_size] for start in range(0, len(indices), batch_size))


def _rows(samples, window):
    """Several samples of an array, as a view if they are consecutive."""
    if window[-1] - window[0] == len(window) - 1 and (np.diff(window) == 1).all():
        return samples[window[0] : window[-1] + 1]
    return samples[window]


def _vector_batches(samples, indices, batch_size):
    for window in _windows(indices, batch_size):
        with np.errstate(over="ignore"):
            data = np.ascontiguousarray(_rows(samples, window), dtype=np.float32)
        finite = np.isfinite(data).all(axis=1)
        if not finite.all():
            row = int(np.argmin(finite))
            nan = np.isnan(data[row]).any()
            found = "NaN" if nan else "infinity or a value too large for dtype('float32')"
            raise ValueError(f"Input X contains {found} (row {window[row]}).")
        yield Batch(data, window)


def _batches_of_array(samples, indices, batch_size, on_error):
    """Yield batches of images that need no resizing, each with its greatest value if float."""
    grey = samples[:1].ndim == 3
    for window in _windows(indices, batch_size):
        try:
            pixels, peak = to_uint8(_rows(samples, window))
        except ValueError:
            # Some of these images have wrong values. Reading them one by one finds which.
            readings = (_read(samples, index, None) for index in window.tolist())
            yield from _batches_of_readings(readings, batch_size, on_error)
        else:
            yield Batch(to_rgb(pixels, grey=grey), window), peak


def _read_ahead(samples, indices, image_size, batch_size, n_threads):
    """Yield the readings in order, while threads decode a limited number of further images."""
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="skfakespot-decode")
    try:
        futures = (pool.submit(_read, samples, index, image_size) for index in indices.tolist())
        pending = deque(islice(futures, max(_BATCHES_AHEAD * batch_size, n_threads)))
        while pending:
            reading = pending.popleft().result()
            pending.extend(islice(futures, 1))
            yield reading
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _read(samples, index, image_size):
    try:
        pixels, peak = read_pixels(samples[index], samples.name(index), image_size)
    except ImageError as error:
        return _Reading(index, None, None, error)
    return _Reading(index, pixels, peak, None)


def _batches_of_readings(readings, batch_size, on_error):
    """Yield batches of readings, each with the greatest value of its float images."""
    group = []
    with closing(readings):
        for reading in readings:
            if reading.error is None:
                group.append(reading)
            elif on_error == "raise":
                raise reading.error
            elif on_error == "nan":
                _warn_of_unreadable(reading)
            elif callable(on_error):
                on_error(reading.index, reading.error)
            if len(group) == batch_size:
                yield _stack(group)
                group = []
    if group:
        yield _stack(group)


def _warn_of_unreadable(reading):
    warnings.warn(
        UnreadableImageWarning(reading.error.source, reading.error.reason, reading.index),
        stacklevel=4,
    )


def _stack(group):
    data = np.stack([reading.pixels for reading in group])
    indices = np.array([reading.index for reading in group], dtype=np.intp)
    peak = max((reading.peak for reading in group if reading.peak is not None), default=None)
    return Batch(data, indices), peak


def _check_scale(batches):
    """Yield the batches, and warn once of float images on a scale from 0 to 1."""
    warned = False
    with closing(batches):
        for batch, peak in batches:
            if not warned and peak is not None and 0 < peak <= 1:
                warned = True
                warnings.warn(
                    f"The greatest pixel of a batch of float images is {peak:g}, as if they were "
                    "on a scale from 0 to 1. The scale is 0 to 255: multiply X by 255.",
                    UserWarning,
                    stacklevel=2,
                )
            yield batch
