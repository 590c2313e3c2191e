# SPDX-License-Identifier: BSD-3-Clause
"""The frequency of very bright and very dark pixels, after McCloskey and Albright (2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._sklearn_compat import InvalidParameterError
from ._image_features import ImageFeatureTransformer, luminance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import OnError


class SaturationTransformer(ImageFeatureTransformer):
    """Describe an image by its shares of over-exposed and under-exposed pixels.

    A generator normalises its outputs, so that few of its pixels are as bright or as dark as those
    of a camera. For each threshold t, one feature is the share of pixels whose luminance is at
    least 255 - t, and one is the share of those whose luminance is at most t. Each image is read at
    its own size.

    .. versionadded:: 0.1

    Parameters
    ----------
    thresholds : sequence of int, default=tuple(range(16))
        Distances t of the luminance from white and from black, from 0 to 255.
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
    make_rival : ``make_rival("saturation")`` is a detector with these features.

    References
    ----------
    McCloskey, S. and Albright, M. (2018). Detecting GAN-generated imagery using color cues.
    https://arxiv.org/abs/1812.08247

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.rivals import SaturationTransformer
    >>> images = np.array([[[0, 3], [200, 255]]], dtype=np.uint8)
    >>> SaturationTransformer(thresholds=[0, 5]).fit_transform(images)
    array([[0.25, 0.25, 0.25, 0.5 ]], dtype=float32)
    """

    _parameter_constraints = {
        "thresholds": ["array-like"],
        **ImageFeatureTransformer._parameter_constraints,
    }

    def __init__(
        self,
        thresholds: Sequence[int] = tuple(range(16)),
        *,
        on_error: OnError = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.thresholds = thresholds
        self.on_error = on_error
        self.n_jobs = n_jobs

    def _describe(self, pixels):
        values = luminance(pixels)
        up_to = np.cumsum(np.bincount(values.ravel(), minlength=256)) / values.size
        thresholds = np.asarray(self.thresholds)
        from_value = 1 - np.concatenate([[0], up_to])
        return np.concatenate([from_value[255 - thresholds], up_to[thresholds]])

    def _check_parameters(self):
        thresholds = np.asarray(self.thresholds)
        is_valid = thresholds.ndim == 1 and thresholds.size and thresholds.dtype.kind in "iu"
        if not is_valid or thresholds.min() < 0 or thresholds.max() > 255:
            raise InvalidParameterError(
                f"thresholds={self.thresholds!r}; accepted are one or more integers from 0 to 255."
            )

    def _count_features(self):
        return 2 * len(self.thresholds)

    def _feature_names(self):
        bright = [f"at_least_{255 - threshold}" for threshold in self.thresholds]
        return bright + [f"at_most_{threshold}" for threshold in self.thresholds]
