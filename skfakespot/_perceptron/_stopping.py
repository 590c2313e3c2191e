"""When training has stopped improving, and which weights were best."""

import numpy as np

from ._arithmetic import log_losses, logits, predicted_classes


class Improvement:
    """Counts the epochs since a quantity last fell by at least `tol`.

    The fall is measured from the last value that counted, not from the last epoch: a
    small learning rate falls by less than `tol` an epoch and yet by much over several.
    """

    def __init__(self, tol):
        self._tol = tol
        self._reference = np.inf
        self.epochs_without = 0

    def update(self, value):
        """Take the value after one more epoch."""
        if value < self._reference - self._tol:
            self._reference = value
            self.epochs_without = 0
        else:
            self.epochs_without += 1


class ValidationWatch:
    """Scores every epoch on samples that training does not see, and keeps the best weights."""

    def __init__(self, samples, activation, tol):
        self._samples = samples
        self._activation = activation
        self._score, self._loss = Improvement(tol), Improvement(tol)
        self._best = (-np.inf, -np.inf)
        self.best_weights = None

    @property
    def epochs_without(self):
        """Epochs since the accuracy or the loss last improved."""
        return min(self._score.epochs_without, self._loss.epochs_without)

    def remember(self, coefs, intercepts):
        """Keep weights if they are the best so far; return their accuracy and loss."""
        values = logits(self._samples.X, coefs, intercepts, self._activation)
        y, weight = self._samples.y, self._samples.sample_weight
        score = float(np.average(predicted_classes(values) == y, weights=weight))
        loss = float(np.average(log_losses(values, y), weights=weight))
        if (score, -loss) > self._best:
            self._best = (score, -loss)
            self.best_weights = coefs, intercepts
        return score, loss

    def update(self, coefs, intercepts):
        """Take the weights after one more epoch; return their accuracy."""
        score, loss = self.remember(coefs, intercepts)
        self._score.update(-score)
        self._loss.update(loss)
        return score
