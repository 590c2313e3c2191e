# SPDX-License-Identifier: BSD-3-Clause
"""The face of an image as an element of X: cut out when it is read, or missing."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._recipe import Recipe, RecipeError
from .._resampling import stretch_pixels
from ._pixels import VERSION, crop_square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._typing import ImageLike


@dataclass(frozen=True, slots=True)
class FaceCrop(Recipe):
    """An image together with a square that is cut out of it when the image is read.

    X may hold it wherever X may hold its source. It takes a few hundred bytes; the threads that
    read X decode the image, and cut the square out and scale it to the network's size in one
    resampling. Outside the image a crop is black. A `PerturbedImage` of it is cut out first, at
    its own size, and then perturbed. :func:`skfakespot.images.load_image` returns its pixels, as
    many as the square has in the image.

    .. versionadded:: 0.1

    Parameters
    ----------
    source : str, os.PathLike, bytes, io.BytesIO, PIL.Image.Image, PerturbedImage or \
            array-like of shape (H, W, 3) or (H, W)
        The image. A path is kept as str.
    x, y : float
        The centre of the square, in pixels. The centre of the first pixel is (0, 0).
    side : float
        Its side, in pixels of the image, more than 0.
    angle : float, default=0.0
        By how much the square is turned, clockwise, in degrees. A face that is turned like this
        is upright in the crop.
    size : None or int, default=None
        If given, the crop is first scaled to this height and width, and then to the network's
        size. None for one resampling only.

    Raises
    ------
    ValueError
        If a number is not finite, `side` is not above 0, or `size` is no integer from 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.faces import FaceCrop
    >>> from skfakespot.images import load_image
    >>> image = np.arange(48, dtype="uint8").reshape(6, 8)
    >>> load_image(FaceCrop(image, x=4.5, y=2.5, side=2))[..., 0]
    array([[20, 21],
           [28, 29]], dtype=uint8)
    """

    source: ImageLike
    x: float
    y: float
    side: float
    angle: float = 0.0
    size: int | None = None

    def __post_init__(self):
        _keep_path_as_text(self)
        for name in ("x", "y", "side", "angle"):
            value = float(getattr(self, name))
            if not math.isfinite(value) or (name == "side" and value <= 0):
                accepted = "finite numbers" + " above 0" * (name == "side")
                raise ValueError(f"{name}={value!r} of a FaceCrop; accepted are {accepted}.")
            object.__setattr__(self, name, value)
        if self.size is not None and (self.size != int(self.size) or self.size < 1):
            raise ValueError(
                f"size={self.size!r} of a FaceCrop; accepted are None and integers from 1."
            )

    @property
    def square(self) -> tuple[float, float, float, float]:
        """X and y of the centre, the side, and the angle."""
        return self.x, self.y, self.side, self.angle

    @property
    def own_size(self) -> tuple[int, int]:
        """Height and width of the crop where no other size is asked for."""
        side = self.size or max(1, round(self.side))
        return side, side

    @property
    def corners(self) -> NDArray[np.float64]:
        """X and y of the corners in the image, (4, 2): those of the crop from the upper left."""
        cosine, sine = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        matrix = self.side / 2 * np.array([[cosine, -sine], [sine, cosine]])
        return (self.x, self.y) + np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) @ matrix.T

    @property
    def identity(self) -> str:
        """Text that is the same for two crops of an image only if their pixels are."""
        return f"face crop {VERSION} {self.square!r} {self.size}"

    def _identity(self):
        return self.identity

    def _make(self, pixels, image_sizes):
        try:
            if self.size is not None:
                pixels = crop_square(pixels, self.square, self.own_size)
                return stretch_pixels(pixels, image_sizes)
            sizes = (size or self.own_size for size in image_sizes)
            return tuple(crop_square(pixels, self.square, size) for size in sizes)
        except (ValueError, MemoryError) as error:  # such as more pixels than Pillow can count
            raise RecipeError(f"it cannot be cropped ({error or 'out of memory'})") from error


@dataclass(frozen=True, slots=True)
class MissingFace(Recipe):
    """An image in which no face was found, in the place of its `FaceCrop` in X.

    Reading it raises `skfakespot.images.ImageError` with the name of the image, so that it is
    handled as an image that cannot be read: with ``on_error="nan"`` its row is NaN.

    .. versionadded:: 0.1

    Parameters
    ----------
    source : str, os.PathLike, bytes, io.BytesIO, PIL.Image.Image, PerturbedImage or \
            array-like of shape (H, W, 3) or (H, W)
        The image. A path is kept as str.
    reason : str, default="no face was found in it"
        Why there is no crop.

    Examples
    --------
    >>> from skfakespot.faces import MissingFace
    >>> from skfakespot.images import load_image
    >>> load_image(MissingFace("landscape.jpg"))
    Traceback (most recent call last):
    ...
    skfakespot.images._errors.ImageError: landscape.jpg: no face was found in it
    """

    source: ImageLike
    reason: str = "no face was found in it"

    def __post_init__(self):
        _keep_path_as_text(self)

    def _reason_missing(self):
        return self.reason


def _keep_path_as_text(recipe):
    if isinstance(recipe.source, os.PathLike):
        object.__setattr__(recipe, "source", os.fsdecode(recipe.source))
