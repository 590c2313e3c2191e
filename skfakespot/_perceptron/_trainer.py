"""Compiled Keras trainers, made once for each kind of network and lent out."""

from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

import numpy as np

from .._keras import import_keras
from ._epochs import compile_epoch
from ._network import build_network


class TrainerKey(NamedTuple):
    """All that a trace of the training step is made for."""

    backend: str
    layer_sizes: tuple
    activation: str
    dropout: float
    solver: str
    momentum: float
    penalised: bool
    jit_compile: bool


class Trainer:
    """A network, its optimizer and their compiled epoch, whose state is set from outside."""

    def __init__(self, key):
        optimizers = import_keras().optimizers
        self.network = build_network(key.layer_sizes, key.activation, dropout=key.dropout)
        if key.solver == "sgd":
            self.optimizer = optimizers.SGD(momentum=float(key.momentum), name="sgd")
        else:
            self.optimizer = optimizers.Adam(name="adam")
        self.optimizer.build(self.network.trainable_variables)
        self._seed_states = [
            layer.seed_generator.state
            for layer in self.network.layers
            if hasattr(layer, "seed_generator")
        ]
        rate = self.optimizer.learning_rate
        self._slots = [variable for variable in self.optimizer.variables if variable is not rate]
        self.load_data, self._run_epoch = compile_epoch(
            self.network,
            self.optimizer,
            penalised=key.penalised,
            jit_compile=key.jit_compile,
        )

    def reset(self, coefs, intercepts, slots):
        """Set the weights, and the optimizer's state or zeros where `slots` does not fit."""
        weights = [array for pair in zip(coefs, intercepts, strict=True) for array in pair]
        for variable, value in zip(self.network.trainable_variables, weights, strict=True):
            variable.assign(value)
        fits = slots is not None and len(slots) == len(self._slots)
        for index, variable in enumerate(self._slots):
            value = slots[index] if fits else np.zeros(variable.shape)
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
        """Return copies of the kernels and the biases."""
        arrays = [variable.numpy() for variable in self.network.trainable_variables]
        return arrays[::2], arrays[1::2]

    def slots(self):
        """Return copies of the optimizer's state, the learning rate aside."""
        return [variable.numpy() for variable in self._slots]


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
