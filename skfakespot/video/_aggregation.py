# SPDX-License-Identifier: BSD-3-Clause
"""Aggregation of the scores and labels of frames to those of groups, such as videos."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import Aggregation, NanPolicy

AGGREGATIONS = ("mean", "median", "max", "logsumexp", "topk")
NAN_POLICIES = ("omit", "propagate", "raise")


class UnscoredGroupWarning(UserWarning):
    """Some groups have no frame with a score.

    .. versionadded:: 0.1

    Examples
    --------
    >>> from skfakespot.video import UnscoredGroupWarning
    >>> issubclass(UnscoredGroupWarning, UserWarning)
    True
    """


def aggregate_scores(
    scores: ArrayLike,
    groups: ArrayLike,
    how: Aggregation = "mean",
    *,
    k: int = 5,
    temperature: float = 0.1,
    nan_policy: NanPolicy = "omit",
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    r"""Aggregate the scores of frames to one score for each group, such as each video.

    With the n scores :math:`s_1 \ge s_2 \ge \dots \ge s_n` of a group:

    - ``"mean"``: :math:`\frac{1}{n} \sum_i s_i`;
    - ``"median"``: the middle score, or the mean of the two middle ones;
    - ``"max"``: :math:`s_1`;
    - ``"topk"``: the mean of the largest, :math:`\frac{1}{m} \sum_{i \le m} s_i` with
      :math:`m = \min(k, n)`;
    - ``"logsumexp"``: :math:`T \log \frac{1}{n} \sum_i e^{s_i / T}`, a soft maximum that goes
      from the mean to the maximum as the temperature T decreases [1]_.

    Each result lies between the smallest and the largest score of the group, never decreases if a
    score increases, and does not depend on the order of the frames.

    .. versionadded:: 0.1

    Parameters
    ----------
    scores : array-like of shape (n_frames,)
        Scores on any scale; NaN for a frame without a score, such as one without a face.
    groups : array-like of shape (n_frames,)
        The video (int, str, ...) of each frame, in any order.
    how : {"mean", "median", "max", "logsumexp", "topk"}, default="mean"
        The formula.
    k : int, default=5
        Number of frames of "topk", at least 1. In smaller groups it takes all frames.
    temperature : float, default=0.1
        Temperature of "logsumexp", above 0, in units of the scores. The default suits
        probabilities; 1 suits log-odds.
    nan_policy : {"omit", "propagate", "raise"}, default="omit"
        What a frame of score NaN does: it is left out, or makes the score of its group NaN, or
        raises an error.

    Returns
    -------
    labels : ndarray of shape (n_groups,)
        The distinct groups, sorted.
    group_scores : ndarray of shape (n_groups,), float64
        Score of each group; NaN for a group without any scored frame.

    Raises
    ------
    ValueError
        If a parameter is not accepted, lengths differ, scores are infinite, groups are missing
        (None or NaN), or there are NaN and `nan_policy` is "raise".

    Warns
    -----
    UnscoredGroupWarning
        If groups have no scored frame and `nan_policy` is "omit".

    See Also
    --------
    aggregate_labels : Aggregate the labels of the frames, in the same order.
    VideoClassifier : Aggregate the scores of a classifier, as a scikit-learn estimator.

    References
    ----------
    .. [1] Pinheiro, P. and Collobert, R. (2015). From image-level to pixel-level labeling with
       convolutional networks. CVPR 2015. (Its r is 1 / T.)

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.video import aggregate_scores
    >>> scores = [0.9, 0.2, np.nan, 0.7, 0.4]
    >>> videos = ["b", "a", "a", "b", "a"]
    >>> labels, video_scores = aggregate_scores(scores, videos)
    >>> labels
    array(['a', 'b'], dtype='<U1')
    >>> video_scores.round(3)
    array([0.3, 0.8])
    >>> aggregate_scores(scores, videos, "logsumexp")[1].round(3)
    array([0.343, 0.843])
    """
    labels, group_scores = score_groups(scores, groups, how, k, temperature, nan_policy)
    warn_of_unscored(labels, group_scores, nan_policy)
    return labels, group_scores


def aggregate_labels(y: ArrayLike, groups: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the label of each group; all frames of a group must have the same label.

    .. versionadded:: 0.1

    Parameters
    ----------
    y : array-like of shape (n_frames,)
        Labels of the frames.
    groups : array-like of shape (n_frames,)
        The video of each frame.

    Returns
    -------
    labels : ndarray of shape (n_groups,)
        The distinct groups, sorted, as `aggregate_scores` returns them.
    group_y : ndarray of shape (n_groups,)
        Label of each group.

    Raises
    ------
    ValueError
        If the frames of a group have different labels, lengths differ, or groups are missing.

    Examples
    --------
    >>> from skfakespot.video import aggregate_labels
    >>> aggregate_labels([1, 0, 0, 1], ["b", "a", "a", "b"])[1]
    array([0, 1])
    """
    y = column_or_1d(y)
    labels, place = _distinct(groups)
    check_consistent_length(y, place)
    _, first = np.unique(place, return_index=True)
    differs = y != y[first][place]
    if differs.any():
        group = labels[place[differs.argmax()]]
        raise ValueError(
            f"The frames of group {group!s} have different labels. A video has one label: give "
            "real and fake videos different group names."
        )
    return labels, y[first]


def score_groups(scores, groups, how, k, temperature, nan_policy):
    """Aggregate scores as `aggregate_scores`, without its warning."""
    _check_aggregation(how, k, temperature, nan_policy)
    scores = column_or_1d(scores, dtype=np.float64)
    labels, place = _distinct(groups)
    check_consistent_length(scores, place)
    if np.isinf(scores).any():
        raise ValueError(
            f"{np.count_nonzero(np.isinf(scores))} of {len(scores)} scores are infinite; scores "
            "must be finite, or NaN where a frame has none."
        )
    missing = np.isnan(scores)
    if nan_policy == "raise" and missing.any():
        raise ValueError(
            f"{np.count_nonzero(missing)} of {len(scores)} scores are NaN, the first of them that "
            f"of frame {missing.argmax()}. nan_policy='omit' leaves such frames out."
        )
    group_scores = np.full(len(labels), np.nan)
    scored = np.unique(place[~missing])
    group_scores[scored] = _aggregate(scores[~missing], place[~missing], how, k, temperature)
    if nan_policy == "propagate":
        group_scores[place[missing]] = np.nan
    return labels, group_scores


def warn_of_unscored(labels, group_scores, nan_policy):
    """Warn the caller's caller if groups have no score."""
    unscored = labels[np.isnan(group_scores)]
    if nan_policy == "omit" and len(unscored):
        warnings.warn(
            f"{len(unscored)} of {len(labels)} groups have no score, because no frame of theirs "
            f"has one, the first of them {unscored[0]!s}; their score is NaN. Find faces in them, "
            "or leave them out and say how many they were.",
            UnscoredGroupWarning,
            stacklevel=3,
        )


def _check_aggregation(how, k, temperature, nan_policy):
    if how not in AGGREGATIONS:
        raise ValueError(f"how={how!r}; accepted are {', '.join(map(repr, AGGREGATIONS))}.")
    if nan_policy not in NAN_POLICIES:
        raise ValueError(
            f"nan_policy={nan_policy!r}; accepted are {', '.join(map(repr, NAN_POLICIES))}."
        )
    if not (isinstance(k, Integral) and k >= 1):
        raise ValueError(f"k={k!r}; accepted are integers from 1.")
    if not (isinstance(temperature, Real) and 0 < temperature < np.inf):
        raise ValueError(f"temperature={temperature!r}; accepted are finite numbers above 0.")


def _distinct(groups):
    """Return the sorted distinct groups, and for each frame the position of its group."""
    groups = column_or_1d(groups)
    # Only NaN differs from itself.
    missing = np.array([group is None or group != group for group in groups.tolist()], dtype=bool)
    if missing.any():
        raise ValueError(
            f"{np.count_nonzero(missing)} of {len(groups)} groups are missing (None or NaN), the "
            f"first of them at {missing.argmax()}. Each frame needs the name of its group."
        )
    return np.unique(groups, return_inverse=True)


def _aggregate(scores, place, how, k, temperature):
    """Aggregate the scores of each group; place is the number of the group of each score."""
    # Sums of sorted scores do not depend on the order of the frames, not even in rounding.
    order = np.lexsort((-scores, place))
    scores, place = scores[order], place[order]
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    if not len(starts):
        return np.empty(0)
    sizes = np.diff(starts, append=len(place))
    largest, smallest = scores[starts], scores[starts + sizes - 1]
    if how == "max":
        return largest
    if how == "median":
        middle = scores[starts + (sizes - 1) // 2], scores[starts + sizes // 2]
        return (middle[0] + middle[1]) / 2
    if how == "topk":
        rank = np.arange(len(place)) - np.repeat(starts, sizes)
        scores = np.where(rank < k, scores, 0.0)
        sizes = np.minimum(sizes, k)
    if how == "logsumexp":
        powers = np.exp((scores - np.repeat(largest, sizes)) / temperature)
        result = largest + temperature * np.log(np.add.reduceat(powers, starts) / sizes)
    else:
        result = np.add.reduceat(scores, starts) / sizes
    # Rounding must not give a mean above all scores, as for three scores of 0.1.
    return np.clip(result, smallest, largest)
