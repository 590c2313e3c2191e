# SPDX-License-Identifier: BSD-3-Clause
"""Keras models as an architecture and arrays, whose pickles can be hashed and compared."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._keras import import_keras, keep_global_random_state, weights_of


@dataclass(frozen=True)
class ModelArrays:
    """A Keras model as its architecture in JSON and its weights as NumPy arrays."""

    architecture: str
    weights: tuple[np.ndarray, ...]


def model_to_arrays(value: Any) -> Any:
    """Turn a Keras model into `ModelArrays`; return anything else as it is.

    Keras' own pickles are archives that contain the time, so that no two of them are equal.
    """
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(value, keras.Model):
        return value
    return ModelArrays(value.to_json(), tuple(weights_of(value)))


def model_from_arrays(value: Any) -> Any:
    """Turn `ModelArrays` into a Keras model; return anything else as it is."""
    if not isinstance(value, ModelArrays):
        return value
    with keep_global_random_state():
        model = import_keras().models.model_from_json(value.architecture)
    model.set_weights(value.weights)
    return model
