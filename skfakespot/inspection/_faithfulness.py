# SPDX-License-Identifier: BSD-3-Clause
"""Whether maps show what a detector looks at: the score without the parts that they point to."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch, check_random_state, check_scalar

from .._bootstrap import percentile_interval
from ._evidence import evidence_map
from ._judge import Judge, pixels_of
from ._occlusion import blur
from ._parts import find_detector
from ._placement import place_map

if TYPE_CHECKING:
    from .._typing import Estimator, Images, Label, RandomState
    from ._evidence import EvidenceMaps

_RANDOM_GRID = (8, 8)
_CONFIDENCE_LEVEL = 0.95


def faithfulness(
    detector: Estimator,
    X: Images,
    evidence: EvidenceMaps | None = None,
    *,
    share: float = 0.1,
    n_bootstrap: int = 1000,
    random_state: RandomState = None,
    pos_label: Label | None = None,
) -> Bunch:
    """Measure whether evidence maps show what a detector looks at, by deletion.

    From each image a share of the pixels is deleted: replaced by those of a strongly blurred copy.
    These are the pixels with the most evidence for "fake", those with the least, or random ones. If
    the maps are faithful, the decision value falls most without the first. This is the deletion
    test of Petsiuk, Das and Saenko, "RISE: Randomized input sampling for explanation of black-box
    models", BMVC 2018, at a single share.

    .. versionadded:: 0.1

    Parameters
    ----------
    detector : classifier
        A fitted detector; see `evidence_map`.
    X : array-like
        Fake images that the detector was not fitted to.
    evidence : EvidenceMaps, default=None
        What `evidence_map` returned for X; None to compute it.
    share : float, default=0.1
        Share of the pixels that is deleted, between 0 and 1.
    n_bootstrap : int, default=1000
        Number of resamplings of the images for the intervals.
    random_state : int, RandomState instance or None, default=None
        Decides on the random pixels and the resamplings.
    pos_label : int, float, bool or str, default=None
        The detector's label of fake; see `fake_probability`.

    Returns
    -------
    falls : Bunch
        How much the decision value falls.

        - top, bottom, random : ndarray of shape (n_readable_images,). The fall for each image
          without the pixels with the most evidence, with the least, and without random ones. The
          random pixels are the largest of a smooth random map, 8 x 8 values that are interpolated,
          so that their areas are as large as those of a map by occlusion.
        - top_minus_random, top_minus_bottom : tuple of (mean, low, high). The mean difference of
          two falls, and its percentile-bootstrap interval of 95 % over the images. The maps are
          faithful if both intervals lie above 0.

    Raises
    ------
    ValueError
        If a parameter is not accepted, or none of the images can be read.

    See Also
    --------
    evidence_map : Makes the maps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skfakespot import make_fakespotter
    >>> from skfakespot.inspection import faithfulness
    >>> images = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    >>> detector = make_fakespotter(classifier=LogisticRegression())
    >>> detector = detector.set_params(coverage__weights="random")
    >>> detector = detector.fit(images[:4], [0, 1, 0, 1])
    >>> falls = faithfulness(detector, images[4:], random_state=0)
    >>> falls.top.shape
    (2,)
    """
    check_scalar(share, "share", Real, min_val=0, max_val=1, include_boundaries="neither")
    check_scalar(n_bootstrap, "n_bootstrap", Integral, min_val=1)
    random = check_random_state(random_state)
    if evidence is None:
        evidence = evidence_map(detector, X, pos_label=pos_label)
    judge = Judge(find_detector(detector), pos_label)
    falls = np.array(
        [
            _falls(judge, pixels_of(view)[0], evidence.maps[row], share, random)
            for row, view in judge.views(judge.see(X))
        ]
    )
    if not len(falls):
        raise ValueError("None of the images can be read.")
    top, bottom, by_chance = falls.T
    return Bunch(
        top=top,
        bottom=bottom,
        random=by_chance,
        top_minus_random=_mean_and_interval(top - by_chance, n_bootstrap, random),
        top_minus_bottom=_mean_and_interval(top - bottom, n_bootstrap, random),
    )


def _falls(judge, pixels, own_map, share, random):
    """How much the decision value falls without the top, the bottom and random pixels."""
    evidence = place_map(own_map, pixels.shape[:2])
    by_chance = place_map(random.normal(size=_RANDOM_GRID), pixels.shape[:2])
    blurred = blur(pixels)
    copies = [pixels]
    for ranking in (evidence, -evidence, by_chance):
        order = np.argsort(ranking, axis=None, kind="stable")
        deleted = np.zeros(order.shape, dtype=bool)
        deleted[order[len(order) - round(share * len(order)) :]] = True
        copies.append(np.where(deleted.reshape(*ranking.shape, 1), blurred, pixels))
    whole, *rest = judge.decide(np.stack(copies))
    return whole - np.array(rest)


def _mean_and_interval(differences, n_bootstrap, random):
    rows = random.randint(len(differences), size=(n_bootstrap, len(differences)))
    interval = percentile_interval(differences[rows].mean(axis=1), _CONFIDENCE_LEVEL)
    return float(differences.mean()), *interval
