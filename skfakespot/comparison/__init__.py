# SPDX-License-Identifier: BSD-3-Clause
"""Several detectors on the same folds, in one table and one figure."""

from ._compare import compare_detectors
from ._detectors import list_detectors, make_detectors
from ._display import ComparisonDisplay, figure_size
from ._results import DetectorComparison, DetectorResult

__all__ = [
    "ComparisonDisplay",
    "DetectorComparison",
    "DetectorResult",
    "compare_detectors",
    "figure_size",
    "list_detectors",
    "make_detectors",
]
