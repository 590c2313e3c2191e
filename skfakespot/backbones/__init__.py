# SPDX-License-Identifier: BSD-3-Clause
"""Networks whose neurons are read: built by name, with their preprocessing and licence."""

from ._backbone import Backbone, BackboneCard, BackboneError, Preprocessing
from ._pickling import model_from_arrays, model_to_arrays
from ._registry import describe_backbones, list_backbones, load_backbone, resolve_backbone

__all__ = [
    "Backbone",
    "BackboneCard",
    "BackboneError",
    "Preprocessing",
    "describe_backbones",
    "list_backbones",
    "load_backbone",
    "model_from_arrays",
    "model_to_arrays",
    "resolve_backbone",
]
