# SPDX-License-Identifier: BSD-3-Clause
"""The error and the warning for an image that cannot be read."""

from __future__ import annotations


class ImageError(ValueError):
    """An image that cannot be read, and why; the parameters are attributes too.

    .. versionadded:: 0.1

    Parameters
    ----------
    source : str
        The file's path, or the position such as ``"image 3 of X"``.
    reason : str
        Why it cannot be read.

    Examples
    --------
    >>> from skfakespot.images import ImageError
    >>> error = ImageError("face.png", "the file is empty (0 bytes)")
    >>> str(error)
    'face.png: the file is empty (0 bytes)'
    """

    # pickle calls the constructor with `args`.
    def __init__(self, source: str, reason: str) -> None:
        super().__init__(source, reason)
        self.source, self.reason = source, reason

    def __str__(self):
        return f"{self.source}: {self.reason}"


class UnreadableImageWarning(UserWarning):
    """An image that was left out because it cannot be read (``on_error="nan"``).

    .. versionadded:: 0.1

    Parameters
    ----------
    source, reason : str
        See `ImageError`; all parameters are attributes too.
    index : int
        Its position in X, and so the row of the result that is NaN.

    Examples
    --------
    >>> from skfakespot.images import UnreadableImageWarning
    >>> str(UnreadableImageWarning("face.png", "no such file", 3))
    'face.png: no such file. Row 3 of the result is NaN.'
    """

    def __init__(self, source: str, reason: str, index: int) -> None:
        super().__init__(source, reason, index)
        self.source, self.reason, self.index = source, reason, index

    def __str__(self):
        return f"{self.source}: {self.reason}. Row {self.index} of the result is NaN."


class BombError(Exception):
    """Why an image takes more memory or time than is allowed, as the end of a sentence."""
