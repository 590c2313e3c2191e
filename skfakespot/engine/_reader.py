"""The network and the reductions over its neurons, compiled into one step."""

import itertools
import math
import threading
from collections import OrderedDict

import numpy as np

from .._keras import import_keras
from ._graph import run, trace
from ._layers import following_activation, select_calls

# Of a histogram; three passes of it tell any two float32 numbers apart.
N_EDGES = 4095


class NeuronReader:
    """Reads the neurons of some layers of a network, batch by batch.

    Whole activations never leave the device: a step returns one sum or count for each image and
    layer (or feature map).

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

    Attributes
    ----------
    layer_names : tuple of str
        The layers that are read, in the order of the forward pass.
    n_neurons : ndarray of shape (n_layers,), int64
        Number of neurons of each layer.
    feature_layers : ndarray of shape (n_features,), intp
        The layer that each count belongs to.
    feature_sizes : ndarray of shape (n_features,), int64
        The largest value of each count.
    """

    def __init__(self, backbone, *, input_shape, layers, tap, neuron, output):
        self._backbone = backbone
        self._neuron, self._output = neuron, output
        calls = trace(backbone.model, np.zeros((1, *input_shape), dtype=np.float32))
        original = backbone.layer_names
        calls = [call._replace(name=original.get(call.name, call.name)) for call in calls]
        selected = select_calls(calls, layers)
        self.layer_names = tuple(calls[position].name for position in selected)
        self._taps = tuple(
            following_activation(calls, position) if tap == "activation" else position
            for position in selected
        )
        shapes = [calls[position].shape for position in self._taps]
        channels = np.array([shape[-1] for shape in shapes])
        positions = np.array([math.prod(shape[:-1]) for shape in shapes])
        self.n_neurons = channels if neuron == "channel" else channels * positions
        per_feature = output == "channel"
        self.feature_layers = np.repeat(
            np.arange(len(selected)), channels if per_feature else np.ones_like(channels)
        )
        self.feature_sizes = (positions if per_feature else self.n_neurons)[self.feature_layers]
        self._sum_step = _compile(self._sum, input_shape)
        self._count_step = _compile(self._count, input_shape, ())
        self._range_step = _compile(self._range, input_shape)
        self._histogram_step = _compile(self._histogram, input_shape, (N_EDGES,))

    def sums(self, batch):
        """Sum of every layer's neurons (eq. 1), ndarray (n_images, n_layers), float64."""
        return self._run(self._sum_step, batch).astype(np.float64)

    def counts(self, batch, thresholds):
        """Number of neurons above their layer's threshold (eq. 2).

        Parameters
        ----------
        batch : ndarray of shape (n_images, height, width, 3), uint8, or (n_images, n_features)
            The images.
        thresholds : ndarray of shape (n_layers,), float64
            One threshold for each layer.

        Returns
        -------
        counts : ndarray of shape (n_images, n_features), int32
            How many neurons have an output strictly above the threshold.
        """
        return self._run(self._count_step, batch, _round_down(thresholds))

    def ranges(self, batch):
        """Least and greatest neuron of each layer over a batch, ndarray (n_layers, 2), float32."""
        return self._run(self._range_step, batch)

    def histograms(self, batch, edges):
        """Count the neurons of a batch between edges.

        Parameters
        ----------
        batch : ndarray of shape (n_images, height, width, 3), uint8, or (n_images, n_features)
            The images.
        edges : ndarray of shape (n_layers, n_edges), float32
            Ascending values for each layer.

        Returns
        -------
        histograms : ndarray of shape (n_layers, n_edges + 1), int32
            How many neurons lie above the edge before (if any), up to and including the edge.
        """
        return self._run(self._histogram_step, batch, edges)

    def _run(self, step, batch, *arguments):
        ops = import_keras().ops
        return ops.convert_to_numpy(step(self._backbone.preprocess(batch), *arguments))

    def _sum(self, batch):
        ops = import_keras().ops

        def sum_layer(output, _):
            # One axis in float32 and the others in float64 is as exact as float64 throughout to
            # 1e-7 of the sum, at half the cost.
            if len(output.shape) > 2:
                output = ops.sum(output, axis=-2)
            output = ops.cast(output, "float64")
            return ops.sum(output, axis=tuple(range(1, len(output.shape))))

        return ops.stack(self._reduce(batch, sum_layer), axis=1)

    def _count(self, batch, thresholds):
        ops = import_keras().ops

        def count_layer(output, layer):
            active = ops.cast(output > thresholds[layer], "int32")
            last = len(output.shape) - (self._output == "channel")
            count = ops.sum(active, axis=tuple(range(1, last))) if last > 1 else active
            return count if self._output == "channel" else count[:, None]

        return ops.concatenate(self._reduce(batch, count_layer), axis=1)

    def _range(self, batch):
        ops = import_keras().ops

        def layer_range(output, _):
            return ops.stack([ops.min(output), ops.max(output)])

        return ops.stack(self._reduce(batch, layer_range))

    def _histogram(self, batch, edges):
        ops = import_keras().ops

        def layer_histogram(output, layer):
            bins = ops.searchsorted(edges[layer], ops.reshape(output, (-1,)), side="left")
            return ops.bincount(bins, minlength=N_EDGES + 1)

        return ops.stack(self._reduce(batch, layer_histogram))

    def _reduce(self, batch, reduction):
        """Apply ``reduction(neurons, layer)`` to each layer while the batch passes through."""
        ops = import_keras().ops
        at_call, calls = {}, itertools.count()

        def visit(_name, _operation, _inputs, output):
            position = next(calls)
            if position not in self._taps:
                return
            if self._neuron == "channel" and len(output.shape) > 2:
                output = ops.mean(output, axis=tuple(range(1, len(output.shape) - 1)))
            for layer, tap in enumerate(self._taps):
                if tap == position:
                    at_call[layer] = reduction(output, layer)

        run(self._backbone.model, batch, visit)
        return [at_call[layer] for layer in range(len(self._taps))]


def _round_down(thresholds):
    """Largest float32 values that are not above the thresholds.

    A float32 output is above a float64 threshold exactly where it is above this value.
    """
    thresholds = np.asarray(thresholds, dtype=np.float64)
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _compile(function, *row_shapes):
    """Compile a function of float32 arrays whose rows have these shapes, for Keras' backend."""
    backend = import_keras().backend.backend()
    if backend == "tensorflow":
        import tensorflow

        # A free first axis keeps the last, shorter batch from being traced again.
        signature = [tensorflow.TensorSpec((None, *shape)) for shape in row_shapes]
        return tensorflow.function(function, input_signature=signature, autograph=False)
    if backend == "jax":
        import jax

        return jax.jit(function)
    import torch

    return torch.no_grad()(function)


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
