# SPDX-License-Identifier: BSD-3-Clause
"""Co-occurrences of pixel values, after Nataraj et al. (2019) and Barni et al. (2020)."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from .._sklearn_compat import Interval, InvalidParameterError
from ..images import ImageError
from ._image_features import ImageFeatureTransformer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import OnError

_COLOURS = ("red", "green", "blue")
_CROSS_BANDS = ((0, 1), (0, 2), (1, 2))


class CooccurrenceTransformer(ImageFeatureTransformer):
    """Describe an image by how often pairs of values stand beside each other.

    For each offset and each colour, the pairs of the values of a pixel and of the pixel at the
    offset from it are counted. With `cross_bands`, so are the pairs of two colours of the same
    pixel. The features are the square roots of the shares of the pairs. Each image is read at its
    own size.

    .. versionadded:: 0.1

    Parameters
    ----------
    levels : int, default=32
        Number of levels that the values from 0 to 255 are divided into, from 2 to 256. The number
        of features grows with its square.
    offsets : sequence of (int, int), default=((0, 1), (1, 0))
        Steps down (0 or more) and to the right. The paper has (0, 1) only.
    cross_bands : bool, default=True
        Whether pairs of two colours are counted too, as in Barni et al. (2020).
    on_error : {"raise", "nan"}, default="raise"
        What to do with an image that cannot be read, or that is smaller than an offset: raise
        `skfakespot.images.ImageError`, or return a row of NaN and warn with the image's name.
    n_jobs : None or int, default=None
        Number of joblib workers that the images are divided among.

    Attributes
    ----------
    n_features_in_ : int
        Number of values of one sample in `fit`: pixels and colours of an array, and 1 for a path
        or an image of its own size.
    feature_names_in_ : ndarray of shape (n_features,), object
        Names of the columns, where X was a DataFrame with string names.

    See Also
    --------
    ResidualCooccurrenceTransformer : Co-occurrences of what a high-pass filter leaves.
    make_rival : ``make_rival("cooccurrence")`` is a detector with these features.

    Notes
    -----
    ``CooccurrenceTransformer(256, offsets=[(0, 1)], cross_bands=False)`` counts the pairs that the
    network of Nataraj et al. reads: 196,608 features.

    References
    ----------
    Nataraj, L. et al. (2019). Detecting GAN generated fake images using co-occurrence matrices.
    Electronic Imaging 2019. https://arxiv.org/abs/1903.06836

    Barni, M., Kallas, K., Nowroozi, E. and Tondi, B. (2020). CNN detection of GAN-generated face
    images based on cross-band co-occurrences analysis. WIFS 2020. https://arxiv.org/abs/2007.12909

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.rivals import CooccurrenceTransformer
    >>> image = np.array([[0, 0, 200], [0, 200, 200]], dtype=np.uint8)
    >>> pairs = CooccurrenceTransformer(levels=2, offsets=[(0, 1)], cross_bands=False)
    >>> pairs.fit_transform([image])[0, :4]  # roots of 1/4, 2/4, 0 and 1/4
    array([0.5       , 0.70710677, 0.        , 0.5       ], dtype=float32)
    """

    _parameter_constraints = {
        "levels": [Interval(Integral, 2, 256, closed="both")],
        "offsets": ["array-like"],
        "cross_bands": ["boolean"],
        **ImageFeatureTransformer._parameter_constraints,
    }

    def __init__(
        self,
        levels: int = 32,
        *,
        offsets: Sequence[tuple[int, int]] = ((0, 1), (1, 0)),
        cross_bands: bool = True,
        on_error: OnError = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.levels = levels
        self.offsets = offsets
        self.cross_bands = cross_bands
        self.on_error = on_error
        self.n_jobs = n_jobs

    def _describe(self, pixels):
        bands = np.moveaxis(pixels.astype(np.int32) * self.levels // 256, -1, 0)
        pairs = [_pairs_at(band, offset) for offset in self.offsets for band in bands]
        if self.cross_bands:
            pairs += [(bands[first], bands[second]) for first, second in _CROSS_BANDS]
        return np.concatenate([self._roots_of_shares(*pair) for pair in pairs])

    def _roots_of_shares(self, first, second):
        codes = first * self.levels + second
        return np.sqrt(np.bincount(codes.ravel(), minlength=self.levels**2) / codes.size)

    def _check_parameters(self):
        offsets = list(self.offsets)
        if not offsets or not all(map(_is_offset, offsets)):
            raise InvalidParameterError(
                f"offsets={self.offsets!r}; accepted are one or more pairs of integers (down, "
                "right), with down at least 0, but not (0, 0)."
            )

    def _count_features(self):
        return self.levels**2 * len(self._matrices())

    def _matrices(self):
        """Names of the matrices."""
        names = [f"{c}({down},{right})" for down, right in self.offsets for c in _COLOURS]
        if self.cross_bands:
            names += [f"{_COLOURS[first]}-{_COLOURS[second]}" for first, second in _CROSS_BANDS]
        return names

    def _feature_names(self):
        levels = range(self.levels)
        return [
            f"{matrix}:{first},{second}"
            for matrix in self._matrices()
            for first in levels
            for second in levels
        ]


def _is_offset(offset):
    if not isinstance(offset, tuple | list | np.ndarray) or len(offset) != 2:
        return False
    return all(isinstance(step, Integral) for step in offset) and offset[0] >= 0 and any(offset)


def _pairs_at(band, offset):
    """Return the values of the pixels that have a pixel at the offset, and the values there."""
    down, right = offset
    height, width = band.shape
    if down >= height or abs(right) >= width:
        raise ImageError(
            "image",
            f"it has {height} x {width} pixels, of which none has a pixel at the offset "
            f"({down}, {right})",
        )
    first = band[: height - down, max(0, -right) : width - max(0, right)]
    return first, band[down:, max(0, right) : width - max(0, -right)]
