# SPDX-License-Identifier: BSD-3-Clause
"""The logarithms of the coefficients of a cosine transform, after Frank et al. (2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import dctn

from ._image_features import ImageFeatureTransformer
from ._sizes import check_size

if TYPE_CHECKING:
    from .._typing import ImageSize, OnError

_EPSILON = 1e-12


class LogDCTTransformer(ImageFeatureTransformer):
    """Describe an image by the logarithms of its discrete cosine transform.

    Each colour is transformed by the orthonormal DCT-II along both axes; the features are
    log(abs(coefficient) + 1e-12).

    .. versionadded:: 0.1

    Parameters
    ----------
    image_size : tuple of (height, width), default=(256, 256)
        Size in pixels that images are stretched to. An image that has this size keeps its pixels;
        resampling another one changes the high frequencies that the features are about.
    on_error : {"raise", "nan"}, default="raise"
        What to do with an image that cannot be read: raise `skfakespot.images.ImageError`, or
        return a row of NaN and warn with the image's name.
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
    make_rival : ``make_rival("log-dct")`` is a detector with these features.

    Notes
    -----
    There are height x width x 3 features, in float32: 786 KB for an image of 256 x 256 pixels.

    References
    ----------
    Frank, J., Eisenhofer, T., Schönherr, L., Fischer, A., Kolossa, D. and Holz, T. (2020).
    Leveraging frequency analysis for deep fake image recognition. ICML 2020.
    https://arxiv.org/abs/2003.08685

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.rivals import LogDCTTransformer
    >>> images = np.full((1, 8, 8, 3), 100, dtype=np.uint8)
    >>> features = LogDCTTransformer(image_size=(8, 8)).fit_transform(images)
    >>> features.shape
    (1, 192)
    >>> round(float(np.exp(features[0, 0])), 2)  # 8 times the mean
    800.0
    """

    _parameter_constraints = {
        "image_size": [tuple, list],
        **ImageFeatureTransformer._parameter_constraints,
    }

    def __init__(
        self,
        image_size: ImageSize = (256, 256),
        *,
        on_error: OnError = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.image_size = image_size
        self.on_error = on_error
        self.n_jobs = n_jobs

    def _describe(self, pixels):
        coefficients = dctn(pixels.astype(np.float64), axes=(0, 1), norm="ortho")
        return np.log(np.abs(coefficients) + _EPSILON).ravel()

    def _check_parameters(self):
        check_size("image_size", self.image_size)

    def _count_features(self):
        height, width = self.image_size
        return height * width * 3

    def _feature_names(self):
        height, width = self.image_size
        return [
            f"{colour}({down},{right})"
            for down in range(height)
            for right in range(width)
            for colour in ("red", "green", "blue")
        ]
