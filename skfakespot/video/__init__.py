# SPDX-License-Identifier: BSD-3-Clause
"""Videos: their frames as images in X, and their scores from the scores of their frames."""

from ._aggregation import UnscoredGroupWarning, aggregate_labels, aggregate_scores
from ._classifier import VideoClassifier
from ._expansion import expand_videos
from ._frame import VideoFrame
from ._read_frames import read_frames
from ._scores import VideoScore, iter_video_scores, score_videos

__all__ = [
    "UnscoredGroupWarning",
    "VideoClassifier",
    "VideoFrame",
    "VideoScore",
    "aggregate_labels",
    "aggregate_scores",
    "expand_videos",
    "iter_video_scores",
    "read_frames",
    "score_videos",
]
