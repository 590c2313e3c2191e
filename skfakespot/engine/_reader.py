"""A network whose neurons are read, batch by batch."""

import hashlib
import math
import threading
import uuid
import warnings
from collections import OrderedDict

import numpy as np

from ..images import DECODER_VERSION
from ._device import default_device, device_scope
from ._fingerprint import describe_network, digest_weights
from ._graph import trace
from ._layers import following_activation, select_calls
from ._taps import compile_taps


class NeuronReader:
    """Reads the neurons of some layers of a network, batch by batch.

    The network is compiled once. While a batch passes through, each layer's output is shown to a
    recorder, which keeps what it needs of it, and is then freed.

    Parameters
    ----------
    backbone : Backbone
        The network and its preprocessing.
    input_shape : tuple of int
        Shape of one preprocessed sample.
    layers : str, list of str, re.Pattern or callable
        See `select_calls`.
    tap : {"layer", "activation"}
        Read a layer at its own output, or at that of the activation that follows.
    neuron : {"unit", "channel"}
        A neuron is every scalar of a layer's output, or the spatial mean of a feature map.
    output : {"layer", "channel"}
        Count over a whole layer, or over each of its feature maps.
    device : str or None
        Where the network runs; None lets Keras choose.

    Attributes
    ----------
    backbone : Backbone
        As given.
    layer_names : tuple of str
        The layers that are read, in the order of the forward pass.
    n_neurons : ndarray of shape (n_layers,), int64
        Number of neurons of each layer.
    columns : ndarray of shape (n_layers,), int64
        Number of counts of each layer.
    first_features : ndarray of shape (n_layers,), intp
        Position of each layer's first count among all counts.
    feature_layers : ndarray of shape (n_features,), intp
        The layer that each count belongs to.
    feature_sizes : ndarray of shape (n_features,), int64
        The largest value of each count.
    neuron : {"unit", "channel"}
        As given.
    n_images : int
        Number of images that have passed through the network.
    description : str or None
        What decides on the counts apart from weights and images: see `describe_network`.
    """

    def __init__(self, backbone, *, input_shape, layers, tap, neuron, output, device=None):
        self.backbone, self.neuron = backbone, neuron
        self._device = device
        with device_scope(device):
            calls = _trace(backbone, input_shape)
        original = backbone.layer_names
        calls = [call._replace(name=original.get(call.name, call.name)) for call in calls]
        selected = select_calls(calls, layers)
        self.layer_names = tuple(calls[position].name for position in selected)
        taps = tuple(
            following_activation(calls, position) if tap == "activation" else position
            for position in selected
        )
        shapes = [calls[position].shape for position in taps]
        channels = np.array([shape[-1] for shape in shapes])
        positions = np.array([math.prod(shape[:-1]) for shape in shapes])
        self.n_neurons = channels if neuron == "channel" else channels * positions
        self.columns = channels if output == "channel" else np.ones_like(channels)
        self.first_features = np.cumsum(self.columns) - self.columns
        self.feature_layers = np.repeat(np.arange(len(selected)), self.columns)
        sizes = positions if output == "channel" else self.n_neurons
        self.feature_sizes = sizes[self.feature_layers]
        self.description = describe_network(backbone, calls)
        if self.description is not None:
            place = device or default_device()
            self.description += f"{input_shape} {taps} {neuron} {output} {place}"
        self._token = uuid.uuid4().bytes
        self.n_images = 0
        self._largest_batch = None
        self._lock = threading.Lock()
        with device_scope(device):
            self._show_taps = compile_taps(backbone.model, taps, input_shape)

    def configuration(self, *, may_change):
        """Digest of what decides on the profile of an image, apart from its content.

        Parameters
        ----------
        may_change : bool
            See `digest_weights`.

        Returns
        -------
        configuration : bytes
            32 bytes. Of a network without description, it is this reader's own.
        """
        description = self._token if self.description is None else self.description.encode()
        weights = digest_weights(self.backbone, may_change=may_change)
        return hashlib.sha256(description + DECODER_VERSION.encode() + weights).digest()

    def record(self, make_recorder, images):
        """Show the network's layers to a recorder while a batch passes through.

        Where the device's memory does not suffice, the batch passes in halves, and so do those
        that follow.

        Parameters
        ----------
        make_recorder : callable
            ``make_recorder(reader, n_images)`` returns a recorder: ``recorder(layer, outputs)`` is
            called for each layer with its outputs, ndarray (n_images, ...), float32, in any order
            and from any one thread at a time; ``recorder.results()`` then returns a list of one
            result for each image.
        images : ndarray of shape (n_images, height, width, 3), uint8, or (n_images, n_features)
            The images.

        Returns
        -------
        results : list of n_images objects

        Warns
        -----
        UserWarning
            If the batch had to be halved.
        """
        limit = self._largest_batch or len(images)
        results = []
        for start in range(0, len(images), limit):
            results += self._record_or_halve(make_recorder, images[start : start + limit])
        return results

    def _record_or_halve(self, make_recorder, images):
        try:
            recorder = make_recorder(self, len(images))
            with device_scope(self._device):
                self._show_taps(self.backbone.preprocess(images), recorder)
            with self._lock:
                self.n_images += len(images)
            return recorder.results()
        except Exception as error:
            if not _is_out_of_memory(error) or len(images) == 1:
                raise
        half = len(images) // 2
        with self._lock:
            # Otherwise another batch has found it out, and this one follows.
            lowered = self._largest_batch is None or len(images) <= self._largest_batch
            if lowered:
                self._largest_batch = half
        if lowered:
            warnings.warn(
                f"The device has not enough memory for {len(images)} images at once. Batches of "
                f"{half} are used from here on: set batch_size={half}.",
                UserWarning,
                stacklevel=2,
            )
        return self.record(make_recorder, images)


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


_N_SHARED_READERS = 8
_shared_readers = OrderedDict()
_shared_readers_lock = threading.Lock()


def shared_reader(backbone, **options):
    """Reader of a backbone, compiled once per process and shared by clones of an estimator.

    Parameters and errors are those of `NeuronReader`. The least recently used of more than 8
    readers is dropped.
    """
    # A list is as good a selector as any, but only a tuple can be looked up.
    hashable = (tuple(value) if isinstance(value, list) else value for value in options.values())
    key = (backbone, *hashable)
    with _shared_readers_lock:
        if key not in _shared_readers:
            _shared_readers[key] = NeuronReader(backbone, **options)
        _shared_readers.move_to_end(key)
        while len(_shared_readers) > _N_SHARED_READERS:
            _shared_readers.popitem(last=False)
        return _shared_readers[key]
