# SPDX-License-Identifier: BSD-3-Clause
"""An image together with a perturbation that is applied when the image is read."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._recipe import Recipe, RecipeError
from .._resampling import stretch_pixels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .._typing import ImageLike


@dataclass(frozen=True, slots=True)
class PerturbedImage(Recipe):
    """An image together with a perturbation that is applied when the image is read.

    X may hold it wherever X may hold its source. It takes a few hundred bytes; the threads that
    read X decode and perturb it. :func:`skfakespot.images.load_image` returns its pixels. Two of
    them with equal attributes have equal pickles and hashes (:func:`joblib.hash`).

    .. versionadded:: 0.1

    Parameters
    ----------
    source : str, os.PathLike, bytes, io.BytesIO, PIL.Image.Image or \
            array-like of shape (H, W, 3) or (H, W)
        The image. A path is kept as str.
    perturbation : callable
        Such as `skfakespot.augmentation.Perturbation`. ``perturbation(pixels, seed)`` takes and
        returns RGB pixels (H, W, 3), uint8, and returns the same for the same arguments. It may
        have an attribute `identity`, a str that no other perturbation has: then the content of
        the image is known without perturbing it.
    seed : int
        Seed of the perturbation's random numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.augmentation import Perturbation
    >>> from skfakespot.images import PerturbedImage, load_image
    >>> grey = np.full((8, 8), 100, dtype="uint8")
    >>> noisy = PerturbedImage(grey, Perturbation("noise", 0.01), seed=0)
    >>> load_image(noisy).shape, load_image(noisy).std() > 20
    ((8, 8, 3), np.True_)
    """

    source: ImageLike
    perturbation: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]
    seed: int

    def __post_init__(self):
        if isinstance(self.source, os.PathLike):
            object.__setattr__(self, "source", os.fsdecode(self.source))

    # The copy makes the pickle independent of whether several images share a perturbation.
    def __reduce__(self):
        return PerturbedImage, (self.source, copy.copy(self.perturbation), self.seed)

    def _name(self, source_name):
        return source_name and f"{source_name} ({self.perturbation})"

    def _identity(self):
        identity = getattr(self.perturbation, "identity", None)
        return identity and f"{identity} {self.seed}"

    def _bytes_a_pixel(self):
        return 20  # noise has three channels of float32

    def _make(self, pixels, image_sizes):
        try:
            pixels = self.perturbation(pixels, self.seed)
        except (OSError, MemoryError) as error:  # such as a side of over 65535 pixels for JPEG
            reason = f"it cannot be perturbed ({error or 'out of memory'})"
            raise RecipeError(reason) from error
        return stretch_pixels(pixels, image_sizes)
