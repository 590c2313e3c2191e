"""An image that is perturbed when it is read."""

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PerturbedImage:
    """An image together with what is to be done to its pixels when it is read.

    It may stand in X wherever its source may, takes a few hundred bytes, and is decoded and
    perturbed by the threads that read X. :func:`load_image` gives its pixels. It is pickled and
    hashed (:func:`joblib.hash`) by its content: of a path the path, not the file.

    Parameters
    ----------
    source : str, os.PathLike, PIL.Image.Image or array-like of shape (H, W, 3) or (H, W)
        The image. A path is kept as str.
    perturbation : callable
        ``perturbation(pixels, seed)`` takes and returns RGB pixels (H, W, 3), uint8, and gives
        the same for the same arguments; such as `skfakespot.augmentation.Perturbation`. A str
        `identity`, if it has one, must tell it from every other perturbation: the image is then
        recognised without being read.
    seed : int
        What the perturbation draws from.

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

    source: object
    perturbation: Callable
    seed: int

    def __post_init__(self):
        if isinstance(self.source, os.PathLike):
            object.__setattr__(self, "source", os.fsdecode(self.source))

    # A copy, so that what is pickled does not depend on which images share a perturbation.
    def __reduce__(self):
        return PerturbedImage, (self.source, copy.copy(self.perturbation), self.seed)
