# SPDX-License-Identifier: BSD-3-Clause
"""The radial mean of the log spectrum, after Durall et al. (2019, 2020)."""

from __future__ import annotations

from functools import lru_cache
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import fft2
from scipy.interpolate import make_interp_spline

from .._sklearn_compat import Interval
from ._image_features import ImageFeatureTransformer, luminance

if TYPE_CHECKING:
    from .._typing import OnError

_EPSILON = 1e-8


class RadialSpectrumTransformer(ImageFeatureTransformer):
    """Describe an image by its log spectrum as a function of the frequency alone.

    The luminance of the image is Fourier transformed. The logarithm of the absolute value is
    averaged over all directions at each frequency, interpolated to `n_points` points by a cubic
    spline, and divided by its value at the frequency 0. Each image is read at its own size.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_points : int, default=300
        Number of features. The first is the frequency 0, the last the highest one, along the
        diagonal.
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
    make_rival : ``make_rival("radial-spectrum")`` is a detector with these features.

    Notes
    -----
    In an image of m x n pixels and N = max(m, n), let i and j be the signed frequencies. The place
    (i, j) of the spectrum belongs to the radius floor(sqrt((i N / m)² + (j N / n)²)). The mean over
    the places of a radius r is taken of log(abs(F) + 1e-8), where F is the transform of the
    luminance on the scale from 0 to 255. Where the logarithm at the frequency 0 is below 1, as in a
    black image, the division is by 1.

    References
    ----------
    Durall, R., Keuper, M., Pfreundt, F.-J. and Keuper, J. (2019). Unmasking deepfakes with simple
    features. https://arxiv.org/abs/1911.00686

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.rivals import RadialSpectrumTransformer
    >>> images = np.random.default_rng(0).integers(0, 256, (2, 64, 64), dtype=np.uint8)
    >>> features = RadialSpectrumTransformer(n_points=40).fit_transform(images)
    >>> features.shape
    (2, 40)
    >>> features[:, 0]
    array([1., 1.], dtype=float32)
    """

    _parameter_constraints = {
        "n_points": [Interval(Integral, 1, None, closed="left")],
        **ImageFeatureTransformer._parameter_constraints,
    }

    def __init__(
        self, n_points: int = 300, *, on_error: OnError = "raise", n_jobs: int | None = None
    ) -> None:
        self.n_points = n_points
        self.on_error = on_error
        self.n_jobs = n_jobs

    def _describe(self, pixels):
        logarithms = np.log(np.abs(fft2(luminance(pixels).astype(np.float64))) + _EPSILON)
        radii, n_places = _radii(logarithms.shape)
        means = np.bincount(radii, weights=logarithms.ravel()) / n_places
        spline = make_interp_spline(np.arange(len(means)), means, k=min(3, len(means) - 1))
        points = spline(np.linspace(0, len(means) - 1, self.n_points))
        return points / max(means[0], 1)

    def _count_features(self):
        return self.n_points

    def _feature_names(self):
        return [f"frequency{point}" for point in range(self.n_points)]


@lru_cache(maxsize=16)
def _radii(shape):
    """Return the radius of each place of a spectrum, flat, and the number of places of each."""
    longest = max(shape)
    squares = (((np.arange(n) + n // 2) % n - n // 2) ** 2 * (longest / n) ** 2 for n in shape)
    down, right = squares
    radii = np.floor(np.sqrt(down[:, np.newaxis] + right)).astype(np.intp).ravel()
    return radii, np.bincount(radii)
