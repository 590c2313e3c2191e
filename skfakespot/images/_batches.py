# SPDX-License-Identifier: BSD-3-Clause
"""Samples read in batches, which threads decode in advance."""

from __future__ import annotations

import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import numpy as np

from ._decode import Request, TooLargeToReadAheadError, read_image
from ._errors import ImageError
from ._pixels import Scale, check_scale, to_rgb, to_uint8

if TYPE_CHECKING:
    from numpy.typing import NDArray

# One batch is complete while the next one is being decoded.
_BATCHES_AHEAD = 2


class Batch(NamedTuple):
    """Consecutive samples, without those that cannot be read.

    .. versionadded:: 0.1

    Parameters
    ----------
    data : ndarray or tuple of ndarray
        Images of shape (m, H, W, 3), uint8, or vectors of shape (m, n_features), float32, both
        C-contiguous; where several sizes were given, a tuple of such arrays, one for each size. It
        may be a view on X, so do not write to it.
    indices : ndarray of shape (m,), int
        Positions of the samples in X.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.images import as_samples
    >>> samples = as_samples(np.zeros((3, 8, 9), dtype="uint8"))
    >>> for batch in samples.batches(image_size=(4, 4), batch_size=2):
    ...     print(batch.data.shape, batch.indices)
    (2, 4, 4, 3) [0 1]
    (1, 4, 4, 3) [2]
    """

    data: NDArray[Any] | tuple[NDArray[Any], ...]
    indices: NDArray[np.intp]


class _Reading(NamedTuple):
    index: int  # type: ignore[assignment]  # in place of the method of tuples
    pixels: tuple[np.ndarray, ...] = ()
    scale: Scale = Scale()
    error: ImageError | None = None


def read_batches(samples, indices, image_size, batch_size, on_error, n_threads):
    """Check the parameters and return an iterator; see `Samples.batches`."""
    is_several = _is_several_sizes(image_size)
    sizes = [_checked_size(size, samples) for size in (image_size if is_several else [image_size])]
    different_sizes = tuple(dict.fromkeys(sizes))
    _check_count("batch_size", batch_size)
    if on_error is not None and not callable(on_error):
        raise ValueError(f"on_error is {on_error!r}; accepted are None and a callable")
    if n_threads is not None:
        _check_count("n_threads", n_threads)

    indices = _as_positions(samples, indices)
    if samples.kind == "vector":
        batches = _vector_batches(samples, indices, batch_size)
    elif samples.kind == "array" and different_sizes == (samples.shape[:2],):
        batches = _batches_of_array(samples, indices, batch_size, on_error)
    else:
        n_threads = n_threads or count_threads()
        readings = _read_ahead(samples, indices, different_sizes, batch_size, n_threads)
        batches = _batches_of_readings(readings, batch_size, on_error)

    def of_each_size(data):
        in_order = tuple(data[different_sizes.index(size)] for size in sizes)
        return in_order if is_several else in_order[0]

    return _finish(batches, of_each_size)


def read_images(samples, indices):
    """Yield each image at its own size, or its error; see `Samples.images`."""
    indices = _as_positions(samples, indices)
    n_threads = count_threads()
    with closing(_read_ahead(samples, indices, (None,), 1, n_threads)) as readings:
        for reading in readings:
            check_scale(reading.scale, samples.name(reading.index))
            yield reading.index, reading.error or reading.pixels[0]


def _as_positions(samples, indices):
    return np.arange(len(samples)) if indices is None else np.asarray(indices, dtype=np.intp)


def _is_several_sizes(image_size):
    is_nonempty = isinstance(image_size, tuple | list) and len(image_size) > 0
    return is_nonempty and all(isinstance(size, tuple | list | None) for size in image_size)


def _checked_size(image_size, samples):
    """The size as two int; that of an array's images for None, and None for vectors."""
    if image_size is None:
        if samples.kind == "sequence":
            raise ValueError(
                "image_size is None, but images that are read one by one may differ in size; "
                "give (height, width)"
            )
        return samples.shape[:2] if samples.kind == "array" else None
    if samples.kind == "vector":
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
        yield Batch((data,), window), Scale()


def _batches_of_array(samples, indices, batch_size, on_error):
    """Yield batches of images that need no resizing, each with its `Scale`."""
    grey = samples[:1].ndim == 3
    for window in _windows(indices, batch_size):
        try:
            pixels, scale = to_uint8(_rows(samples, window))
        except ValueError:
            # Some of these images have wrong values. Reading them one by one finds which.
            readings = (_read(samples, index, (None,)) for index in window.tolist())
            yield from _batches_of_readings(readings, batch_size, on_error)
        else:
            yield Batch((to_rgb(pixels, grey=grey),), window), scale


def _read_ahead(samples, indices, image_sizes, batch_size, n_threads):
    """Yield the readings in order, while threads decode a limited number of further images."""
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="skfakespot-decode")
    try:
        futures = (
            (index, pool.submit(_read, samples, index, image_sizes, is_ahead=True))
            for index in indices.tolist()
        )
        pending = deque(islice(futures, max(_BATCHES_AHEAD * batch_size, n_threads)))
        while pending:
            index, future = pending.popleft()
            reading = future.result() or _read(samples, index, image_sizes)
            pending.extend(islice(futures, 1))
            yield reading
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _read(samples, index, image_sizes, *, is_ahead=False):
    """Read an image; return None if it is to be read later, when it is needed."""
    expected, name = samples.expected_digests, samples.name(index)
    request = Request(name, image_sizes, expected is not None, is_ahead)
    try:
        pixels, scale, digest = read_image(samples[index], request)
    except TooLargeToReadAheadError:
        return None
    except ImageError as error:
        return _Reading(index, error=error)
    if expected is not None and digest not in (None, expected[index]):
        reason = "its content changed while X was being read; try again when X is complete"
        return _Reading(index, error=ImageError(name, reason))
    return _Reading(index, pixels, scale)


def _batches_of_readings(readings, batch_size, on_error):
    """Yield batches of readings, each with the `Scale` of all its images."""
    group = []
    with closing(readings):
        for reading in readings:
            if reading.error is None:
                group.append(reading)
            elif on_error is None:
                raise reading.error
            else:
                on_error(reading.index, reading.error)
            if len(group) == batch_size:
                yield _stack(group)
                group = []
    if group:
        yield _stack(group)


def _stack(group):
    pixels = zip(*(reading.pixels for reading in group), strict=True)
    data = tuple(np.stack(of_one_size) for of_one_size in pixels)
    indices = np.array([reading.index for reading in group], dtype=np.intp)
    scales = [reading.scale for reading in group]
    peak = max(scale.peak for scale in scales)
    return Batch(data, indices), Scale(peak, any(scale.is_fractional for scale in scales))


def _finish(batches, of_each_size):
    """Yield the batches; refuse a scale from 0 to 1, and warn once of float pixels 0 and 1."""
    warned = False
    with closing(batches):
        for batch, scale in batches:
            n_images = len(batch.indices)
            check_scale(scale, f"A batch of {n_images} image{'s' * (n_images > 1)}")
            if not warned and 0 < scale.peak <= 1:
                warned = True
                warnings.warn(
                    "All pixels of a batch of float images are 0 or 1. If they are on a scale "
                    "from 0 to 1, multiply X by 255: the scale is 0 to 255.",
                    UserWarning,
                    stacklevel=2,
                )
            yield batch._replace(data=of_each_size(batch.data))
