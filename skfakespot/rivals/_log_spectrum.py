# SPDX-License-Identifier: BSD-3-Clause
"""The log-spectrum image of AutoGAN, after Zhang et al. (2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import fft2

from .._sklearn_compat import InvalidParameterError
from ._image_features import ImageFeatureTransformer
from ._sizes import check_size

if TYPE_CHECKING:
    from .._typing import ImageSize, OnError

_EPSILON = 1e-3
_PERCENTILES = (5, 95)


class LogSpectrumTransformer(ImageFeatureTransformer):
    """Describe an image by its log spectrum, scaled to the range from -1 to 1.

    The middle of the image is cut out, and each of its colours is Fourier transformed. The
    logarithm of the absolute value is scaled so that its 5th percentile becomes -1 and its 95th
    percentile 1, and is clipped there.

    .. versionadded:: 0.1

    Parameters
    ----------
    image_size : tuple of (height, width), default=(256, 256)
        Size in pixels that images are stretched to.
    crop_size : tuple of (height, width), default=(224, 224)
        Size in pixels of the middle that is cut out then, at most `image_size`.
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
    UpsamplingSimulator : Makes fakes of real images, to train without any fake.
    make_rival : ``make_rival("autogan-spectrum")`` is a detector with these features.

    Notes
    -----
    The features are log(abs(F) + 1e-3), where F is the transform of pixels from 0 to 1. The
    spectrum of a real image is symmetric, so that only the columns of the frequencies from 0 to
    width // 2 are features: height x (width // 2 + 1) x 3. The percentiles are those of the whole
    spectrum of a colour. Where they are equal, as in an image of one colour, the features are 0.

    References
    ----------
    Zhang, X., Karaman, S. and Chang, S.-F. (2019). Detecting and simulating artifacts in GAN fake
    images. WIFS 2019. https://arxiv.org/abs/1907.06515

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.rivals import LogSpectrumTransformer
    >>> images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    >>> spectrum = LogSpectrumTransformer(image_size=(32, 32), crop_size=(28, 28))
    >>> features = spectrum.fit_transform(images)
    >>> features.shape, features.min(), features.max()
    ((2, 1260), np.float32(-1.0), np.float32(1.0))
    """

    _parameter_constraints = {
        "image_size": [tuple, list],
        "crop_size": [tuple, list],
        **ImageFeatureTransformer._parameter_constraints,
    }

    def __init__(
        self,
        image_size: ImageSize = (256, 256),
        *,
        crop_size: ImageSize = (224, 224),
        on_error: OnError = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.image_size = image_size
        self.crop_size = crop_size
        self.on_error = on_error
        self.n_jobs = n_jobs

    def _describe(self, pixels):
        height, width = self.crop_size
        top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
        crop = pixels[top : top + height, left : left + width]
        logarithms = np.log(np.abs(fft2(crop / 255, axes=(0, 1))) + _EPSILON)
        low, high = np.percentile(logarithms, _PERCENTILES, axis=(0, 1))
        half = logarithms[:, : width // 2 + 1]
        middle, reach = (low + high) / 2, (high - low) / 2
        scaled = np.divide(half - middle, reach, where=reach > 0, out=np.zeros_like(half))
        return np.clip(scaled, -1, 1).ravel()

    def _check_parameters(self):
        check_size("image_size", self.image_size)
        check_size("crop_size", self.crop_size)
        if any(map(int.__gt__, map(int, self.crop_size), map(int, self.image_size))):
            raise InvalidParameterError(
                f"crop_size={self.crop_size!r} is larger than image_size={self.image_size!r}; cut "
                "out at most the whole image."
            )

    def _count_features(self):
        height, width = self.crop_size
        return height * (width // 2 + 1) * 3

    def _feature_names(self):
        height, width = self.crop_size
        return [
            f"{colour}({down},{right})"
            for down in range(height)
            for right in range(width // 2 + 1)
            for colour in ("red", "green", "blue")
        ]
