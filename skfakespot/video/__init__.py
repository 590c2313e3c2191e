"""Scores of videos, or of any other groups of images, from the scores of their frames."""

from ._aggregation import UnscoredGroupWarning, aggregate_labels, aggregate_scores
from ._classifier import VideoClassifier

__all__ = ["UnscoredGroupWarning", "VideoClassifier", "aggregate_labels", "aggregate_scores"]
