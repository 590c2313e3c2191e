# SPDX-License-Identifier: BSD-3-Clause
"""The compiled step: one run of the network that shows the outputs of some of its layers."""

import itertools
from importlib import import_module

import numpy as np

from .._keras import import_keras
from .._keras_graph import run
from ._image_count import count_bytes
from ._layers import is_dense
from ._reduced_step import ReducedSteps

# A dense layer computes one image at a time, because the kernel of a matrix product depends on the
# number of rows and on a row's place among them. Larger layers would cost too much this way.
_MOST_DENSE_WEIGHTS = 2**25
_BACKENDS = ("tensorflow", "jax", "torch")


def compile_step(model, taps, input_shape):
    """Compile a network for Keras' backend.

    `taps` are the positions of the calls whose outputs are shown. Returns ``step(batch, receive)``,
    which runs the network and calls ``receive(layer, output)`` for each entry of `taps`, with its
    position there and ndarray (n_images, ...), float32; and ``step.reduce(batch, reducer)``, which
    reduces the outputs on the device.

    Each backend has a module ``_step_<backend>``. Its ``compile_step(model, show_taps,
    input_shape)`` returns a step for batches of at least its ``SMALLEST_BATCH``: in these, the
    outputs of an image do not depend on the batch size.
    """
    backend = import_keras().backend.backend()
    if backend not in _BACKENDS:
        raise ValueError(
            f"Networks cannot be read with Keras' backend {backend!r}. Set the environment "
            "variable KERAS_BACKEND to tensorflow, jax or torch."
        )
    module = import_module(f"._step_{backend}", __package__)
    layers_at = {}
    for layer, tap in enumerate(taps):
        layers_at.setdefault(tap, []).append(layer)

    def show_taps(batch, show):
        return _show_taps(model, layers_at, batch, show)

    step = module.compile_step(model, show_taps, input_shape)
    return _Step(step, ReducedSteps(model, show_taps, input_shape), input_shape, module)


class _Step:
    """A step whose outputs of an image do not depend on the batch size."""

    def __init__(self, step, reduced_steps, input_shape, module):
        self._step, self._reduced_steps, self._input_shape = step, reduced_steps, input_shape
        self._smallest = module.SMALLEST_BATCH
        self._is_safe = {}

    def __call__(self, batch, receive):
        n_images = len(batch)

        def receive_images(layer, output):
            count_bytes(output.nbytes)
            receive(layer, output[:n_images])

        self._step(self._filled(batch), receive_images)

    def reduce(self, batch, reducer):
        """Reduce the layers on the device; see `ReducedSteps`."""
        arguments = reducer.plans, reducer.arguments, reducer.take
        self._reduced_steps(self._filled(batch), len(batch), *arguments)

    def _filled(self, batch):
        missing = self._smallest - len(batch)
        if missing <= 0 or self._is_safe_size(len(batch)):
            return batch
        return np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])

    def _is_safe_size(self, n_images):
        """Whether so few images have the same outputs as in a larger batch, to the bit.

        That depends on the processor. It is tried once, with random numbers.
        """
        if n_images not in self._is_safe:
            shape = (self._smallest, *self._input_shape)
            batch = np.random.default_rng(0).normal(size=shape).astype(np.float32)
            few, many = self._outputs(batch[:n_images]), self._outputs(batch)
            self._is_safe[n_images] = all(
                np.array_equal(output, many[layer][:n_images]) for layer, output in few.items()
            )
        return self._is_safe[n_images]

    def _outputs(self, batch):
        outputs = {}
        self._step(batch, lambda layer, output: outputs.update({layer: output.copy()}))
        return outputs


def _show_taps(model, layers_at, batch, show):
    """Run the network and call ``show(layer, output)`` for each tap."""
    ops = import_keras().ops
    positions = itertools.count()

    def visit(_name, _operation, _inputs, output):
        for layer in layers_at.get(next(positions), ()):
            show(layer, ops.cast(output, "float32"))

    run(model, batch, visit, _call_layer)


def _call_layer(operation, arguments, options):
    """Call a layer; a dense one with each image alone."""
    is_alone = is_dense(operation) and len(arguments) == 1 and not options
    if not is_alone or operation.count_params() > _MOST_DENSE_WEIGHTS:
        return operation(*arguments, **options)
    return import_keras().ops.map(lambda image: operation(image[None])[0], arguments[0])
