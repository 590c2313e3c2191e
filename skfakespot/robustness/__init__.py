# SPDX-License-Identifier: BSD-3-Clause
"""Robustness curves: the score of a detector on perturbed faces, and its drawing."""

from ._curve import PAPER_MEAN_DROP, mean_drop, robustness_curve
from ._display import RobustnessCurveDisplay, figure_size

__all__ = [
    "PAPER_MEAN_DROP",
    "RobustnessCurveDisplay",
    "figure_size",
    "mean_drop",
    "robustness_curve",
]
