"""The network and the reductions over its neurons, compiled into one step."""

import math
import threading
from collections import OrderedDict

import numpy as np

from .._keras import import_keras
from ._layers import select_layers


class NeuronReader:
    """Reads the neurons of some layers of a network, batch by batch.

    Whole activations never leave the device: a step returns one sum or count for each image and
    layer (or feature map).

    Parameters
    ----------
    backbone : Backbone
        The network and its preprocessing.
    layers : str, list of str, re.Pattern or callable
        See `select_layers`.
    neuron : {"unit", "channel"}
        A neuron is every scalar of a layer's output, or the spatial mean of a feature map.
    output : {"layer", "channel"}
        Count over a whole layer, or over each of its feature maps.

    Attributes
    ----------
    layer_names : tuple of str
        The layers that are read, in the order of the forward pass.
    layer_shapes : tuple of tuple of int
        Shape of each layer's output for one image, feature maps last.
    n_neurons : ndarray of shape (n_layers,), int64
        Number of neurons of each layer.
    feature_layers : ndarray of shape (n_features,), intp
        The layer that each count belongs to.
    feature_sizes : ndarray of shape (n_features,), int64
        The largest value of each count.
    """

    def __init__(self, backbone, *, layers, neuron, output):
        keras = import_keras()
        selected = select_layers(backbone.model, layers)
        self._preprocess = backbone.preprocess
        self._taps = keras.Model(backbone.model.inputs[0], [layer.output for layer in selected])
        self._neuron, self._output = neuron, output
        self.layer_names = tuple(layer.name for layer in selected)
        self.layer_shapes = tuple(tuple(layer.output.shape[1:]) for layer in selected)
        for name, shape in zip(self.layer_names, self.layer_shapes, strict=True):
            if None in shape:
                raise ValueError(
                    f"The output of layer {name!r} has the shape {shape}, which depends on the "
                    "image. Build the network with a fixed input size."
                )
        channels = np.array([shape[-1] for shape in self.layer_shapes])
        positions = np.array([math.prod(shape[:-1]) for shape in self.layer_shapes])
        self.n_neurons = channels if neuron == "channel" else channels * positions
        per_feature = output == "channel"
        self.feature_layers = np.repeat(
            np.arange(len(selected)), channels if per_feature else np.ones_like(channels)
        )
        self.feature_sizes = (positions if per_feature else self.n_neurons)[self.feature_layers]
        self._sum_step = _compile(self._sums_of_taps, backbone.input_shape)
        self._count_step = _compile(self._counts_of_taps, backbone.input_shape, ())

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

    def _run(self, step, batch, *arguments):
        ops = import_keras().ops
        return ops.convert_to_numpy(step(self._preprocess(batch), *arguments))

    def _outputs(self, batch):
        outputs = self._taps(batch, training=False)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        if self._neuron == "unit":
            return outputs
        ops = import_keras().ops
        return [
            ops.mean(output, axis=tuple(range(1, len(output.shape) - 1)))
            if len(output.shape) > 2
            else output
            for output in outputs
        ]

    def _sums_of_taps(self, batch):
        ops = import_keras().ops
        sums = []
        for output in self._outputs(batch):
            # One axis in float32 and the others in float64 is as exact as float64 throughout to
            # 1e-7 of the sum, at half the cost.
            if len(output.shape) > 2:
                output = ops.sum(output, axis=-2)
            output = ops.cast(output, "float64")
            sums.append(ops.sum(output, axis=tuple(range(1, len(output.shape)))))
        return ops.stack(sums, axis=1)

    def _counts_of_taps(self, batch, thresholds):
        ops = import_keras().ops
        counts = []
        for layer, output in enumerate(self._outputs(batch)):
            active = ops.cast(output > thresholds[layer], "int32")
            last = len(output.shape) - (self._output == "channel")
            axes = tuple(range(1, last))
            count = ops.sum(active, axis=axes) if axes else active
            counts.append(count if self._output == "channel" else count[:, None])
        return ops.concatenate(counts, axis=1)


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


def shared_reader(backbone, *, layers, neuron, output):
    """Reader for these options, compiled once per process and shared by clones of an estimator.

    Parameters and errors are those of `NeuronReader`. The least recently used of more than 8
    readers is dropped.
    """
    # A list is as good a selector as any, but only a tuple can be looked up.
    hashable = tuple(layers) if isinstance(layers, list) else layers
    key = (backbone, hashable, neuron, output)
    with _shared_readers_lock:
        if key not in _shared_readers:
            options = {"layers": layers, "neuron": neuron, "output": output}
            _shared_readers[key] = NeuronReader(backbone, **options)
        _shared_readers.move_to_end(key)
        while len(_shared_readers) > _N_SHARED_READERS:
            _shared_readers.popitem(last=False)
        return _shared_readers[key]
