# SPDX-License-Identifier: BSD-3-Clause
"""The compiled step on OpenVINO, which runs several requests at the same time."""

import itertools
import os
import threading
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import numpy as np

from .._keras import import_keras
from .._keras_graph import run
from ._batch_reader import is_out_of_memory
from ._engine import import_openvino
from ._openvino_rows import multiply_rows_alone

# Images of one request. Each request reads all weights, and keeps the outputs of all layers.
_TOGETHER = 8


def _count_threads():
    """Number of threads that compute images, as many as TensorFlow would have."""
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS") or 0) or joblib.cpu_count()


class OpenVinoStep:
    """Runs a network and shows the outputs of some layers; see `skfakespot._network._step`.

    One thread computes a few images together, or one image if there are not enough. It has been
    tried with random numbers that the outputs of an image are the same bits in both cases;
    otherwise each image is computed alone.

    Parameters
    ----------
    model : keras.Model
        The network, on Keras' TensorFlow backend.
    taps : tuple of int
        Positions of the calls whose outputs are shown.
    shapes : tuple of tuple of int
        Shapes of these outputs for one image.
    input_shape : tuple of int
        Shape of one image.
    name : str
        The network, for messages.

    Attributes
    ----------
    most_images : int
        Number of images that the step takes at most.
    """

    def __init__(self, model, taps, shapes, input_shape, name):
        self._model, self._taps, self._shapes = model, taps, shapes
        self._input_shape, self._name = input_shape, name
        self._n_threads = _count_threads()
        # Two batches are in flight at the same time.
        self.most_images = _TOGETHER * -(-self._n_threads // 2)
        self._networks, self._weights, self._idle = None, None, []
        self._lock = threading.Lock()

    def prepare(self, weights):
        """Compile the network, unless that has been done with these weights, given as a digest."""
        with self._lock:
            if self._networks is None or weights != self._weights:
                self._networks = self._compile_safely()
                self._weights, self._idle = weights, []

    def __call__(self, batch, receive):
        """Run the network, and call ``receive(layer, outputs)`` for each layer."""
        if self._networks is None:
            self.prepare(None)
        with self._lock:
            networks = self._networks
            idle = self._idle.pop() if self._idle else None
        requests = idle or self._make_requests(networks, self.most_images)
        requests.run(np.ascontiguousarray(batch, dtype=np.float32))
        for layer, outputs in enumerate(requests.outputs):
            receive(layer, outputs[: len(batch)])
        with self._lock:
            # After an error they are not used again; nor are those of former weights.
            if networks is self._networks:
                self._idle.append(requests)

    def _make_requests(self, networks, n_images):
        return _Requests(networks, self._shapes, n_images)

    def _compile_safely(self):
        """Compile the network for one image and, if that changes no bit, for several together.

        Returns a dict: the compiled network by its number of images, the largest first.
        """
        try:
            networks = self._compile()
            random = np.random.default_rng(0)
            pair = random.normal(size=(2, *self._input_shape)).astype(np.float32)
            together = self._make_requests(networks, _TOGETHER)
            together.run(np.resize(pair, (_TOGETHER, *self._input_shape)))
            alone = self._make_requests({1: networks[1]}, 2)
            alone.run(pair)
        except Exception as error:  # whichever of its types OpenVINO chooses
            if is_out_of_memory(error):
                raise
            reason = str(error).strip().splitlines()
            raise ValueError(
                f"OpenVINO cannot run the network {self._name!r}. Set engine='keras'. OpenVINO "
                f"says: {reason[-1] if reason else type(error).__name__}"
            ) from error
        is_safe = all(
            np.array_equal(output.view(np.int32), np.resize(own.view(np.int32), output.shape))
            for output, own in zip(together.outputs, alone.outputs, strict=True)
        )
        return networks if is_safe else {1: networks[1]}

    def _compile(self):
        openvino = import_openvino()
        graph = _graph_with_constants(self._model, self._taps, self._input_shape)
        options = {
            "NUM_STREAMS": self._n_threads,
            "INFERENCE_NUM_THREADS": self._n_threads,
            # Other processes may run on the same cores.
            "ENABLE_CPU_PINNING": False,
            # Some processors would use bfloat16 otherwise.
            "INFERENCE_PRECISION_HINT": "f32",
            "EXECUTION_MODE_HINT": "ACCURACY",
        }
        core = openvino.Core()
        with TemporaryDirectory(prefix="skfakespot-") as folder:
            # Not by OpenVINO's convert_model, which would report the conversion to its makers.
            file = Path(folder, "network.pb")
            file.write_bytes(graph.SerializeToString())
            network = core.read_model(file)
            networks = {}
            for n_images in (_TOGETHER, 1):
                sized = network.clone()
                sized.reshape([n_images, *self._input_shape])
                if n_images > 1:
                    multiply_rows_alone(sized, n_images)
                networks[n_images] = core.compile_model(sized, "CPU", options)
        return networks


class _Requests:
    """Requests for some images, whose outputs lie next to each other in NumPy's memory.

    `networks` are compiled networks by the number of images that they take, the largest first.
    """

    def __init__(self, networks, shapes, n_images):
        self._openvino = import_openvino()
        self._networks, self._requests = networks, {}
        self.outputs = [np.empty((n_images, *shape), dtype=np.float32) for shape in shapes]

    def run(self, batch):
        """Fill `outputs` with those of a batch."""
        # Requests write to memory until they have ended, also if one of them fails.
        with ExitStack() as started:
            for images in self._divided(len(batch)):
                request = self._request(images)
                request.set_input_tensor(self._shared(batch[images]))
                request.start_async()
                started.callback(request.wait)

    def _divided(self, n_images):
        """Slices of as many images as the networks take."""
        start = 0
        for size in self._networks:
            while n_images - start >= size:
                yield slice(start, start + size)
                start += size

    def _request(self, images):
        key = images.start, images.stop
        if key not in self._requests:
            network = self._networks[images.stop - images.start]
            request = self._requests[key] = network.create_infer_request()
            for layer, outputs in enumerate(self.outputs):
                request.set_tensor(_name_of(layer), self._shared(outputs[images]))
        return self._requests[key]

    def _shared(self, array):
        return self._openvino.Tensor(array, shared_memory=True)


def _name_of(layer):
    return f"skfakespot_layer_{layer}:0"


def _graph_with_constants(model, taps, input_shape):
    """Describe the network as a TensorFlow graph, with its weights as constants."""
    import tensorflow

    keras = import_keras()
    layers_at, positions = {}, itertools.count()
    for layer, tap in enumerate(taps):
        layers_at.setdefault(tap, []).append(layer)

    def visit(_name, _operation, _inputs, output):
        for layer in layers_at.get(next(positions), ()):
            name = _name_of(layer).partition(":")[0]
            tensorflow.identity(keras.ops.cast(output, "float32"), name=name)

    weights = [keras.ops.convert_to_numpy(variable) for variable in model.variables]
    graph = tensorflow.Graph()
    with graph.as_default():
        images = tensorflow.compat.v1.placeholder(tensorflow.float32, (None, *input_shape))
        constants = map(tensorflow.constant, weights)
        mapping = list(zip(model.variables, constants, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            run(model, images, visit)
    return graph.as_graph_def()
