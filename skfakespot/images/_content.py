# SPDX-License-Identifier: BSD-3-Clause
"""Digests of the content of images."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import PIL

from .._cache import BoundedCache
from .._recipe import Recipe
from .._regular_files import UnreadableFileError, open_regular_file
from ._batches import count_threads
from ._decode import load_image
from ._digests import digest_array, digest_content, digest_recipe
from ._lazy import LazyImage
from ._limits import MAX_BYTES
from ._sources import content_of, is_file_content, is_path

if TYPE_CHECKING:
    from .._typing import FilePath

# Equal files give equal pixels only with the same decoder and the same filter for resizing.
DECODER_VERSION = f"bicubic, Pillow {PIL.__version__}"

_CHUNK = 64
# A file could change again at the same time on the file system's clock, so that a digest is kept
# only if this many nanoseconds have passed since the last change.
_MIN_AGE = 2_000_000_000
# By path: the version of a video file, and the digest of its content.
_known_files = BoundedCache(200_000)


def content_digests(samples):
    """Digest every sample in threads; see `Samples.digests`."""
    starts = range(0, len(samples), _CHUNK)
    with ThreadPoolExecutor(count_threads(), thread_name_prefix="skfakespot-digest") as pool:
        chunks = pool.map(lambda start: _digest_chunk(samples, start), starts)
        return list(chain.from_iterable(chunks))


def _digest_chunk(samples, start):
    return [_digest(samples, index) for index in range(len(samples))[start : start + _CHUNK]]


def _digest(samples, index):
    try:
        return _digest_source(samples[index], samples.name(index))
    except (OSError, TypeError, ValueError):
        return None


def _digest_source(source, name):
    if is_path(source):
        # The times of a file do not tell: where it is mapped into memory, it changes without them.
        with open_regular_file(source, kind="an image", max_bytes=MAX_BYTES.get()) as file:
            return _digest_open_file(file)
    if is_file_content(source):
        return digest_content(content_of(source))
    if isinstance(source, LazyImage):
        return source.digest()
    if isinstance(source, Recipe) and source._identity() is not None:
        content = _digest_source(source.source, name)
        return content and digest_recipe(content, source)
    array = source if isinstance(source, np.ndarray) else load_image(source, name=name)
    return digest_array(array)


def digest_file(path: FilePath) -> bytes | None:
    """Digest a video file, which may be long; return None if it is not a regular file.

    It is digested again only when its size, its times or its inode have changed.

    .. versionadded:: 0.1

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    digest : bytes or None
        16 bytes that depend on the content of the file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skfakespot.images import digest_file
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "clip.mp4")
    ...     _ = path.write_bytes(b"content")
    ...     digest_file(path).hex()
    'ed7002b439e9ac845f22357d822bac14'
    """
    try:
        file = open_regular_file(path, kind="a video")
    except UnreadableFileError:
        return None
    with file:
        version, last_change = _version_of(file)
        known_version, digest = _known_files.get(path, (None, None))
        if version == known_version:
            return digest
        started = time.time_ns()
        digest = _digest_open_file(file)
        if started - last_change > _MIN_AGE and version == _version_of(file)[0]:
            _known_files.put(path, (version, digest))
        return digest


def _version_of(file):
    status = os.fstat(file.fileno())
    times = status.st_mtime_ns, status.st_ctime_ns
    return (status.st_dev, status.st_ino, status.st_size, *times), max(times)


def _digest_open_file(file):
    return hashlib.file_digest(file, "sha256").digest()[:16]
