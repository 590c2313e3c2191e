"""Scores of many images by a fitted detector, in a table or a file."""

from ._score import ImageScore
from ._scores import iter_scores, score_images

__all__ = ["ImageScore", "iter_scores", "score_images"]
