# SPDX-License-Identifier: BSD-3-Clause
"""When training has stopped improving, and which weights were best."""

import numpy as np

from ._forward import log_losses, logits, predicted_classes


class EpochsWithoutImprovement:
    """Counts the epochs since a quantity last fell by at least `tol`.

    The fall is measured from the last value that counted, not from the last epoch: with a
    small learning rate, a loss may fall by less than `tol` in each epoch, but by much more
    over several.
    """

    def __init__(self, tol):
        self._tol = tol
        self._reference = np.inf
        self.n_epochs = 0

    def update(self, value):
        """Compare the value after one more epoch."""
        if value < self._reference - self._tol:
            self._reference = value
            self.n_epochs = 0
        else:
            self.n_epochs += 1


class ValidationMonitor:
    """Scores every epoch on validation data, and keeps the best weights."""

    def __init__(self, data, activation, tol):
        self._data = data
        self._activation = activation
        self._accuracy, self._loss = EpochsWithoutImprovement(tol), EpochsWithoutImprovement(tol)
        self._best = (-np.inf, -np.inf)
        self.best_weights = None

    @property
    def n_epochs(self):
        """Epochs since the accuracy or the loss last improved."""
        return min(self._accuracy.n_epochs, self._loss.n_epochs)

    def score(self, coefs, intercepts):
        """Return the weights' accuracy and loss; keep the weights if they are the best so far."""
        values = logits(self._data.X, coefs, intercepts, self._activation)
        y, weight = self._data.y, self._data.sample_weight
        accuracy = float(np.average(predicted_classes(values) == y, weights=weight))
        loss = float(np.average(log_losses(values, y), weights=weight))
        if (accuracy, -loss) > self._best:
            self._best = (accuracy, -loss)
            self.best_weights = coefs, intercepts
        return accuracy, loss

    def update(self, coefs, intercepts):
        """Score the weights after one more epoch; return their accuracy."""
        accuracy, loss = self.score(coefs, intercepts)
        self._accuracy.update(-accuracy)
        self._loss.update(loss)
        return accuracy
