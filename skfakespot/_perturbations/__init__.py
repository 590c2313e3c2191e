# SPDX-License-Identifier: BSD-3-Clause
"""Perturbations of one image's pixels: the paper's four kinds, up-sampling, and recipes of them.

This room works on arrays of pixels and on seeds. It knows nothing of files, X or estimators.
"""

from ._levels import PRESETS, as_perturbation, perturbations_of
from ._perturbation import KINDS, Perturbation, did_you_mean
from ._perturbed_image import PerturbedImage
from ._upsampling import UPSAMPLING_STAGES, Upsampling, double_size, draw_kernel

__all__ = [
    "KINDS",
    "PRESETS",
    "UPSAMPLING_STAGES",
    "Perturbation",
    "PerturbedImage",
    "Upsampling",
    "as_perturbation",
    "did_you_mean",
    "double_size",
    "draw_kernel",
    "perturbations_of",
]
