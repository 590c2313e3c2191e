# SPDX-License-Identifier: BSD-3-Clause
"""The forward pass of the perceptron and its scores in NumPy, accurate for large logits too."""

import numpy as np
from scipy.special import expit, logsumexp, softmax


def _relu(values):
    return np.maximum(values, 0, out=values)


def _tanh(values):
    return np.tanh(values, out=values)


def _logistic(values):
    return expit(values, out=values)


def _identity(values):
    return values


# Keyed by MLPClassifier's names; each overwrites its argument.
ACTIVATIONS = {"relu": _relu, "tanh": _tanh, "logistic": _logistic, "identity": _identity}


def logits(X, coefs, intercepts, activation):
    """Output before the sigmoid or softmax, (n_samples, n_outputs), in X's precision."""
    activate = ACTIVATIONS[activation]
    hidden = X
    for coef, intercept in zip(coefs[:-1], intercepts[:-1], strict=True):
        hidden = hidden @ coef
        hidden += intercept
        hidden = activate(hidden)
    return hidden @ coefs[-1] + intercepts[-1]


def probabilities(values):
    """Class probabilities (n_samples, n_classes) of logits."""
    if values.shape[1] == 1:
        # 1 - expit(z) would round to 0 where expit(-z) is still above 0.
        return np.hstack([expit(-values), expit(values)])
    return softmax(values, axis=1)


def predicted_classes(values):
    """Index of the most probable class of each sample, (n_samples,), of logits."""
    if values.shape[1] == 1:
        return (values.ravel() > 0).astype(np.intp)
    return values.argmax(axis=1)


def log_odds(values):
    """log(p / (1 - p)) of each class: (n_samples,) for one logit, else (n_samples, n_classes)."""
    n_outputs = values.shape[1]
    if n_outputs == 1:
        return values.ravel()
    others = [logsumexp(np.delete(values, k, axis=1), axis=1) for k in range(n_outputs)]
    return values - np.column_stack(others)


def log_losses(values, y):
    """Cross-entropy of each sample, (n_samples,), of logits and class indices y."""
    if values.shape[1] == 1:
        z = values.ravel()
        return np.logaddexp(0, z) - y * z
    return logsumexp(values, axis=1) - values[np.arange(len(y)), y]
