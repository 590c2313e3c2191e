"""The compiled step on OpenVINO, which computes each image alone, several at the same time."""

import itertools
import os
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import numpy as np

from .._keras import import_keras
from .._keras_graph import run
from ._engine import import_openvino

# Images whose outputs are reduced together. Bands are estimated from four images at least, and
# the outputs of more would not stay in the processor's cache.
_FEWEST_AT_ONCE = 4


def _count_threads():
    """Number of threads that compute images, as many as TensorFlow would have."""
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS") or 0) or joblib.cpu_count()


class OpenVinoStep:
    """Runs a network and shows the outputs of some layers; see `skfakespot._network._step`.

    One thread computes an image, so that its outputs depend neither on other images nor on the
    number of threads.

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
        self.most_images = max(_FEWEST_AT_ONCE, self._n_threads)
        self._compiled, self._weights, self._idle = None, None, []
        self._lock = threading.Lock()

    def prepare(self, weights):
        """Compile the network, unless that has been done with these weights, given as a digest."""
        with self._lock:
            if self._compiled is None or weights != self._weights:
                self._compiled = self._compile()
                self._weights, self._idle = weights, []

    def __call__(self, batch, receive):
        """Run the network, and call ``receive(layer, outputs)`` for each layer."""
        if self._compiled is None:
            self.prepare(None)
        with self._lock:
            compiled = self._compiled
            idle = self._idle.pop() if self._idle else None
        requests = idle or _Requests(compiled, self._shapes, self.most_images)
        requests.run(np.ascontiguousarray(batch, dtype=np.float32))
        for layer, outputs in enumerate(requests.outputs):
            receive(layer, outputs[: len(batch)])
        with self._lock:
            # After an error they are not used again; nor are those of former weights.
            if compiled is self._compiled:
                self._idle.append(requests)

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
        try:
            with TemporaryDirectory(prefix="skfakespot-") as folder:
                # Not by OpenVINO's convert_model, which would report the conversion to its makers.
                file = Path(folder, "network.pb")
                file.write_bytes(graph.SerializeToString())
                return core.compile_model(core.read_model(file), "CPU", options)
        except Exception as error:  # whichever of its types OpenVINO chooses
            reason = str(error).strip().splitlines()
            raise ValueError(
                f"OpenVINO cannot run the network {self._name!r}. Set engine='keras'. OpenVINO "
                f"says: {reason[-1] if reason else type(error).__name__}"
            ) from error


class _Requests:
    """Requests of a few images, whose outputs lie next to each other in NumPy's memory."""

    def __init__(self, compiled, shapes, n_images):
        self._openvino = import_openvino()
        self.outputs = [np.empty((n_images, *shape), dtype=np.float32) for shape in shapes]
        self._requests = [compiled.create_infer_request() for _ in range(n_images)]
        for image, request in enumerate(self._requests):
            for layer, outputs in enumerate(self.outputs):
                request.set_tensor(_name_of(layer), self._shared(outputs[image : image + 1]))

    def run(self, batch):
        started = []
        try:
            for image, request in zip(range(len(batch)), self._requests, strict=False):
                request.set_input_tensor(self._shared(batch[image : image + 1]))
                request.start_async()
                started.append(request)
        finally:
            # They write to memory until they have ended.
            for request in started:
                request.wait()

    def _shared(self, array):
        return self._openvino.Tensor(array, shared_memory=True)


def _name_of(layer):
    return f"skfakespot_layer_{layer}:0"


def _graph_with_constants(model, taps, input_shape):
    """Describe the network for one image as a TensorFlow graph, with its weights as constants."""
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
        image = tensorflow.compat.v1.placeholder(tensorflow.float32, (1, *input_shape))
        constants = map(tensorflow.constant, weights)
        mapping = list(zip(model.variables, constants, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            run(model, image, visit)
    return graph.as_graph_def()
