# SPDX-License-Identifier: BSD-3-Clause
"""The images of X that cannot be read, found before they are used."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .._progress import Pass, show_progress
from ._samples import as_samples

if TYPE_CHECKING:
    from .._typing import Images

_BATCH_SIZE = 256


def find_unreadable(X: Images, *, verbose: int = 0) -> list[tuple[int, str]]:
    """Read all images of X, and list those that cannot be read.

    Each image is decoded as the estimators decode it, so it takes a part of the time of a
    transform; no network is needed.

    .. versionadded:: 0.1

    Parameters
    ----------
    X : array-like
        Images, as the estimators take them, such as a list of paths.
    verbose : int, default=0
        If 1, show a progress bar.

    Returns
    -------
    unreadable : list of (int, str)
        The position in X of each image that cannot be read, in ascending order, and the reason.
        Rows of numbers are not read, so the list is empty for them.

    Raises
    ------
    TypeError, ValueError
        If X is not something that the estimators take.

    See Also
    --------
    skfakespot.score_images : Score the images that can be read, and say why others cannot.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.images import find_unreadable
    >>> find_unreadable([np.zeros((8, 8, 3)), np.full((8, 8, 3), np.nan)])
    [(1, 'the pixels contain NaN; accepted are finite values from 0 to 255')]
    """
    samples = as_samples(X)
    if samples.kind == "vector":
        return []
    found = []
    batches = samples.batches(
        image_size=(1, 1),  # the pixels are not used
        batch_size=_BATCH_SIZE,
        on_error=lambda index, error: found.append((index, error.reason)),
    )
    n_batches = math.ceil(len(samples) / _BATCH_SIZE)
    about = Pass("check images", len(samples), n_batches)
    for _ in show_progress(batches, about, enabled=bool(verbose)):
        pass
    return found
