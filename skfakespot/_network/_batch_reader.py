# SPDX-License-Identifier: BSD-3-Clause
"""Reading in batches, which are as large as the memory of the device allows."""

import threading
import warnings
from abc import ABC, abstractmethod

from ._image_count import count_images


class BatchReader(ABC):
    """Lets a batch pass, and halves it if the device has not enough memory.

    `largest_batch` is the number of images that pass at once at most, None for any number. A reader
    with `reduces_on_device` has a method ``reduce(images, reducer)``, see `read`.
    """

    def __init__(self, *, reduces_on_device=False):
        self.reduces_on_device = reduces_on_device
        self.largest_batch = None
        self._lock = threading.Lock()

    @abstractmethod
    def show(self, images, receive):
        """Let images pass, and call ``receive(layer, outputs)`` for each layer; see `read`."""

    def prepare(self):  # noqa: B027 - most readers have nothing to prepare
        """Get ready for a pass. The network's weights stay as they are until it ends."""

    def read(self, images, make_reducer, make_device_reducer=None):
        """Show the layers' outputs for a batch to a reducer, and return its results, one an image.

        `images` are an ndarray (n_images, ...), or of several networks a tuple of these.
        ``make_reducer(n_images)`` returns a reducer. ``reducer(layer, outputs)`` is called for each
        layer with its position and its outputs, ndarray (n_images, ...), float32, in any order and
        by any one thread at a time; then ``reducer.results()`` returns a list.

        Where the layers are reduced on the device, ``make_device_reducer(n_images)`` returns a
        reducer with `plans` and `arguments`, see `LayerPlan`, or None to be shown the outputs
        nevertheless. ``reducer.take(layer, values)`` is called with what the device has computed.

        If the device has not enough memory for a batch, it passes in halves with a warning, and so
        do later batches.
        """
        n_images = _count(images)
        limit = self.largest_batch or n_images
        results = []
        for start in range(0, n_images, limit):
            results += self._read_or_halve(
                _part(images, start, start + limit), make_reducer, make_device_reducer
            )
        return results

    def _read_or_halve(self, images, *makers):
        n_images = _count(images)
        try:
            results = self._read_at_once(images, n_images, *makers)
            count_images(n_images)
            return results
        except Exception as error:
            if not is_out_of_memory(error) or n_images == 1:
                raise
        half = n_images // 2
        with self._lock:
            # Another thread may have lowered the limit for this size already.
            is_lowered = self.largest_batch is None or n_images <= self.largest_batch
            if is_lowered:
                self.largest_batch = half
        if is_lowered:
            warnings.warn(
                f"The device has not enough memory for {n_images} images at once. Batches of "
                f"{half} are used from here on: set batch_size={half}.",
                UserWarning,
                stacklevel=2,
            )
        return self.read(images, *makers)

    def _read_at_once(self, images, n_images, make_reducer, make_device_reducer):
        reducer = None
        if self.reduces_on_device and make_device_reducer is not None:
            reducer = make_device_reducer(n_images)
        if reducer is None:
            reducer = make_reducer(n_images)
            self.show(images, reducer)
        else:
            self.reduce(images, reducer)
        return reducer.results()


def _count(images):
    return len(images[0]) if isinstance(images, tuple) else len(images)


def _part(images, start, stop):
    if isinstance(images, tuple):
        return tuple(of_one_network[start:stop] for of_one_network in images)
    return images[start:stop]


def is_out_of_memory(error):
    """Whether an error says that memory does not suffice, on any backend."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError")
        or "RESOURCE_EXHAUSTED" in str(error)
    )
