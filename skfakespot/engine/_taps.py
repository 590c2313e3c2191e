"""The network as one compiled step that shows the outputs of some of its layers."""

import itertools
from functools import partial

import numpy as np

from .._keras import as_array, import_keras
from ._graph import run
from ._layers import is_dense

# The neurons of an image must not depend on the other images of its batch. Smaller batches take
# other convolution kernels, which round sums differently.
_SMALLEST = {"tensorflow": 2, "jax": 2, "torch": 16}
# A dense layer computes one image at a time, because the kernel of a matrix product depends on the
# number of rows and on a row's place among them. Larger layers would cost too much this way.
_MOST_DENSE_WEIGHTS = 2**25


def compile_taps(model, taps, input_shape):
    """Compile a network for Keras' backend.

    Parameters
    ----------
    model : keras.Model
        The network.
    taps : tuple of int
        For each layer that is read, the position of the call whose output is taken.
    input_shape : tuple of int
        Shape of one sample.

    Returns
    -------
    show : callable
        ``show(batch, recorder)`` runs the network and calls ``recorder(layer, output)`` for each
        entry of `taps`, with its position there and ndarray (n_images, ...), float32.
    """
    backend = import_keras().backend.backend()
    compile_for = {"tensorflow": _compile_tensorflow, "jax": _compile_jax, "torch": _compile_torch}
    run_step = compile_for[backend](model, taps, input_shape)
    smallest = _SMALLEST[backend]

    def show(batch, recorder):
        n_images = len(batch)
        if n_images >= smallest:
            return run_step(batch, recorder)
        filled = np.concatenate([batch, np.repeat(batch[-1:], smallest - n_images, axis=0)])
        return run_step(filled, lambda layer, output: recorder(layer, output[:n_images]))

    return show


def _visit(model, taps, batch, show):
    """Run the network and call ``show(layer, output)`` for each tap."""
    ops = import_keras().ops
    calls = itertools.count()

    def visit(_name, _operation, _inputs, output):
        position = next(calls)
        for layer, tap in enumerate(taps):
            if tap == position:
                show(layer, ops.cast(output, "float32"))

    run(model, batch, visit, _call_layer)


def _call_layer(operation, arguments, options):
    """Call a layer; a dense one with each image alone."""
    alone = is_dense(operation) and len(arguments) == 1 and not options
    if not alone or operation.count_params() > _MOST_DENSE_WEIGHTS:
        return operation(*arguments, **options)
    return import_keras().ops.map(lambda image: operation(image[None])[0], arguments[0])


def _compile_tensorflow(model, taps, input_shape):
    import tensorflow

    recorders, tickets = {}, itertools.count()

    def record(layer, ticket, output):
        recorders[int(ticket)](layer, output)
        return True

    def step(batch, ticket):
        done = []

        def show(layer, output):
            # NumPy is given the tensor's own memory, while the next layers are being computed.
            inputs = [ticket, output]
            done.append(tensorflow.numpy_function(partial(record, layer), inputs, tensorflow.bool))

        _visit(model, taps, batch, show)
        return tensorflow.stack(done)

    # A free first axis keeps the last, shorter batch from being traced again.
    batch = tensorflow.TensorSpec((None, *input_shape))
    ticket = tensorflow.TensorSpec((), tensorflow.int64)
    compiled = tensorflow.function(step, input_signature=[batch, ticket], autograph=False)

    def run_step(batch, recorder):
        ticket = next(tickets)
        recorders[ticket] = recorder
        try:
            compiled(batch, ticket).numpy()
        finally:
            del recorders[ticket]

    return run_step


def _compile_jax(model, taps, input_shape):  # noqa: ARG001
    import jax

    keras = import_keras()

    @jax.jit
    def step(weights, batch):
        outputs = [None] * len(taps)
        # Weights that are arguments may change, and are not compiled in as constants.
        mapping = zip(model.variables, weights, strict=True)
        with keras.StatelessScope(state_mapping=list(mapping)):
            _visit(model, taps, batch, outputs.__setitem__)
        return outputs

    largest = 0

    def run_step(batch, recorder):
        nonlocal largest
        # Each number of images would be compiled anew.
        n_images, largest = len(batch), max(largest, len(batch))
        missing = [(0, largest - n_images), *[(0, 0)] * (batch.ndim - 1)]
        weights = [variable.value for variable in model.variables]
        for layer, output in enumerate(step(weights, np.pad(batch, missing))):
            recorder(layer, np.asarray(output)[:n_images])

    return run_step


def _compile_torch(model, taps, input_shape):  # noqa: ARG001
    import torch

    ops = import_keras().ops

    @torch.no_grad()
    def run_step(batch, recorder):
        def show(layer, output):
            recorder(layer, np.ascontiguousarray(as_array(output)))

        _visit(model, taps, ops.convert_to_tensor(batch), show)

    return run_step
