# SPDX-License-Identifier: BSD-3-Clause
"""Counting the images that pass through networks."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class ImageCount:
    """Number of images, as `count_network_images` yields it.

    Attributes
    ----------
    n_images : int
        Images that have passed through networks so far.
    n_bytes : int
        Bytes that the networks' device has handed to the host so far: the outputs of the layers or,
        where they are reduced on the device, what is left of them.
    """

    def __init__(self) -> None:
        self.n_images = self.n_bytes = 0


_open_counts = []
_open_counts_lock = threading.Lock()


@contextmanager
def count_network_images() -> Iterator[ImageCount]:
    """Count the images that pass through networks in this process.

    It shows what profiles save: images whose profiles are known do not pass. An image counts once
    however many backbones it passes through together. Images that joblib's worker processes read
    are not counted.

    .. versionadded:: 0.1

    Yields
    ------
    count : ImageCount
        Its ``n_images`` and ``n_bytes`` grow while the context is open.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot import NeuronCoverageTransformer, count_network_images
    >>> images = np.random.default_rng(31).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    >>> with count_network_images() as count:
    ...     coverage = NeuronCoverageTransformer(weights="random").fit(images)
    ...     counts = coverage.transform(images)
    >>> count.n_images
    4
    """
    count = ImageCount()
    with _open_counts_lock:
        _open_counts.append(count)
    try:
        yield count
    finally:
        with _open_counts_lock:
            _open_counts.remove(count)


def count_images(n_images):
    """Add images that have passed through a network to the counts that are open."""
    with _open_counts_lock:
        for count in _open_counts:
            count.n_images += n_images


def count_bytes(n_bytes):
    """Add bytes that the device has handed to the host to the counts that are open."""
    with _open_counts_lock:
        for count in _open_counts:
            count.n_bytes += n_bytes
