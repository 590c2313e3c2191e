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

    .. versionadded:: 0.1

    Parameters
    ----------
    value : object
        A Keras model, or anything else.

    Returns
    -------
    value : ModelArrays or object
        Its architecture in JSON and its weights, or what was given.

    Examples
    --------
    >>> import keras
    >>> from skfakespot.backbones import model_to_arrays
    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> [weights.shape for weights in model_to_arrays(network).weights]
    [(2, 3), (3,)]
    >>> model_to_arrays("dlib-resnet29")
    'dlib-resnet29'
    """
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(value, keras.Model):
        return value
    return ModelArrays(value.to_json(), tuple(weights_of(value)))


def model_from_arrays(value: Any) -> Any:
    """Turn `ModelArrays` into a Keras model; return anything else as it is.

    .. versionadded:: 0.1

    Parameters
    ----------
    value : object
        The `ModelArrays` that `model_to_arrays` returned, or anything else.

    Returns
    -------
    value : keras.Model or object
        The model, or what was given.

    Examples
    --------
    >>> import keras
    >>> from skfakespot.backbones import model_from_arrays, model_to_arrays
    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> model_from_arrays(model_to_arrays(network)).output_shape
    (None, 3)
    """
    if not isinstance(value, ModelArrays):
        return value
    with keep_global_random_state():
        model = import_keras().models.model_from_json(value.architecture)
    model.set_weights(value.weights)
    return model
