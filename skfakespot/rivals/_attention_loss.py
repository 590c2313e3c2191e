# SPDX-License-Identifier: BSD-3-Clause
"""Attention pooling with a logistic head: what it gives, and its loss with the gradient.

A map has n_places places with n_channels channels each. The attention of a place x is
a(x) = sigmoid(attention @ x + offset). The pooled map is the mean of its places, weighted by their
attention, and the log-odds are linear in it.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit
from sklearn.utils import gen_batches

# Maps are converted to float64 a few at a time.
_BLOCK_ELEMENTS = 2**20


class Weights(NamedTuple):
    """Weights on the channels, (n_channels,), and constants: of the attention and of the head."""

    attention: np.ndarray
    offset: float
    head: np.ndarray
    intercept: float

    @classmethod
    def of_vector(cls, vector):
        """Read them from one vector of 2 * n_channels + 2 numbers."""
        n_channels = len(vector) // 2 - 1
        attention, head = vector[:n_channels], vector[n_channels : 2 * n_channels]
        return cls(attention, vector[-2], head, vector[-1])

    def for_unscaled(self, mean, scale):
        """Return the weights that give the same for maps that are not standardised."""
        attention, head = self.attention / scale, self.head / scale
        return Weights(
            attention, self.offset - attention @ mean, head, self.intercept - head @ mean
        )


def blocks(maps):
    """Yield slices of samples, and their places in float64, (n_samples, n_places, n_channels)."""
    n_samples, n_places, n_channels = maps.shape
    for rows in gen_batches(n_samples, max(1, _BLOCK_ELEMENTS // (n_places * n_channels))):
        yield rows, maps[rows].astype(np.float64)


def attend(maps, weights):
    """Return the attention of each place, (n_samples, n_places), float64."""
    attention = np.empty(maps.shape[:2])
    for rows, places in blocks(maps):
        attention[rows] = expit(places @ weights.attention + weights.offset)
    return attention


def log_odds(maps, weights):
    """Return the log-odds of each map, (n_samples,), float64."""
    values = np.empty(len(maps))
    for rows, places in blocks(maps):
        values[rows] = _Block(places, weights).values
    return values


def standardisation(maps, shares):
    """Return mean and standard deviation of each channel over all places; 1 for no deviation.

    The weights of the samples, `shares`, have the sum 1.
    """
    mean = np.zeros(maps.shape[2])
    for rows, places in blocks(maps):
        mean += shares[rows] @ places.mean(axis=1)
    variance = np.zeros(maps.shape[2])
    for rows, places in blocks(maps):
        variance += shares[rows] @ ((places - mean) ** 2).mean(axis=1)
    scale = np.sqrt(variance)
    # The deviation of a constant channel is a rounding error.
    scale[scale <= 1e-7 * np.abs(mean)] = 1.0
    scale[scale == 0] = 1.0
    return mean, scale


class AttentionLoss:
    """The loss of weights for standardised maps, as a function of one vector.

    It is the mean logistic loss, plus half the squares of the weights on channels times `penalty`.

    Parameters
    ----------
    maps : ndarray of shape (n_samples, n_places, n_channels)
    targets : ndarray of shape (n_samples,)
        -1 and +1.
    shares : ndarray of shape (n_samples,)
        Weights of the samples, of sum 1.
    penalty : float
    """

    def __init__(self, maps, targets, shares, penalty):
        self._maps, self._targets, self._shares, self._penalty = maps, targets, shares, penalty
        self.mean, self.scale = standardisation(maps, shares)

    def __call__(self, vector):
        """Return the loss and its gradient, of the same shape as the vector."""
        weights = Weights.of_vector(vector).for_unscaled(self.mean, self.scale)
        loss, n_channels = 0.0, self._maps.shape[2]
        # Sums over places of the attention's and of the head's gradient, times the channels.
        by_channel, sums = np.zeros((2, n_channels)), np.zeros(2)
        for rows, places in blocks(self._maps):
            block = _Block(places, weights)
            margins = self._targets[rows] * block.values
            loss += self._shares[rows] @ np.logaddexp(0, -margins)
            slopes = -self._shares[rows] * self._targets[rows] * expit(-margins)
            by_place = block.gradients(slopes)
            by_channel += by_place.reshape(2, -1) @ places.reshape(-1, n_channels)
            sums += by_place.sum(axis=(1, 2))
        scaled = (by_channel - sums[:, None] * self.mean) / self.scale
        attention, _, head, _ = Weights.of_vector(vector)
        loss += self._penalty / 2 * (attention @ attention + head @ head)
        scaled += self._penalty * np.stack([attention, head])
        return loss, np.concatenate([scaled.ravel(), sums])


class _Block:
    """What weights give for some maps."""

    def __init__(self, places, weights):
        both = places @ np.column_stack([weights.attention, weights.head])
        self._attention = expit(both[..., 0] + weights.offset)
        self._from_place = both[..., 1] + weights.intercept
        # The sum is 0 where the attention of all places is.
        total = self._attention.sum(axis=1, keepdims=True)
        equal = 1 / self._attention.shape[1]
        self._share = np.divide(
            self._attention, total, out=np.full_like(self._attention, equal), where=total > 0
        )
        self.values = (self._share * self._from_place).sum(axis=1)

    def gradients(self, slopes):
        """Gradient by the attention's argument and by the head's value of each place.

        `slopes` is the gradient by the values; the result has the shape (2, n_samples, n_places).
        """
        by_head = slopes[:, None] * self._share
        deviation = self._from_place - self.values[:, None]
        return np.stack([by_head * deviation * (1 - self._attention), by_head])
