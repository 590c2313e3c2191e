"""A multi-layer perceptron as arrays: trained by Keras, evaluated by NumPy."""

from ._arithmetic import ACTIVATIONS, log_odds, logits, predicted_classes, probabilities
from ._network import build_network, set_weights
from ._samples import Samples, as_float32, looks_unscaled, normalised, weight_by_class
from ._session import TrainingSettings, TrainingState, training_session
from ._split import validation_split

__all__ = [
    "ACTIVATIONS",
    "Samples",
    "TrainingSettings",
    "TrainingState",
    "as_float32",
    "build_network",
    "log_odds",
    "logits",
    "looks_unscaled",
    "normalised",
    "predicted_classes",
    "probabilities",
    "set_weights",
    "training_session",
    "validation_split",
    "weight_by_class",
]
