"""Networks whose neurons are watched: built by name, with their preprocessing and licence."""

from ._backbone import Backbone, BackboneError, Preprocessing
from ._pickling import freeze, thaw
from ._registry import (
    BackboneCard,
    describe_backbones,
    list_backbones,
    load_backbone,
    resolve_backbone,
)

__all__ = [
    "Backbone",
    "BackboneCard",
    "BackboneError",
    "Preprocessing",
    "describe_backbones",
    "freeze",
    "list_backbones",
    "load_backbone",
    "resolve_backbone",
    "thaw",
]
