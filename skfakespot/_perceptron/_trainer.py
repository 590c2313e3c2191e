"""Compiled Keras trainers, one for each kind of network, which are reused by later fits."""

from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

import numpy as np

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


class _TrainerPool:
    """Idle trainers, the longest idle given up first.

    A trainer is lent to one fit at a time. Concurrent fits of one kind get a trainer
    each, so that threads need not wait and a fit inside a callback cannot block.
    """

    def __init__(self, max_idle):
        self._max_idle = max_idle
        self._idle = []
        self._lock = Lock()

    @contextmanager
    def borrow(self, key):
        """Lend an idle trainer of this key, or a new one."""
        trainer = self._take(key) or Trainer(key)
        try:
            yield trainer
        finally:
            with self._lock:
                self._idle.append((key, trainer))
                del self._idle[: -self._max_idle]

    def _take(self, key):
        with self._lock:
            for index, (idle_key, trainer) in enumerate(self._idle):
                if idle_key == key:
                    del self._idle[index]
                    return trainer
        return None


borrow_trainer = _TrainerPool(max_idle=8).borrow
