# SPDX-License-Identifier: BSD-3-Clause
"""The score of one image, and the lines of scores in CSV files."""

from __future__ import annotations

import csv
import io
import math
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Mapping


class ImageScore(NamedTuple):
    r"""What a detector says of one image.

    .. versionadded:: 0.1

    Parameters
    ----------
    path : str
        The path of the image, or such as "image 3 of X" if it has none. Bytes of a path that are
        not UTF-8 text are written with a backslash, so that every file format can hold them.
    probability : float
        The probability that the image is fake, in [0, 1]; NaN if it has no score.
    label : {"fake", "real"} or None
        "fake" if the probability is at least the threshold; None if the image has no score.
    error : str or None
        Why the image has no score; None if it has one.

    Examples
    --------
    >>> from skfakespot.scoring import ImageScore
    >>> score = ImageScore("Ann, 2024.jpg", 0.75, "fake", None)
    >>> score.label
    'fake'
    >>> score.to_csv()
    '"Ann, 2024.jpg",0.75,fake,\n'
    """

    path: str
    probability: float
    label: Literal["fake", "real"] | None
    error: str | None

    def to_csv(self) -> str:
        """Write the score as a line of a CSV file; what is missing is an empty field.

        Returns
        -------
        line : str
            The line, with a line feed at its end.

        Examples
        --------
        >>> from skfakespot.scoring import ImageScore
        >>> ImageScore("face.png", 0.75, "fake", None).to_csv().strip()
        'face.png,0.75,fake,'
        """
        return csv_line(self)


def label_of(probability: float, threshold: float) -> Literal["fake", "real"] | None:
    """Return "fake" or "real", or None if the probability is NaN.

    .. versionadded:: 0.1

    Parameters
    ----------
    probability : float
        The probability of fake, in [0, 1], or NaN.
    threshold : float
        The least probability that is labelled "fake".

    Returns
    -------
    label : {"fake", "real"} or None
        The label.

    Examples
    --------
    >>> from skfakespot.scoring import label_of
    >>> label_of(0.5, 0.5), label_of(0.4, 0.5), label_of(float("nan"), 0.5)
    ('fake', 'real', None)
    """
    if math.isnan(probability):
        return None
    return "fake" if probability >= threshold else "real"


def without_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dict with None in place of NaN, which CSV and JSON do not have.

    .. versionadded:: 0.1

    Parameters
    ----------
    values : dict
        Values by name.

    Returns
    -------
    values : dict
        A new dict.

    Examples
    --------
    >>> from skfakespot.scoring import without_nan
    >>> without_nan({"path": "face.png", "probability": float("nan")})
    {'path': 'face.png', 'probability': None}
    """
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in values.items()
    }


@cache
def types_of_fields(score_type):
    """Return the type of each field of a kind of score."""
    return get_type_hints(score_type)


def csv_header(score_type):
    """Return the first line of a CSV file of scores."""
    return ",".join(score_type._fields) + "\n"


def csv_line(score: NamedTuple) -> str:
    """Return the line of a score in a CSV file; what is missing is an empty field.

    .. versionadded:: 0.1

    Parameters
    ----------
    score : ImageScore or VideoScore
        The score.

    Returns
    -------
    line : str
        The line, with a line feed at its end.

    Examples
    --------
    >>> from skfakespot.scoring import ImageScore, csv_line
    >>> csv_line(ImageScore("face.png", 0.75, "fake", None)).strip()
    'face.png,0.75,fake,'
    """
    buffer = io.StringIO()
    # The writer quotes the characters of its line end, so that a path may contain both.
    csv.writer(buffer, lineterminator="\r\n").writerow(without_nan(score._asdict()).values())
    return buffer.getvalue().removesuffix("\r\n") + "\n"


def score_from_fields(fields, score_type):
    """Make a score of the fields of a CSV line; raise ValueError if they are not one."""
    types = types_of_fields(score_type).values()
    return score_type(*(_parse(text, kind) for text, kind in zip(fields, types, strict=True)))


def _parse(text, kind):
    if kind is float:
        return float(text) if text else math.nan
    if kind is int:
        return int(text)
    return text if kind is str else text or None
