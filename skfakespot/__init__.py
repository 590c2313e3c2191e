"""Spot AI-made faces by the neuron coverage of a face-recognition network."""

from ._cache import clear_caches
from ._network import count_network_images
from ._probability import fake_probability
from .augmentation import PerturbationAugmenter
from .classifier import FakeSpotterClassifier
from .coverage import NeuronCoverageTransformer
from .missing import SkipMissingClassifier
from .pipeline import make_fakespotter
from .ridge import DualRidgeClassifier
from .scoring import score_images

__version__ = "0.1.0.dev0"

__all__ = [
    "DualRidgeClassifier",
    "FakeSpotterClassifier",
    "NeuronCoverageTransformer",
    "PerturbationAugmenter",
    "SkipMissingClassifier",
    "clear_caches",
    "count_network_images",
    "fake_probability",
    "make_fakespotter",
    "score_images",
]
