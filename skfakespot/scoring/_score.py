"""The score of one image, and its line in a CSV file."""

import csv
import io
import math
from typing import NamedTuple


class ImageScore(NamedTuple):
    r"""What a detector says of one image.

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
    label: str | None
    error: str | None

    def to_csv(self):
        """Write the score as a line of a CSV file; what is missing is an empty field.

        Returns
        -------
        line : str
            The line, with a line feed at its end.
        """
        probability = None if math.isnan(self.probability) else self.probability
        buffer = io.StringIO()
        # The writer quotes the characters of its line end, so that a path may contain both.
        csv.writer(buffer, lineterminator="\r\n").writerow(self._replace(probability=probability))
        return buffer.getvalue().removesuffix("\r\n") + "\n"


CSV_HEADER = ",".join(ImageScore._fields) + "\n"


def score_from_fields(fields):
    """Make an `ImageScore` of the fields of a CSV line; raise ValueError if they are not one."""
    path, probability, label, error = fields
    probability = float(probability) if probability else math.nan
    return ImageScore(path, probability, label or None, error or None)
