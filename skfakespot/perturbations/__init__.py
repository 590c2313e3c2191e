"""What is done to the pixels of one image: the paper's four attacks, and levels of them.

This room knows arrays of pixels and seeds; it knows nothing of files, X or estimators.
"""

from ._levels import KINDS, PRESETS, as_perturbation, perturbations_of
from ._perturbation import Perturbation

__all__ = ["KINDS", "PRESETS", "Perturbation", "as_perturbation", "perturbations_of"]
