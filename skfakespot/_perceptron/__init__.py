# SPDX-License-Identifier: BSD-3-Clause
"""A multi-layer perceptron as arrays: trained by Keras, evaluated by NumPy."""

from ._checks import check_layer_sizes, check_partial_classes
from ._fitted import FEATURE_DTYPES, FittedPerceptronMixin
from ._forward import ACTIVATIONS
from ._session import TrainingSettings, training_session
from ._state import TrainingState
from ._training_data import TrainingData, warn_if_unscaled

__all__ = [
    "ACTIVATIONS",
    "FEATURE_DTYPES",
    "FittedPerceptronMixin",
    "TrainingData",
    "TrainingSettings",
    "TrainingState",
    "check_layer_sizes",
    "check_partial_classes",
    "training_session",
    "warn_if_unscaled",
]
