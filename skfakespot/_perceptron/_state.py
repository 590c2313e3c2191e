# SPDX-License-Identifier: BSD-3-Clause
"""What training starts from and what it reaches: weights, the optimizer's state, curves."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class TrainingState:
    """Where training continues; `optimizer_state` is None for an optimizer without a past.

    `n_updates` counts the updates since the weights were drawn. The curves have one value for
    each epoch since then.
    """

    coefs: list
    intercepts: list
    optimizer_state: list | None = None
    n_updates: int = 0
    loss_curve: list = field(default_factory=list)
    validation_scores: list = field(default_factory=list)

    @classmethod
    def initial(cls, layer_sizes, generator):
        """Draw Glorot-uniform weights and set biases to zero, in float32, as Keras' Dense does."""
        coefs, intercepts = [], []
        for n_in, n_out in pairwise(layer_sizes):
            limit = np.sqrt(6.0 / (n_in + n_out))
            coefs.append(generator.uniform(-limit, limit, (n_in, n_out)).astype(np.float32))
            intercepts.append(np.zeros(n_out, dtype=np.float32))
        return cls(coefs, intercepts)

    @property
    def layer_sizes(self):
        """Number of features and the width of every layer."""
        return (len(self.coefs[0]), *map(len, self.intercepts))
