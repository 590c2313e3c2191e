# SPDX-License-Identifier: BSD-3-Clause
"""A network whose layers are shown, batch by batch."""

import hashlib
import uuid

import numpy as np

from .._keras import import_keras
from ._batch_reader import BatchReader, is_out_of_memory
from ._device import default_device, device_scope, reduces_on_device
from ._engine import import_openvino
from ._fingerprint import describe_network, digest_weights
from ._graph import trace
from ._layers import select_calls, tap_of
from ._step import compile_step
from ._step_openvino import OpenVinoStep


class NetworkReader(BatchReader):
    """Shows the outputs of some layers of a network, batch by batch.

    The network is compiled once. While a batch passes through, the output of each layer is shown
    to a reducer, which keeps what it needs, and is then freed.

    Parameters
    ----------
    spec : NetworkSpec
        The network, as `NetworkSpec.resolve` returns it.

    Attributes
    ----------
    name : str
        The network, for messages.
    image_size : tuple of (height, width) or None
        Size of the images; None for vectors.
    layer_names, shapes : tuple
        Of each layer that is read, its name and the shape of its output for one sample.
    engine : {"keras", "openvino"}
        What runs the network.
    reduces_on_device : bool
        Whether the outputs are reduced on the device, where that is possible.
    has_own_code : bool
        Whether layers or preprocessing are the user's own code, which could change unnoticed.
    """

    def __init__(self, spec):
        self.engine = spec.engine
        device = spec.device or default_device()
        super().__init__(
            reduces_on_device=self.engine == "keras" and reduces_on_device(spec.reductions, device)
        )
        self._backbone, self._device, self._may_change = spec.backbone, spec.device, spec.may_change
        self.name = f"the network {spec.backbone.name!r}"
        self.image_size = spec.image_size
        calls, selected = trace_layers(spec)
        taps = tuple(tap_of(calls, position, spec.tap) for position in selected)
        self.layer_names = tuple(calls[position].name for position in selected)
        self.shapes = tuple(calls[position].shape for position in taps)
        description = describe_network(spec.backbone, calls)
        self.has_own_code = description is None
        # Only this reader itself can recognise a network whose code is the user's own.
        if self.engine == "openvino":
            device = f"openvino {import_openvino().__version__}"
        self._description = (
            uuid.uuid4().bytes
            if self.has_own_code
            else f"{description} {spec.input_shape} {taps} {device} {self._reductions()}".encode()
        )
        self._weights_digest = None
        model = spec.backbone.model
        if self.engine == "openvino":
            name = spec.backbone.name
            self._step = OpenVinoStep(model, taps, self.shapes, spec.input_shape, name)
            self.largest_batch = self._step.most_images
            return
        with device_scope(spec.device):
            self._step = compile_step(model, taps, spec.input_shape)

    def structure(self):
        """Digest of all that decides on the outputs, apart from the weights: 32 bytes."""
        return hashlib.sha256(self._description).digest()

    def weights(self):
        """Digest of the weights: 32 bytes. It takes time where they may have changed."""
        if self._weights_digest is None or self._may_change:
            self._weights_digest = digest_weights(self._backbone.model)
        return self._weights_digest

    def prepare(self):
        """Compile the network for OpenVINO, again if its weights have changed."""
        if self.engine == "openvino":
            with device_scope(self._device):
                self._step.prepare(self.weights())

    def show(self, images, receive):
        """Let images pass, and call ``receive(layer, outputs)`` for each layer."""
        import_keras()  # which refuses where the step would hang, in a forked process
        with device_scope(self._device):
            self._step(self._backbone.preprocess(images), receive)

    def reduce(self, images, reducer):
        """Let images pass, and reduce the layers on the device; see `BatchReader.read`."""
        import_keras()
        with device_scope(self._device):
            self._step.reduce(self._backbone.preprocess(images), reducer)

    def _reductions(self):
        # Sums on the device and on the host are rounded differently.
        return "device reductions" if self.reduces_on_device else ""


def trace_layers(spec):
    """List the calls of a resolved network's layers, and the positions of those that are read."""
    backbone, input_shape = spec.backbone, spec.input_shape
    try:
        with device_scope(spec.device):
            calls = trace(backbone.model, np.zeros((1, *input_shape), dtype=np.float32))
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ValueError(
            f"The network {backbone.name!r} cannot take samples of shape {input_shape}. If they "
            f"are too small for its layers, set a larger image_size. Keras says: {error}"
        ) from error
    original = backbone.layer_names
    calls = [call._replace(name=original.get(call.name, call.name)) for call in calls]
    return calls, select_calls(calls, spec.layers, backbone.name)
