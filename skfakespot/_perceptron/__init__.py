"""A multi-layer perceptron as arrays: trained by Keras, evaluated by NumPy."""

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
    "training_session",
    "warn_if_unscaled",
]
