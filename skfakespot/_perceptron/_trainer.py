# SPDX-License-Identifier: BSD-3-Clause
"""Compiled Keras trainers, one for each kind of network, which are reused by later fits."""

from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from .._cache import BoundedCache
from .._keras import import_keras
from ._epochs import compile_epoch
from ._network import build_network, in_order_of_keras


class TrainerKey(NamedTuple):
    """All that a compiled training step depends on."""

    backend: str
    layer_sizes: tuple
    activation: str
    dropout: float
    solver: str
    momentum: float
    penalised: bool
    jit_compile: bool


class Trainer:
    """A network, its optimizer and their compiled epoch; weights and state are set by `reset`."""

    def __init__(self, key):
        optimizers = import_keras().optimizers
        self._network = build_network(key.layer_sizes, key.activation, dropout=key.dropout)
        if key.solver == "sgd":
            optimizer = optimizers.SGD(momentum=float(key.momentum), name="sgd")
        else:
            optimizer = optimizers.Adam(name="adam")
        optimizer.build(self._network.trainable_variables)
        self._seed_states = [
            layer.seed_generator.state
            for layer in self._network.layers
            if hasattr(layer, "seed_generator")
        ]
        rate = optimizer.learning_rate
        # The learning rate is set before every update, so it is not part of the state.
        self._optimizer_variables = [
            variable for variable in optimizer.variables if variable is not rate
        ]
        self.load_data, self._run_epoch = compile_epoch(
            self._network,
            optimizer,
            penalised=key.penalised,
            jit_compile=key.jit_compile,
        )

    def reset(self, coefs, intercepts, optimizer_state):
        """Set the weights and the optimizer's state.

        The state is set to zeros if it is None, or of another solver.
        """
        weights = in_order_of_keras(coefs, intercepts)
        for variable, value in zip(self._network.trainable_variables, weights, strict=True):
            variable.assign(value)
        variables = self._optimizer_variables
        if optimizer_state is None or len(optimizer_state) != len(variables):
            optimizer_state = [np.zeros(variable.shape) for variable in variables]
        for variable, value in zip(variables, optimizer_state, strict=True):
            variable.assign(value.astype(variable.dtype))

    def run_epoch(self, data, batches, seeds):
        """Train on each of the batches once; return their losses as an array."""
        for state, seed in zip(self._seed_states, seeds, strict=True):
            state.assign(np.array([seed, 0], dtype=state.dtype))
        return self._run_epoch(data, batches)

    @property
    def n_seeds(self):
        """How many seeds an epoch takes."""
        return len(self._seed_states)

    def weights(self):
        """Return copies of the weights and the biases."""
        arrays = [variable.numpy() for variable in self._network.trainable_variables]
        return arrays[::2], arrays[1::2]

    def optimizer_state(self):
        """Return copies of the optimizer's variables."""
        return [variable.numpy() for variable in self._optimizer_variables]


_idle_trainers = BoundedCache(8, is_network=True)


@contextmanager
def borrow_trainer(key):
    """Borrow an idle trainer of this key, or a new one, until the end of a fit.

    Fits of one key that run at the same time get different trainers: no thread waits for another,
    and a callback can fit the same kind of network during the fit that called it.
    """
    trainer = _take_idle_trainer(key) or Trainer(key)
    try:
        yield trainer
    finally:
        _idle_trainers.put((key, id(trainer)), trainer)


def _take_idle_trainer(key):
    idle_keys = _idle_trainers.keys()
    for idle_key in idle_keys:
        if idle_key[0] == key:
            # None if another thread has taken it since.
            trainer = _idle_trainers.pop(idle_key)
            if trainer is not None:
                return trainer
    return None
