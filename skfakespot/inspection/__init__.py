# SPDX-License-Identifier: BSD-3-Clause
"""Why a detector calls a face fake: what in it counts, which layers, and similar training faces."""

from ._activation_maps import ActivationMaps, activation_map
from ._evidence import EvidenceMaps, evidence_map
from ._explanation_display import ExplanationDisplay
from ._faithfulness import faithfulness
from ._layer_importance import layer_importance
from ._layer_importance_display import LayerImportanceDisplay
from ._layers import LayerCard, list_layers
from ._nearest import TrainingImageIndex, TrainingNeighbor, nearest_training_images

__all__ = [
    "ActivationMaps",
    "EvidenceMaps",
    "ExplanationDisplay",
    "LayerCard",
    "LayerImportanceDisplay",
    "TrainingImageIndex",
    "TrainingNeighbor",
    "activation_map",
    "evidence_map",
    "faithfulness",
    "layer_importance",
    "list_layers",
    "nearest_training_images",
]
