"""Perturbations of one image's pixels: the paper's four kinds, levels of them by name, and recipes.

This room works on arrays of pixels and on seeds. It knows nothing of files, X or estimators.
"""

from ._levels import KINDS, PRESETS, as_perturbation, perturbations_of
from ._perturbation import Perturbation
from ._perturbed_image import PerturbedImage

__all__ = [
    "KINDS",
    "PRESETS",
    "Perturbation",
    "PerturbedImage",
    "as_perturbation",
    "perturbations_of",
]
