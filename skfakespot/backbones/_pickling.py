"""Networks as architecture and arrays, so that pickles are safe to hash and to compare."""

import sys
from dataclasses import dataclass

import numpy as np

from .._keras import import_keras, keep_global_random_state, weights_of


@dataclass(frozen=True)
class FrozenModel:
    """A Keras model as its architecture in JSON and its weights as NumPy arrays."""

    architecture: str
    weights: tuple[np.ndarray, ...]


def freeze(value):
    """Turn a Keras model into a `FrozenModel`; return anything else as it is.

    Keras' own pickles are archives with the time in them, which differ at each call.
    """
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(value, keras.Model):
        return value
    return FrozenModel(value.to_json(), tuple(weights_of(value)))


def thaw(value):
    """Turn a `FrozenModel` into a Keras model; return anything else as it is."""
    if not isinstance(value, FrozenModel):
        return value
    with keep_global_random_state():
        model = import_keras().models.model_from_json(value.architecture)
    model.set_weights(value.weights)
    return model
