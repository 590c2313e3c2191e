# SPDX-License-Identifier: BSD-3-Clause
"""The limits on image files, which environment variables change."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """A number that an environment variable changes; it is read each time it is needed."""

    variable: str
    default: int | float

    def get(self):
        """Return the limit; raise a RuntimeError if the variable is not such a number."""
        number = type(self.default)
        text = os.environ.get(self.variable)
        if text is None:
            return self.default
        try:
            value = number(text)
        except ValueError:
            value = 0
        if not 0 < value < float("inf"):
            raise RuntimeError(
                f"The environment variable {self.variable} is {text!r}; accepted are "
                f"{'integers' if number is int else 'numbers'} above 0, such as {self.default}."
            )
        return value


MAX_PIXELS = Limit("SKFAKESPOT_MAX_IMAGE_PIXELS", 64_000_000)
# Of all images that are being decoded in a process, together.
MAX_BYTES = Limit("SKFAKESPOT_MAX_IMAGE_BYTES", 400_000_000)
# Of the processor, not of the clock, so that it does not depend on what else the machine does.
MAX_SECONDS = Limit("SKFAKESPOT_MAX_IMAGE_SECONDS", 5.0)


def too_many_pixels(width: int, height: int) -> str | None:
    """Say that an image or a frame has too many pixels; None if it has not.

    .. versionadded:: 0.1

    Parameters
    ----------
    width, height : int
        Size of the image in pixels.

    Returns
    -------
    reason : str or None
        What an error says of the image. The limit is 64 million pixels, or the value of the
        environment variable SKFAKESPOT_MAX_IMAGE_PIXELS.

    Raises
    ------
    RuntimeError
        If the environment variable is not an integer above 0.

    Examples
    --------
    >>> from skfakespot.images import too_many_pixels
    >>> too_many_pixels(20_000, 10_000)
    '20000 x 10000 pixels, more than the 64000000 that are accepted (a decompression bomb?); ...'
    >>> print(too_many_pixels(1024, 1024))
    None
    """
    limit = MAX_PIXELS.get()
    if width * height <= limit:
        return None
    return (
        f"{width} x {height} pixels, more than the {limit} that are accepted (a decompression "
        f"bomb?); set the environment variable {MAX_PIXELS.variable} to accept them"
    )
