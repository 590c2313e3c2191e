"""A network whose layers are shown, batch by batch."""

import hashlib
import threading
import uuid
import warnings
from contextlib import contextmanager

import numpy as np

from ._device import default_device, device_scope
from ._fingerprint import describe_network, digest_weights
from ._graph import trace
from ._layers import following_activation, select_calls
from ._step import compile_step


class NetworkReader:
    """Shows the outputs of some layers of a network, batch by batch.

    The network is compiled once. While a batch passes through, the output of each layer is shown
    to a reducer, which keeps what it needs, and is then freed.

    Parameters
    ----------
    spec : NetworkSpec
        The network, as `NetworkSpec.resolve` returns it.

    Attributes
    ----------
    image_size : tuple of (height, width) or None
        Size of the images; None for vectors.
    layer_names, shapes : tuple
        Of each layer that is read, its name and the shape of its output for one sample.
    has_own_code : bool
        Whether layers or preprocessing are the user's own code, which could change unnoticed.
    """

    def __init__(self, spec):
        self._backbone, self._device, self._may_change = spec.backbone, spec.device, spec.may_change
        self.image_size = spec.image_size
        with device_scope(spec.device):
            calls = _trace(spec.backbone, spec.input_shape)
        original = spec.backbone.layer_names
        calls = [call._replace(name=original.get(call.name, call.name)) for call in calls]
        selected = select_calls(calls, spec.layers)
        taps = tuple(
            following_activation(calls, position) if spec.tap == "activation" else position
            for position in selected
        )
        self.layer_names = tuple(calls[position].name for position in selected)
        self.shapes = tuple(calls[position].shape for position in taps)
        description = describe_network(spec.backbone, calls)
        self.has_own_code = description is None
        # Only this reader itself can recognise a network whose code is the user's own.
        device = spec.device or default_device()
        self._description = (
            uuid.uuid4().bytes
            if self.has_own_code
            else f"{description} {spec.input_shape} {taps} {device}".encode()
        )
        self._weights_digest = None
        self._largest_batch = None
        self._lock = threading.Lock()
        with device_scope(spec.device):
            self._step = compile_step(spec.backbone.model, taps, spec.input_shape)

    def structure(self):
        """Digest of all that decides on the outputs, apart from the weights: 32 bytes."""
        return hashlib.sha256(self._description).digest()

    def weights(self):
        """Digest of the weights: 32 bytes. It takes time where they may have changed."""
        if self._weights_digest is None or self._may_change:
            self._weights_digest = digest_weights(self._backbone.model)
        return self._weights_digest

    def read(self, images, make_reducer):
        """Show the layers' outputs for a batch to a reducer, and return its results, one an image.

        ``make_reducer(n_images)`` returns a reducer. ``reducer(layer, outputs)`` is called for each
        layer with its position and its outputs, ndarray (n_images, ...), float32, in any order and
        by any one thread at a time; then ``reducer.results()`` returns a list. If the device has
        not enough memory for a batch, it passes in halves with a warning, and so do later batches.
        """
        limit = self._largest_batch or len(images)
        results = []
        for start in range(0, len(images), limit):
            results += self._read_or_halve(images[start : start + limit], make_reducer)
        return results

    def _read_or_halve(self, images, make_reducer):
        try:
            reducer = make_reducer(len(images))
            with device_scope(self._device):
                self._step(self._backbone.preprocess(images), reducer)
            _count_images(len(images))
            return reducer.results()
        except Exception as error:
            if not _is_out_of_memory(error) or len(images) == 1:
                raise
        half = len(images) // 2
        with self._lock:
            # Another thread may have lowered the limit for this size already.
            is_lowered = self._largest_batch is None or len(images) <= self._largest_batch
            if is_lowered:
                self._largest_batch = half
        if is_lowered:
            warnings.warn(
                f"The device has not enough memory for {len(images)} images at once. Batches of "
                f"{half} are used from here on: set batch_size={half}.",
                UserWarning,
                stacklevel=2,
            )
        return self.read(images, make_reducer)


def _trace(backbone, input_shape):
    try:
        return trace(backbone.model, np.zeros((1, *input_shape), dtype=np.float32))
    except Exception as error:
        if _is_out_of_memory(error):
            raise
        raise ValueError(
            f"The network {backbone.name!r} cannot take samples of shape {input_shape}. If they "
            f"are too small for its layers, set a larger image_size. Keras says: {error}"
        ) from error


def _is_out_of_memory(error):
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError")
        or "RESOURCE_EXHAUSTED" in str(error)
    )


class ImageCount:
    """Number of images, as `count_network_images` yields it.

    Attributes
    ----------
    n_images : int
        Images that have passed through networks so far.
    """

    def __init__(self):
        self.n_images = 0


_open_counts = []
_open_counts_lock = threading.Lock()


@contextmanager
def count_network_images():
    """Count the images that pass through networks in this process.

    It shows what profiles save: images whose profiles are known do not pass. Images that
    joblib's worker processes read are not counted.

    Yields
    ------
    count : ImageCount
        Its ``n_images`` grows while the context is open.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot import NeuronCoverageTransformer, count_network_images
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
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


def _count_images(n_images):
    with _open_counts_lock:
        for count in _open_counts:
            count.n_images += n_images
