# SPDX-License-Identifier: BSD-3-Clause
"""The base class of images whose pixels are made when X is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ._headers import Header


class LazyImage(ABC):
    """An image whose pixels are made when X is read; X may hold it wherever it may hold a path.

    A subclass holds what its pixels are made of, such as the path of a video and a time. It should
    be small and immutable, and it must be picklable, because worker processes get it.

    .. versionadded:: 0.1

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.images import LazyImage, load_image
    >>> class Grey(LazyImage):
    ...     name = "grey"
    ...
    ...     def load(self):
    ...         return np.full((2, 2, 3), 127, dtype=np.uint8)
    ...
    ...     def digest(self):
    ...         return b"127, 2 x 2 pixels"[:16]
    >>> load_image(Grey()).shape
    (2, 2, 3)
    """

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the image in error messages (str)."""

    @abstractmethod
    def load(self) -> NDArray[np.uint8]:
        """Make the pixels: ndarray of shape (H, W, 3), uint8, in any thread.

        Raises
        ------
        ImageError
            If they cannot be made.
        """

    @abstractmethod
    def digest(self) -> bytes | None:
        """Return 16 bytes that depend on the content of the image; None if it cannot be read."""

    def header(self) -> Header | None:
        """Return the `Header` of the file that the image is from; None if there is no file.

        None, the default, makes `read_header` load the image for its height and width.

        Raises
        ------
        ImageError
            If the file cannot be read.
        """
        return None
