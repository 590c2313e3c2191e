# SPDX-License-Identifier: BSD-3-Clause
"""Metrics of fake detection, with fake as the positive class."""

from .._labels import fake_label
from ._report import ReversedScoresWarning, fake_detection_report
from ._scores import equal_error_rate, fake_detection_scorers, tpr_at_fpr_score

__all__ = [
    "ReversedScoresWarning",
    "equal_error_rate",
    "fake_detection_report",
    "fake_detection_scorers",
    "fake_label",
    "tpr_at_fpr_score",
]
