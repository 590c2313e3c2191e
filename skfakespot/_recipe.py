# SPDX-License-Identifier: BSD-3-Clause
"""The base class of the elements of X that are made of another image when X is read."""

from typing import TYPE_CHECKING, Any


class RecipeError(Exception):
    """Why an image cannot be made of its source, as the end of a sentence: ``str(error)``."""


class Recipe:
    """An image as its `source`, which is itself an element of X, and what is made of it.

    The methods are for `skfakespot.images`, which reads the source. Subclasses are dataclasses.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        source: Any

    def _name(self, source_name):
        """Name in error messages, given that of the source."""
        return source_name

    def _reason_missing(self):
        """Why there is no image, so that its source is not read; None if there is one."""

    def _identity(self):
        """Text that two recipes with equal pixels of one source share; None if it is unknown."""

    def _bytes_a_pixel(self):
        """Memory that `_make` takes beside the pixels of the source, in bytes for each."""
        return 8

    def _make(self, pixels, image_sizes):
        """Make the image of the pixels of the source, in each size; None is its own size.

        Raises
        ------
        RecipeError
            If it cannot be made.
        """
        raise NotImplementedError
