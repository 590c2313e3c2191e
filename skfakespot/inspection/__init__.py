"""Why a detector calls a face fake: where its neurons are active, and what speaks for fake."""

from ._activation_maps import ActivationMaps, activation_map
from ._evidence import EvidenceMaps, evidence_map
from ._explanation_display import ExplanationDisplay
from ._faithfulness import faithfulness

__all__ = [
    "ActivationMaps",
    "EvidenceMaps",
    "ExplanationDisplay",
    "activation_map",
    "evidence_map",
    "faithfulness",
]
