# SPDX-License-Identifier: BSD-3-Clause
"""Training on one data set, epoch by epoch."""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from .._keras import import_keras
from ._epochs import Batches
from ._state import TrainingState
from ._stopping import EpochsWithoutImprovement, ValidationMonitor
from ._trainer import TrainerKey, borrow_trainer

_WEIGHT_ROLE, _EPOCH_ROLE = range(2)

# XLA compiles for about a second and then takes a quarter off every update, but its random
# numbers on a CPU take ten times as long as all the rest of an update.
_UPDATES_WORTH_COMPILING = 500


@dataclass(frozen=True)
class TrainingSettings:
    """How to train: parameters of the same names as MLPClassifier's, and the seed."""

    activation: str
    solver: str
    learning_rate_init: float
    momentum: float
    decay: float
    alpha: float
    dropout: float
    batch_size: int
    shuffle: bool
    max_iter: int
    tol: float
    n_iter_no_change: float
    early_stopping: bool
    seed: int

    def n_batches(self, n_samples):
        """Return the number of updates in an epoch."""
        return -(-n_samples // self.batch_size)

    def weight_generator(self):
        """Return the random generator of the initial weights."""
        return np.random.default_rng((self.seed, _WEIGHT_ROLE))

    def epoch_generator(self, epoch):
        """Return the random generator of an epoch's order and dropout.

        It depends on the seed and the epoch's number only, so that training in several calls
        draws what training in one call draws.
        """
        return np.random.default_rng((self.seed, _EPOCH_ROLE, epoch))


class TrainingSession:
    """Trains a network on one data set, and holds the losses and scores of its epochs."""

    def __init__(self, trainer, settings, state, training_data, validation_data):
        trainer.reset(state.coefs, state.intercepts, state.optimizer_state)
        self._trainer, self._settings = trainer, settings
        self._sample_weight = training_data.sample_weight
        self._n_samples = len(training_data.X)
        self._loaded_data = trainer.load_data(training_data.X, training_data.y)
        self._n_updates = state.n_updates
        self.loss_curve = list(state.loss_curve)
        self.validation_scores = list(state.validation_scores)
        self._stagnation = EpochsWithoutImprovement(settings.tol)
        self._monitor = None
        if validation_data is not None:
            self._monitor = ValidationMonitor(validation_data, settings.activation, settings.tol)
            if state.loss_curve:
                self._monitor.score(state.coefs, state.intercepts)

    @property
    def has_stopped_improving(self):
        """Whether `n_iter_no_change` epochs have passed without improvement.

        With early stopping, the validation must improve, else the training loss.
        """
        counter = self._monitor if self._settings.early_stopping else self._stagnation
        return counter.n_epochs >= self._settings.n_iter_no_change

    def run_epoch(self):
        """Train one epoch; raise ValueError if the loss is no longer a finite number."""
        generator = self._settings.epoch_generator(len(self.loss_curve))
        batches, sizes = self._draw_batches(generator)
        seeds = generator.integers(2**31 - 1, size=self._trainer.n_seeds)
        losses = self._trainer.run_epoch(self._loaded_data, batches, seeds)
        loss = float(np.average(losses.astype(np.float64), weights=sizes))
        if not np.isfinite(loss):
            self._raise_diverged(f"the loss became {loss}")
        self._n_updates += len(sizes)
        self.loss_curve.append(loss)
        self._stagnation.update(loss)
        if self._monitor is not None:
            self.validation_scores.append(self._monitor.update(*self._trainer.weights()))

    def state(self, *, keep_optimizer_state=False):
        """Return the state after the last epoch, or with early stopping the best weights.

        The optimizer's state, if it is kept, belongs to the last weights; the best weights are
        returned without one.
        """
        optimizer_state = None
        if self._settings.early_stopping and self._monitor.best_weights is not None:
            coefs, intercepts = self._monitor.best_weights
        else:
            coefs, intercepts = self._trainer.weights()
            if keep_optimizer_state:
                optimizer_state = self._trainer.optimizer_state()
        if not all(np.isfinite(array).all() for array in (*coefs, *intercepts)):
            self._raise_diverged("weights became infinite or NaN")
        return TrainingState(
            coefs=coefs,
            intercepts=intercepts,
            optimizer_state=optimizer_state,
            n_updates=self._n_updates,
            loss_curve=list(self.loss_curve),
            validation_scores=list(self.validation_scores),
        )

    def _raise_diverged(self, what):
        raise ValueError(
            f"Training diverged: {what} in epoch {len(self.loss_curve) + 1} with "
            f"learning_rate_init={self._settings.learning_rate_init}. Standardise X (put a "
            "StandardScaler before the classifier in a Pipeline), or lower learning_rate_init."
        )

    def _draw_batches(self, generator):
        """Batches of one epoch and the number of samples in each."""
        settings, n_samples, weight = self._settings, self._n_samples, self._sample_weight
        batch_size = min(settings.batch_size, n_samples)
        n_batches = settings.n_batches(n_samples)
        order = generator.permutation(n_samples) if settings.shuffle else np.arange(n_samples)
        indices = np.zeros(n_batches * batch_size, dtype=np.int32)
        indices[:n_samples] = order
        weights = np.zeros(indices.size)
        weights[:n_samples] = 1.0 if weight is None else weight[order]
        sizes = np.full(n_batches, batch_size)
        sizes[-1] = n_samples - batch_size * (n_batches - 1)
        updates = self._n_updates + np.arange(n_batches)
        learning_rates = settings.learning_rate_init / (1.0 + settings.decay * updates)
        shape = (n_batches, batch_size)
        batches = Batches(
            indices=indices.reshape(shape),
            loss_weights=(weights.reshape(shape) / sizes[:, None]).astype(np.float32),
            learning_rates=learning_rates.astype(np.float32),
            penalties=(0.5 * settings.alpha / sizes).astype(np.float32),
        )
        return batches, sizes


@contextmanager
def training_session(settings, state, training_data, validation_data=None):
    """Open a TrainingSession that starts from `state`; its trainer is returned at the end.

    If there are `validation_data`, every epoch is scored on them.
    """
    n_updates = settings.max_iter * settings.n_batches(len(training_data.X))
    key = TrainerKey(
        backend=import_keras().backend.backend(),
        layer_sizes=state.layer_sizes,
        activation=settings.activation,
        dropout=float(settings.dropout),
        solver=settings.solver,
        momentum=float(settings.momentum) if settings.solver == "sgd" else 0.0,
        penalised=settings.alpha > 0,
        jit_compile=n_updates >= _UPDATES_WORTH_COMPILING and settings.dropout == 0,
    )
    with borrow_trainer(key) as trainer:
        yield TrainingSession(trainer, settings, state, training_data, validation_data)
