"""Scores of many images by a fitted detector, in a table or a file."""

from ._score import ImageScore
from ._scores import iter_scores, score_images
from ._table import as_table

__all__ = ["ImageScore", "as_table", "iter_scores", "score_images"]
