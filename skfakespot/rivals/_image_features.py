# SPDX-License-Identifier: BSD-3-Clause
"""The base class of transformers that compute features of each image by itself."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from numbers import Integral
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import gen_even_slices

from .._documentation import DocumentationLinkMixin
from .._image_inputs import ImageTransformerMixin
from .._sklearn_compat import (
    StrOptions,
    validate_parameters,
)
from .._worker_pool import CHUNKS_A_WORKER, run_in_workers
from ..images import ImageError, UnreadableImageWarning

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import Images

_READ_AT_ONCE = 32
# Images that a worker describes before it sends their features, which are many numbers.
_LARGEST_PART = 256


class ImageFeatureTransformer(
    DocumentationLinkMixin, ImageTransformerMixin, TransformerMixin, BaseEstimator
):
    """Base class: reads X image by image, so that only the features of all are in memory.

    A subclass defines `_describe` and `_feature_names`. If it has a parameter `image_size`, images
    are stretched to that size; otherwise each is read at its own size.
    """

    _parameter_constraints = {
        "on_error": [StrOptions({"raise", "nan"})],
        "n_jobs": [None, Integral],
    }

    @property
    def _purpose_of_images(self):
        return f"{type(self).__name__} describes images"

    @abstractmethod
    def _describe(self, pixels):
        """Return the features of one image (H, W, 3), uint8.

        An `ImageError`, whose source does not matter, says why an image has none.
        """

    @abstractmethod
    def _feature_names(self):
        """Return the names of the features, as a list of str."""

    @abstractmethod
    def _count_features(self):
        """Return the number of features, without making their names."""

    def transform(self, X: Images) -> NDArray[np.float32]:
        """Compute the features of each image.

        Parameters
        ----------
        X : array-like
            Images; see `fit`.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features_out), float32
            In the order of `get_feature_names_out`. The row of an image that cannot be read, or
            that is too small, is NaN with ``on_error="nan"``.

        Raises
        ------
        ImageError
            A ValueError: an image cannot be read or is too small, and ``on_error="raise"``.

        Warns
        -----
        UnreadableImageWarning
            For each such image with ``on_error="nan"``.
        """
        samples = self._check_X(X)
        features = np.full((len(samples), self._count_features()), np.nan, dtype=np.float32)
        n_workers = effective_n_jobs(self.n_jobs)
        if n_workers == 1:
            failures = self._fill_rows(features, samples, range(len(samples)))
        else:
            failures = self._fill_parts(features, samples, n_workers)
        for index, error in sorted(failures, key=itemgetter(0)):
            warnings.warn(UnreadableImageWarning(error.source, error.reason, index), stacklevel=3)
        return features

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (n_features_out,), object
            The names.
        """
        validate_parameters(self)
        self._check_parameters()
        return np.array(self._feature_names(), dtype=object)

    def _fill_parts(self, features, samples, n_workers):
        """Write the features of each image into its row, in joblib's workers."""
        n_parts = max(n_workers * CHUNKS_A_WORKER, math.ceil(len(samples) / _LARGEST_PART))
        n_parts = min(n_parts, len(samples))
        parts = [range(part.start, part.stop) for part in gen_even_slices(len(samples), n_parts)]
        results = run_in_workers(
            self._describe_part, lambda part: (samples.subset(part), part), parts, self.n_jobs
        )
        failures = []
        for part, (rows, errors) in zip(parts, results, strict=True):
            features[part.start : part.stop] = rows
            failures += errors
        return failures

    def _describe_part(self, samples, positions):
        rows = np.full((len(samples), self._count_features()), np.nan, dtype=np.float32)
        return rows, self._fill_rows(rows, samples, positions)

    def _fill_rows(self, rows, samples, positions):
        """Write the features of each image into its row; return position and error of the others.

        The positions are those of the samples in X.
        """
        failures = []
        for index, pixels in self._read(samples):
            try:
                if isinstance(pixels, ImageError):
                    raise pixels
                rows[index] = self._describe(pixels)
            except ImageError as error:
                position = positions[index]
                named = ImageError(samples.name(index, position), error.reason)
                if self.on_error == "raise":
                    raise named from None
                failures.append((position, named))
        return failures

    def _read(self, samples):
        """Yield the position of each image, and its pixels or why it cannot be read."""
        if not hasattr(self, "image_size"):
            yield from samples.images()
            return
        failures = []
        batches = samples.batches(
            image_size=self.image_size,
            batch_size=_READ_AT_ONCE,
            on_error=lambda index, error: failures.append((index, error)),
        )
        for batch in batches:
            yield from failures
            failures.clear()
            yield from zip(batch.indices.tolist(), batch.data, strict=True)
        yield from failures


def luminance(pixels):
    """Return the luminance of RGB pixels, rounded to integers from 0 to 255 (int64).

    The weights are those of ITU-R BT.601. Grey pixels keep their value.
    """
    red, green, blue = np.moveaxis(pixels.astype(np.int64), -1, 0)
    return (299 * red + 587 * green + 114 * blue + 500) // 1000


def check_side(pixels, n_needed, what):
    """Raise an `ImageError` if a side of an image has fewer pixels than are needed."""
    height, width = pixels.shape[:2]
    if min(height, width) < n_needed:
        raise ImageError(
            "image", f"it has {height} x {width} pixels; {what} needs {n_needed} x {n_needed}"
        )
