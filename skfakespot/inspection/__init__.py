"""Why a detector calls a face fake: which layers count, and which training faces are similar."""

from ._layer_importance import layer_importance
from ._layer_importance_display import LayerImportanceDisplay
from ._layers import LayerCard, list_layers
from ._nearest import TrainingImageIndex, TrainingNeighbor, nearest_training_images

__all__ = [
    "LayerCard",
    "LayerImportanceDisplay",
    "TrainingImageIndex",
    "TrainingNeighbor",
    "layer_importance",
    "list_layers",
    "nearest_training_images",
]
