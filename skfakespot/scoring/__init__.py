# SPDX-License-Identifier: BSD-3-Clause
"""Scores of many images by a fitted detector, in a table or a file."""

from ._files import open_scores
from ._score import ImageScore, csv_line, label_of, without_nan
from ._scores import iter_scores, score_images
from ._table import as_table

__all__ = [
    "ImageScore",
    "as_table",
    "csv_line",
    "iter_scores",
    "label_of",
    "open_scores",
    "score_images",
    "without_nan",
]
