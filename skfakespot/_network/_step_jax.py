"""The compiled step on JAX: all layers that are read are handed over at its end."""

import numpy as np

from .._keras import import_keras

SMALLEST_BATCH = 2


def compile_step(model, show_taps, _input_shape):
    """Compile the step; see `skfakespot._network._step.compile_step`."""
    import jax

    keras = import_keras()

    @jax.jit
    def traced(weights, batch):
        outputs = {}
        # Weights that are arguments may change, and are not compiled in as constants.
        mapping = zip(model.variables, weights, strict=True)
        with keras.StatelessScope(state_mapping=list(mapping)):
            show_taps(batch, outputs.__setitem__)
        return outputs

    largest = 0

    def step(batch, receive):
        nonlocal largest
        # Each number of images would be compiled again.
        n_images, largest = len(batch), max(largest, len(batch))
        missing = [(0, largest - n_images), *[(0, 0)] * (batch.ndim - 1)]
        weights = [variable.value for variable in model.variables]
        for layer, output in traced(weights, np.pad(batch, missing)).items():
            receive(layer, np.asarray(output)[:n_images])

    return step
