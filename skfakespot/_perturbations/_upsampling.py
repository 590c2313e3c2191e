# SPDX-License-Identifier: BSD-3-Clause
"""Up-sampling as in the decoder of a generator: what doubles an image, and what it leaves in it."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._typing import UpsamplingStage

# To be raised when results change, because profiles of perturbed images are kept on disk.
_VERSION = 1

_LINES: dict[UpsamplingStage, NDArray[np.float64]] = {
    "zero-insertion": np.array([1.0, 3.0, 3.0, 1.0]) / 4,
    "nearest": np.array([1.0, 2.0, 1.0]) / 4,
    "bilinear": np.array([1.0, 3.0, 3.0, 1.0]) / 4,
}
UPSAMPLING_STAGES: tuple[UpsamplingStage, ...] = tuple(_LINES)
# Standard deviation of the changes of a kernel's weights, as a share of them.
_UNEVENNESS = 0.05


@dataclass(frozen=True, slots=True)
class Upsampling:
    """Shrink an image to half its size, and double it as the decoder of a generator does.

    It is a perturbation for `skfakespot.images.PerturbedImage`: a callable that takes pixels and
    a seed. The image is shrunk by the mean of each 2 x 2 pixels, and the result has the same size.

    .. versionadded:: 0.1

    Parameters
    ----------
    stage : {"zero-insertion", "nearest", "bilinear"}
        What doubles the image:

        - "zero-insertion": a transposed convolution. Zeros are put between the pixels, and a
          4 x 4 kernel is convolved with them: that of bilinear interpolation, each weight of
          which is changed at random by about a twentieth.
        - "nearest": each pixel is repeated, and a 3 x 3 kernel is convolved with them: a
          binomial one, changed in the same way.
        - "bilinear": bilinear interpolation.
    share : float, default=1.0
        Share of the result in the mean of it and the image, above 0 and up to 1.

    Raises
    ------
    ValueError
        If the stage or the share is not accepted.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.rivals import Upsampling
    >>> checks = np.indices((6, 6)).sum(axis=0) % 2 * np.uint8(200)
    >>> Upsampling("bilinear")(checks)[0]
    array([100, 100, 100, 100, 100, 100], dtype=uint8)
    """

    stage: UpsamplingStage
    share: float = 1.0

    def __post_init__(self):
        if self.stage not in UPSAMPLING_STAGES:
            accepted = ", ".join(map(repr, UPSAMPLING_STAGES))
            raise ValueError(f"There is no up-sampling {self.stage!r}; accepted are {accepted}.")
        if not isinstance(self.share, Real) or not 0 < self.share <= 1:
            raise ValueError(f"share={self.share!r}; accepted are numbers above 0 and up to 1.")

    def __call__(self, pixels: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
        """Shrink an image and double it.

        Parameters
        ----------
        pixels : ndarray of shape (H, W, 3) or (H, W), dtype uint8
            The image; it is not changed.
        seed : int, default=0
            Seed of the kernel; "bilinear" does not use it.

        Returns
        -------
        made : ndarray, dtype uint8
            The result, of the same shape.
        """
        height, width = pixels.shape[:2]
        colours = pixels[np.newaxis] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
        kernel = draw_kernel(self.stage, np.random.default_rng(seed))
        made = double_size(_halve(colours), self.stage, kernel)
        made = made[:, :height, :width]
        made = made[0] if pixels.ndim == 2 else np.moveaxis(made, 0, -1)
        mixed = self.share * made + (1 - self.share) * pixels
        return np.ascontiguousarray(np.clip(np.rint(mixed), 0, 255), dtype=np.uint8)

    @property
    def identity(self) -> str:
        """Text that is the same for two of them only if their results are."""
        return f"{self!r} {_VERSION} NumPy {np.__version__}"

    def __str__(self):
        share = "" if self.share == 1 else f" (share={self.share:g})"
        return f"up-sampled by {self.stage}{share}"


def draw_kernel(stage, random):
    """Draw the kernel of an up-sampling stage.

    Parameters
    ----------
    stage : {"zero-insertion", "nearest", "bilinear"}
        See `Upsampling`.
    random : numpy.random.Generator or RandomState
        Draws the random changes; not used for "bilinear".

    Returns
    -------
    kernel : ndarray of shape (4, 4) or (3, 3), float64
        Its weights.
    """
    line = _LINES[stage]
    kernel = np.outer(line, line)
    if stage == "bilinear":
        return kernel
    gain = kernel.sum()
    kernel *= 1 + _UNEVENNESS * random.standard_normal(kernel.shape)
    return kernel * gain / kernel.sum()


def double_size(images, stage, kernel):
    """Double the size of images as an up-sampling stage does.

    Parameters
    ----------
    images : ndarray of shape (n, height, width)
        Grey images, or the colours of one image.
    stage : {"zero-insertion", "nearest", "bilinear"}
        See `Upsampling`.
    kernel : ndarray
        See `draw_kernel`.

    Returns
    -------
    doubled : ndarray of shape (n, 2 * height, 2 * width), float64
        The images, not rounded or clipped.
    """
    # Reading images needs this module, but not SciPy.
    from scipy.ndimage import convolve

    if stage == "nearest":
        repeated = images.repeat(2, axis=1).repeat(2, axis=2).astype(np.float64)
        return convolve(repeated, kernel[np.newaxis], mode="nearest")
    n_images, height, width = images.shape
    # Without repeated borders, the edge would be darker than the rest.
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    inserted = np.zeros((n_images, 2 * height + 4, 2 * width + 4))
    inserted[:, ::2, ::2] = padded
    full = convolve(inserted, kernel[np.newaxis], mode="constant")
    return full[:, 1:-3, 1:-3]


def _halve(colours):
    """Take the mean of each 2 x 2 pixels; the last row and column are repeated if need be."""
    _, height, width = colours.shape
    even = np.pad(colours, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    blocks = even.reshape(len(even), even.shape[1] // 2, 2, even.shape[2] // 2, 2)
    return blocks.mean(axis=(2, 4))
