# SPDX-License-Identifier: BSD-3-Clause
"""Spot AI-made faces by the neuron coverage of a face-recognition network."""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import augmentation as augmentation
    from . import backbones as backbones
    from . import classifier as classifier
    from . import cli as cli
    from . import comparison as comparison
    from . import coverage as coverage
    from . import datasets as datasets
    from . import engine as engine
    from . import faces as faces
    from . import images as images
    from . import inspection as inspection
    from . import metrics as metrics
    from . import missing as missing
    from . import model_selection as model_selection
    from . import pipeline as pipeline
    from . import preprocessing as preprocessing
    from . import ridge as ridge
    from . import rivals as rivals
    from . import robustness as robustness
    from . import scoring as scoring
    from . import video as video
    from ._cache import clear_caches
    from ._network import count_network_images
    from ._probability import fake_probability
    from ._trusted_types import trusted_types
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
    "trusted_types",
]

# Each name is imported at its first use, because all of them together take a second.
_MODULES = {
    "DualRidgeClassifier": ".ridge",
    "FakeSpotterClassifier": ".classifier",
    "NeuronCoverageTransformer": ".coverage",
    "PerturbationAugmenter": ".augmentation",
    "SkipMissingClassifier": ".missing",
    "clear_caches": "._cache",
    "count_network_images": "._network",
    "fake_probability": "._probability",
    "make_fakespotter": ".pipeline",
    "score_images": ".scoring",
    "trusted_types": "._trusted_types",
}


if not TYPE_CHECKING:  # with it, type checkers would accept every name

    def __getattr__(name):
        if name in _MODULES:
            globals()[name] = value = getattr(import_module(_MODULES[name], __name__), name)
            return value
        if name in _public_submodules():
            return import_module(f".{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({"__version__", *__all__, *_public_submodules()})


def _public_submodules():
    return {module.name for module in iter_modules(__path__) if module.name[0] != "_"}
