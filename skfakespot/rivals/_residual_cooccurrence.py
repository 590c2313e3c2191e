# SPDX-License-Identifier: BSD-3-Clause
"""Co-occurrences of high-pass residuals, as in the rich models of Fridrich and Kodovský (2012)."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np

from .._sklearn_compat import Interval
from ._image_features import ImageFeatureTransformer, check_side, luminance

if TYPE_CHECKING:
    from .._typing import OnError

_SQUARE = ((-1, 2, -1), (2, -4, 2), (-1, 2, -1))
_WIDE_SQUARE = (
    (-1, 2, -2, 2, -1),
    (2, -6, 8, -6, 2),
    (-2, 8, -12, 8, -2),
    (2, -6, 8, -6, 2),
    (-1, 2, -2, 2, -1),
)
# The filters, and the number that a residual is divided by: the largest weight.
_FILTERS = {
    "first_right": (np.array([[-1, 1]]), 1),
    "first_down": (np.array([[-1], [1]]), 1),
    "second_right": (np.array([[1, -2, 1]]), 2),
    "second_down": (np.array([[1], [-2], [1]]), 2),
    "square": (np.array(_SQUARE), 4),
    "wide_square": (np.array(_WIDE_SQUARE), 12),
}
_LARGEST_FILTER = 5


class ResidualCooccurrenceTransformer(ImageFeatureTransformer):
    """Describe an image by how often the residuals of neighbouring pixels go together.

    Six high-pass filters are applied to the luminance: the first and the second difference to the
    right and down, and a 3 x 3 and a 5 x 5 filter. What is left, the residual, is divided by the
    filter's largest weight and by `step`, rounded, and cut off at -`truncation` and `truncation`.
    Then groups of `order` neighbours are counted, in rows and in columns. The features are the
    square roots of the shares of each group of values. Each image is read at its own size.

    .. versionadded:: 0.1

    Parameters
    ----------
    border : int, default=8
        Number of pixels that are left out at each side. These features find every difference
        between two sets of images, among them those that have nothing to do with fakes: a codec,
        a resampling, or the way in which an image was cut out. Some of these are at the border
        only: a bleeding of colours at the border of one class of a data set once gave an area under
        the ROC curve of 0.98. Before you believe a score, compare it with that of a larger border,
        and check the data with `skfakespot.datasets.format_audit`.
    step : float, default=1.0
        What the residuals are divided by before they are rounded, > 0.
    truncation : int, default=2
        Largest absolute value of a rounded residual, from 1 to 10.
    order : int, default=4
        Number of neighbours in a group, from 1 to 5. There are
        12 * (2 * truncation + 1) ** order features, 7,500 by default.
    on_error : {"raise", "nan"}, default="raise"
        What to do with an image that cannot be read or that is too small: raise
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
    CooccurrenceTransformer : Co-occurrences of the pixels themselves.
    make_rival : ``make_rival("residual-cooccurrence")`` is a detector with these features.

    Notes
    -----
    The rich models have many more filters, and combine features that are the same for a mirrored or
    a negative image; nothing is combined here. Each side of an image needs `order` + 4 pixels
    inside the border.

    References
    ----------
    Fridrich, J. and Kodovský, J. (2012). Rich models for steganalysis of digital images. IEEE
    Transactions on Information Forensics and Security 7(3). https://doi.org/10.1109/TIFS.2012.2190402

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.rivals import ResidualCooccurrenceTransformer
    >>> images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    >>> ResidualCooccurrenceTransformer().fit_transform(images).shape
    (2, 7500)
    """

    _parameter_constraints = {
        "border": [Interval(Integral, 0, None, closed="left")],
        "step": [Interval(Real, 0, None, closed="neither")],
        "truncation": [Interval(Integral, 1, 10, closed="both")],
        "order": [Interval(Integral, 1, 5, closed="both")],
        **ImageFeatureTransformer._parameter_constraints,
    }

    def __init__(
        self,
        border: int = 8,
        *,
        step: float = 1.0,
        truncation: int = 2,
        order: int = 4,
        on_error: OnError = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.border = border
        self.step = step
        self.truncation = truncation
        self.order = order
        self.on_error = on_error
        self.n_jobs = n_jobs

    def _describe(self, pixels):
        check_side(
            pixels,
            2 * self.border + self.order + _LARGEST_FILTER - 1,
            f"ResidualCooccurrenceTransformer(border={self.border}, order={self.order})",
        )
        inside = (slice(self.border, -self.border or None),) * 2
        values = luminance(pixels[inside]).astype(np.int16)
        roots = []
        for weights, largest in _FILTERS.values():
            residual = _correlate(values, weights) / (largest * self.step)
            levels = np.clip(np.rint(residual), -self.truncation, self.truncation)
            levels = levels.astype(np.int32) + self.truncation
            roots += [self._roots_of_shares(levels), self._roots_of_shares(levels.T)]
        return np.concatenate(roots)

    def _roots_of_shares(self, levels):
        """Count the groups of neighbours in a row."""
        n_levels = 2 * self.truncation + 1
        length = levels.shape[1] - self.order + 1
        codes = 0
        for place in range(self.order):
            codes = codes * n_levels + levels[:, place : place + length]
        return np.sqrt(np.bincount(codes.ravel(), minlength=n_levels**self.order) / codes.size)

    def _count_features(self):
        return 2 * len(_FILTERS) * (2 * self.truncation + 1) ** self.order

    def _feature_names(self):
        values = range(-self.truncation, self.truncation + 1)
        groups = [()]
        for _ in range(self.order):
            groups = [(*group, value) for group in groups for value in values]
        return [
            f"{name}:{direction}:{','.join(map(str, group))}"
            for name in _FILTERS
            for direction in ("rows", "columns")
            for group in groups
        ]


def _correlate(values, weights):
    """Apply a filter to int16 values from 0 to 255, wherever it fits into the image."""
    height, width = (n - m + 1 for n, m in zip(values.shape, weights.shape, strict=True))
    total = np.zeros((height, width), dtype=np.int16)
    for (down, right), weight in np.ndenumerate(weights):
        total += np.int16(weight) * values[down : down + height, right : right + width]
    return total
