# SPDX-License-Identifier: BSD-3-Clause
"""The traces of a pasted face of lower resolution, after Li and Lyu (2019)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from .._crops import crop_image, crop_square
from .._perturbations import Perturbation

if TYPE_CHECKING:
    from numpy.typing import NDArray

# To be raised when results change, because profiles of perturbed images are kept on disk.
_VERSION = 1
# The face is warped with this border at each side, as a share of its side, so that the mask lies
# inside. So it is also the largest jitter.
_BORDER = 0.25
_BLUR_SIZE = 5
# From the eyebrows to the bottom of the mouth, as shares of the square around these.
_OUTLINE = np.array(
    [
        [0.00, 0.11],
        [0.14, 0.01],
        [0.86, 0.01],
        [1.00, 0.11],
        [0.75, 0.80],
        [0.61, 0.95],
        [0.39, 0.95],
        [0.25, 0.80],
    ]
)


@dataclass(frozen=True, slots=True)
class FaceWarping:
    """Shrink and blur the face in an image, and paste it back into its place.

    A face generator makes faces of one size, which are warped to the size and angle of the face in
    a photograph and pasted into it. The paste is less sharp than what surrounds it. `FaceWarping`
    makes the same traces without a generator: the face is turned upright and shrunk, blurred,
    and warped back into a polygon from the eyebrows to the bottom of the mouth.

    It is a perturbation for `skfakespot.images.PerturbedImage`: a callable that takes pixels and
    a seed. `FaceWarpingSampler` finds the faces.

    .. versionadded:: 0.1

    Parameters
    ----------
    x, y, side, angle : float
        The square from the eyebrows to the bottom of the mouth, as in
        `skfakespot.faces.FaceCrop`: that of ``FaceCropper(margin=0)``.
    scale : float, default=0.5
        Size of the face before it is warped back, as a share of its size in the image, above 0 and
        up to 1.
    sigma : float, default=1.1
        Standard deviation of the 5 x 5 Gaussian blur of the shrunk face, in its pixels, from 0, no
        blur, to 100.
    jitter : float, default=0.05
        How far each corner of the polygon is moved at random, at most, in x and in y, as a share of
        the side, from 0 to 0.25. The convex hull of the moved corners is filled.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    Li, Y. and Lyu, S. (2019). Exposing DeepFake videos by detecting face warping artifacts. CVPR
    Workshops. https://arxiv.org/abs/1811.00656

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.rivals import FaceWarping
    >>> image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    >>> warped = FaceWarping(x=10, y=10, side=8, angle=0, jitter=0)(image)
    >>> changed = (warped != image).any(axis=-1)
    >>> "".join("#" if value else "." for value in changed[8])
    '.......#######......'
    """

    x: float
    y: float
    side: float
    angle: float
    scale: float = 0.5
    sigma: float = 1.1
    jitter: float = 0.05

    def __post_init__(self):
        ranges = {
            "x": (-math.inf, math.inf),
            "y": (-math.inf, math.inf),
            "side": (math.ulp(0.0), math.inf),
            "angle": (-math.inf, math.inf),
            "scale": (math.ulp(0.0), 1),
            "sigma": (0, 100),
            "jitter": (0, _BORDER),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not isinstance(value, Real) or not math.isfinite(value) or not low <= value <= high:
                raise ValueError(f"{name}={value!r} of a FaceWarping; {_ACCEPTED[name]}.")
            object.__setattr__(self, name, float(value))

    def __call__(self, pixels: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
        """Warp the face in an image.

        Parameters
        ----------
        pixels : ndarray of shape (H, W, 3) or (H, W), dtype uint8
            The image; it is not changed.
        seed : int, default=0
            Seed of the jitter.

        Returns
        -------
        warped : ndarray, dtype uint8
            The image with the warped face, of the same shape.
        """
        warped = pixels.copy()
        hull = self._hull(np.random.default_rng(seed))
        height, width = pixels.shape[:2]
        left, top = np.clip(np.floor(hull.min_bound), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(hull.max_bound) + 1, 0, (width, height)).astype(int)
        if left >= right or top >= bottom:
            return warped
        window = warped[top:bottom, left:right]
        inside = _is_inside(hull, np.arange(left, right), np.arange(top, bottom))
        window[inside] = self._warp(pixels, (left, top), window.shape[:2])[inside]
        return warped

    @property
    def identity(self) -> str:
        """Text that is the same for two of them only if their results are."""
        return f"{self!r} {_VERSION} NumPy {np.__version__}"

    def __str__(self):
        return f"face warped (scale={self.scale:g})"

    def _hull(self, random):
        """Convex hull of the jittered outline, in pixels of the image."""
        # Reading images needs this module, but not SciPy.
        from scipy.spatial import ConvexHull

        moves = random.uniform(-self.jitter, self.jitter, _OUTLINE.shape)
        places = self.side * (_OUTLINE + moves - 0.5)
        return ConvexHull((self.x, self.y) + places @ _rotation(self.angle).T)

    def _warp(self, pixels, origin, size):
        """Shrink and blur the face; return a window of the image with it, elsewhere black."""
        side = self.side * (1 + 2 * _BORDER)
        n_pixels = max(1, round(self.scale * side))
        square = (self.x, self.y, side, self.angle)
        small = crop_square(pixels, square, (n_pixels, n_pixels))
        small = Perturbation("blur", self.sigma, kernel_size=_BLUR_SIZE)(small)
        to_small = _rotation(-self.angle) * (n_pixels / side)
        shift = to_small @ np.subtract(origin, (self.x, self.y)) + (n_pixels - 1) / 2
        return crop_image(small, np.column_stack([to_small, shift]), size)


_ACCEPTED = {
    **dict.fromkeys(("x", "y", "angle"), "accepted are finite numbers"),
    "side": "accepted are finite numbers above 0",
    "scale": "accepted are numbers above 0 and up to 1",
    "sigma": "accepted are numbers from 0 to 100",
    "jitter": f"accepted are numbers from 0 to {_BORDER}",
}


def _rotation(angle):
    """Matrix that turns by an angle in degrees, clockwise in an image."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array([[cosine, -sine], [sine, cosine]])


def _is_inside(hull, columns, rows):
    """Whether the centre of each pixel is inside of a convex hull, (n_rows, n_columns)."""
    inside = np.ones((len(rows), len(columns)), dtype=bool)
    for across, down, offset in hull.equations:
        inside &= across * columns + (down * rows)[:, None] + offset <= 0
    return inside
