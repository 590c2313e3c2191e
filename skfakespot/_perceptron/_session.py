"""Training on one data set, epoch by epoch."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from .._keras import import_keras
from ._arithmetic import initial_weights
from ._epochs import Batches
from ._stopping import Improvement, ValidationWatch
from ._trainer import TrainerKey, borrow_trainer

_WEIGHT_ROLE, _EPOCH_ROLE = range(2)

# XLA compiles for about a second and then takes a quarter off every update, but its random
# numbers on a CPU take ten times as long as all the rest of an update.
_UPDATES_WORTH_COMPILING = 500


@dataclass(frozen=True)
class TrainingSettings:
    """How to train, in MLPClassifier's vocabulary."""

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
    early_stopping: bool
    seed: int

    def n_batches(self, n_samples):
        """Return the number of updates in an epoch."""
        return -(-n_samples // self.batch_size)

    def epoch_generator(self, epoch):
        """Source of one epoch's order and dropout, the same wherever training began."""
        return np.random.default_rng((self.seed, _EPOCH_ROLE, epoch))


@dataclass(frozen=True)
class TrainingState:
    """What training goes on from; `slots` is the optimizer's state, None for a new one."""

    coefs: list
    intercepts: list
    slots: list | None = None
    n_updates: int = 0
    loss_curve: list = field(default_factory=list)
    validation_scores: list = field(default_factory=list)

    @classmethod
    def initial(cls, layer_sizes, seed):
        """Return random weights before any training."""
        generator = np.random.default_rng((seed, _WEIGHT_ROLE))
        return cls(*initial_weights(layer_sizes, generator))

    @property
    def layer_sizes(self):
        """Number of features and the width of every layer."""
        return (len(self.coefs[0]), *map(len, self.intercepts))


class TrainingSession:
    """A trainer at work on samples, with what it has reached so far."""

    def __init__(self, trainer, settings, samples, state, validation):
        trainer.reset(state.coefs, state.intercepts, state.slots)
        self._trainer, self._settings, self._samples = trainer, settings, samples
        self._data = trainer.load_data(samples.X, samples.y)
        self._start = state
        self.n_updates = state.n_updates
        self.loss_curve = list(state.loss_curve)
        self.validation_scores = list(state.validation_scores)
        self._improvement = Improvement(settings.tol)
        self._watch = None
        if validation is not None:
            self._watch = ValidationWatch(validation, settings.activation, settings.tol)
            if state.loss_curve:
                self._watch.remember(state.coefs, state.intercepts)

    @property
    def epochs_without_improvement(self):
        """Epochs since the loss, or with early stopping the validation, last improved."""
        watch = self._watch if self._settings.early_stopping else self._improvement
        return watch.epochs_without

    def run_epoch(self):
        """Train one epoch; raise ValueError if the loss is no longer a number."""
        generator = self._settings.epoch_generator(len(self.loss_curve))
        batches, sizes = self._plan(generator)
        seeds = generator.integers(2**31 - 1, size=self._trainer.n_seeds)
        losses = self._trainer.run_epoch(self._data, batches, seeds)
        loss = float(np.average(losses.astype(np.float64), weights=sizes))
        if not np.isfinite(loss):
            self._raise_diverged(f"the loss became {loss}")
        self.n_updates += len(sizes)
        self.loss_curve.append(loss)
        self._improvement.update(loss)
        if self._watch is not None:
            self.validation_scores.append(self._watch.update(*self._trainer.weights()))

    def state(self, *, keep_slots=False):
        """Return what has been reached: the last weights, or the best with early stopping."""
        slots = None
        if self._settings.early_stopping and self._watch.best_weights is not None:
            coefs, intercepts = self._watch.best_weights
        else:
            coefs, intercepts = self._trainer.weights()
            slots = self._trainer.slots() if keep_slots else None
        if not all(np.isfinite(array).all() for array in (*coefs, *intercepts)):
            self._raise_diverged("weights became infinite or NaN")
        return replace(
            self._start,
            coefs=coefs,
            intercepts=intercepts,
            slots=slots,
            n_updates=self.n_updates,
            loss_curve=list(self.loss_curve),
            validation_scores=list(self.validation_scores),
        )

    def _raise_diverged(self, what):
        raise ValueError(
            f"Training diverged: {what} in epoch {len(self.loss_curve) + 1} with "
            f"learning_rate_init={self._settings.learning_rate_init}. Standardise X (put a "
            "StandardScaler before the classifier in a Pipeline), or lower learning_rate_init."
        )

    def _plan(self, generator):
        """Batches of one epoch and how many samples each has."""
        settings, weight = self._settings, self._samples.sample_weight
        n_samples = len(self._samples.X)
        batch_size = min(settings.batch_size, n_samples)
        n_batches = settings.n_batches(n_samples)
        shuffled = generator.permutation(n_samples) if settings.shuffle else np.arange(n_samples)
        order = np.zeros(n_batches * batch_size, dtype=np.int32)
        order[:n_samples] = shuffled
        scales = np.zeros(order.size)
        scales[:n_samples] = 1.0 if weight is None else weight[shuffled]
        sizes = np.full(n_batches, batch_size)
        sizes[-1] = n_samples - batch_size * (n_batches - 1)
        updates = self.n_updates + np.arange(n_batches)
        rates = settings.learning_rate_init / (1.0 + settings.decay * updates)
        shape = (n_batches, batch_size)
        batches = Batches(
            order=order.reshape(shape),
            scales=(scales.reshape(shape) / sizes[:, None]).astype(np.float32),
            rates=rates.astype(np.float32),
            penalties=(0.5 * settings.alpha / sizes).astype(np.float32),
        )
        return batches, sizes


@contextmanager
def training_session(settings, samples, state, validation=None):
    """Borrow a trainer for `samples`, which starts from `state`, and give it back at the end.

    `validation` are samples on which every epoch is scored, or None.
    """
    n_updates = settings.max_iter * settings.n_batches(len(samples.X))
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
        yield TrainingSession(trainer, settings, samples, state, validation)
