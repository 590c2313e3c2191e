# SPDX-License-Identifier: BSD-3-Clause
"""What a classifier is given of images: the images, or features that are computed once."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from .._sklearn_compat import _safe_indexing
from ..rivals import FeatureMapTransformer

AT_ONCE = 256


def split_off_features(detector, X, y):
    """Return the first step of a Pipeline, fitted, and the rest; None and the detector if not.

    The first step is split off if it learns nothing from the training images, and makes an array
    of features. Its features of an image are then the same in all folds.
    """
    steps = getattr(detector, "steps", None)
    if not steps or len(steps) < 2 or not hasattr(steps[0][1], "transform"):
        return None, detector
    if _learns(steps[0][1]):
        return None, detector
    first = clone(steps[0][1]).fit(X, y)
    features = first.transform(_safe_indexing(X, [0]))
    if not isinstance(features, np.ndarray) or features.ndim != 2:
        return None, detector
    return first, detector[1:]


def _learns(transformer):
    """Whether the training images may change the features; a frozen network has no need of them."""
    return get_tags(transformer).requires_fit and not isinstance(transformer, FeatureMapTransformer)


class ImageInput:
    """Images of X, as the classifier is given them.

    Parameters
    ----------
    X : array-like
        The images.
    features : None or transformer
        It computes the features that the classifier takes; None if it takes the images.
    file : None or path-like
        Where the features are kept, so that each image is described once; None if they are not.
    """

    def __init__(self, X, features=None, file=None):
        self._X, self._features, self._file = X, features, file
        self._kept, self._is_kept = None, np.zeros(len(X), dtype=bool)

    def at(self, rows):
        """Return the images, or their features, in some rows."""
        if self._features is None:
            return _safe_indexing(self._X, rows)
        if self._file is None:
            return self._features.transform(_safe_indexing(self._X, rows))
        for new_rows in in_parts(rows[~self._is_kept[rows]]):
            self._keep(new_rows, self._features.transform(_safe_indexing(self._X, new_rows)))
        # The copy is in memory, and belongs to the classifier.
        return np.asarray(self._kept[rows])

    def _keep(self, rows, features):
        if self._kept is None:
            # The features of all images together may not fit into the memory.
            shape = (len(self._X), features.shape[1])
            self._kept = np.memmap(self._file, features.dtype, mode="w+", shape=shape)
        self._kept[rows] = features
        self._is_kept[rows] = True


def in_parts(rows):
    """Yield the rows, so many at once that their images or features fit into the memory."""
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]
