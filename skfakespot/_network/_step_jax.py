# SPDX-License-Identifier: BSD-3-Clause
"""The compiled step on JAX: all layers that are read are handed over at its end."""

import threading

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

    largest, lock = 0, threading.Lock()

    def step(batch, receive):
        nonlocal largest
        n_images = len(batch)
        weights = [variable.value for variable in model.variables]
        # Two threads would compile the same step twice, and each number of images again.
        with lock:
            largest = max(largest, n_images)
            missing = [(0, largest - n_images), *[(0, 0)] * (batch.ndim - 1)]
            outputs = traced(weights, np.pad(batch, missing))
        for layer, output in outputs.items():
            receive(layer, np.asarray(output)[:n_images])

    return step
