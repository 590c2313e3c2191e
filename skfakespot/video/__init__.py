"""From scores of frames to scores of videos, or of any other groups of images."""

from ._aggregation import UnscoredGroupWarning, aggregate_labels, aggregate_scores
from ._classifier import VideoClassifier

__all__ = ["UnscoredGroupWarning", "VideoClassifier", "aggregate_labels", "aggregate_scores"]
