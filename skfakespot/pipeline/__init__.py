# SPDX-License-Identifier: BSD-3-Clause
"""The whole detector as one scikit-learn Pipeline."""

from importlib import import_module
from typing import TYPE_CHECKING

from ._detector import DetectorPipeline

if TYPE_CHECKING:
    from ._augmented import AugmentedPipeline
    from ._make import make_fakespotter

# Imported at first use, because a saved detector needs neither imbalanced-learn nor these names.
_MODULES = {"AugmentedPipeline": "._augmented", "make_fakespotter": "._make"}

__all__ = ["AugmentedPipeline", "DetectorPipeline", "make_fakespotter"]


if not TYPE_CHECKING:  # with it, type checkers would accept every name

    def __getattr__(name):
        if name in _MODULES:
            globals()[name] = value = getattr(import_module(_MODULES[name], __name__), name)
            return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
