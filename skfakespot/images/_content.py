"""Digests of the content of images."""

import hashlib
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL

from .._cache import BoundedCache
from .._perturbations import PerturbedImage
from ._batches import count_threads
from ._decode import is_path, read_pixels
from ._errors import ImageError

# Equal files give equal pixels only with the same decoder and the same filter for resizing.
DECODER_VERSION = f"bicubic, Pillow {PIL.__version__}"

_CHUNK = 64
# A file could change again at the same time on the file system's clock, so that a digest is kept
# only if this many nanoseconds have passed since the last change.
_MIN_AGE = 2_000_000_000
# By path: the version of a file, and the digest of its content.
_known_files = BoundedCache(200_000)


def content_digests(samples):
    """Digest the content of every sample, without decoding files.

    Parameters
    ----------
    samples : Samples
        Made by :func:`as_samples`.

    Returns
    -------
    digests : list of bytes or None
        16 bytes for each sample; None if it cannot be read. The digest of a file is that of its
        bytes. It is kept in memory until the size, the times or the inode of the file change.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.images import as_samples, content_digests
    >>> first, second = content_digests(as_samples(np.zeros((2, 8, 9), dtype="uint8")))
    >>> first == second
    True
    """
    digests = [_known_digest(samples, index) for index in range(len(samples))]
    unknown = [index for index, digest in enumerate(digests) if digest is None]
    chunks = [unknown[start : start + _CHUNK] for start in range(0, len(unknown), _CHUNK)]

    def digest_chunk(chunk):
        for index in chunk:
            digests[index] = _digest(samples, index)

    if len(chunks) == 1:
        digest_chunk(chunks[0])
    elif chunks:
        with ThreadPoolExecutor(count_threads(), thread_name_prefix="skfakespot-digest") as pool:
            list(pool.map(digest_chunk, chunks))
    return digests


def _known_digest(samples, index):
    source = samples[index] if samples.kind == "sequence" else None
    try:
        return _known_file(os.fspath(source)) if is_path(source) else None
    except OSError:
        return None


def _known_file(path):
    """Digest of a file that was read before and has not changed since then, or None."""
    known = _known_files.get(path)
    unchanged = known is not None and known[0] == _version(os.stat(path))  # noqa: PTH116
    return known[1] if unchanged else None


def _digest(samples, index):
    source = samples[index]
    if samples.kind != "sequence":
        return _digest_array(samples.kind, source)
    try:
        return _digest_source(source, samples.name(index))
    except (ImageError, OSError, TypeError, ValueError):
        return None


def _digest_source(source, name):
    if is_path(source):
        return _digest_file(os.fspath(source))
    if isinstance(source, np.ndarray):
        return _digest_array("array", source)
    if isinstance(source, PerturbedImage) and hasattr(source.perturbation, "identity"):
        return _digest_perturbed(source, name)
    return _digest_array("array", read_pixels(source, name)[0])


def _digest_perturbed(image, name):
    content = _digest_source(image.source, name)
    if content is None:
        return None
    recipe = f"{image.perturbation.identity} {image.seed}"
    return hashlib.sha256(content + recipe.encode()).digest()[:16]


def _digest_array(kind, array):
    digest = hashlib.sha256(f"{kind} {array.dtype.str} {array.shape} ".encode())
    digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.digest()[:16]


def _digest_file(path):
    known = _known_file(path)
    if known is not None:
        return known
    status = os.stat(path)  # noqa: PTH116 - Path("") is the current folder, "" is no file
    if not stat.S_ISREG(status.st_mode):
        return None
    started = time.time_ns()
    digest = hashlib.sha256(Path(path).read_bytes()).digest()[:16]
    if started - max(status.st_mtime_ns, status.st_ctime_ns) > _MIN_AGE:
        _known_files.put(path, (_version(status), digest))
    return digest


def _version(status):
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
