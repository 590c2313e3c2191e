# SPDX-License-Identifier: BSD-3-Clause
"""Bootstrap draws of samples or groups, scores of the draws, and intervals of a score."""

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student
from sklearn.utils import check_consistent_length, column_or_1d

# Numbers in a block of draws; the arrays of int64 that are computed from it take 32 MiB each.
_BLOCK_SIZE = 2**22


def bootstrap_counts(y, groups, n_draws, random):
    """Count how often each sample is in each draw with replacement: (n_draws, n_samples), int32.

    Each draw has as many samples of each class as `y`. With groups, which are drawn as a whole, it
    has as many groups of each kind: groups of one class, of the other, and of both.
    """
    units, kinds = _units(y, groups)
    counts = np.zeros((n_draws, len(kinds)), dtype=np.int32)
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        shape = (n_draws, len(members))
        chosen = random.randint(len(members), size=shape) + np.arange(n_draws)[:, None] * shape[1]
        counts[:, members] = np.bincount(chosen.ravel(), minlength=chosen.size).reshape(shape)
    return counts[:, units]


def iter_bootstrap_counts(y, groups, n_draws, random):
    """Yield `bootstrap_counts` in blocks of draws, whose memory is bounded."""
    size = max(1, _BLOCK_SIZE // len(y))
    for start in range(0, n_draws, size):
        yield bootstrap_counts(y, groups, min(size, n_draws - start), random)


def count_units(y, groups, chosen):
    """Count the groups (the samples if groups is None) that hold one of the chosen samples."""
    return len(np.unique(_units(y, groups)[0][chosen]))


def count_units_of_scarcer_class(y, groups):
    """Count the groups (or samples) of the class that has fewer of them."""
    return min(count_units(y, groups, y == label) for label in np.unique(y))


def _units(y, groups):
    """Number of the group of each sample, and number of the set of classes in each group."""
    _, codes = np.unique(y, return_inverse=True)
    if groups is None:
        return np.arange(len(codes)), codes
    groups = column_or_1d(groups)
    check_consistent_length(y, groups)
    _, units = np.unique(groups, return_inverse=True)
    members = np.zeros((units.max() + 1, codes.max() + 1), dtype=bool)
    members[units, codes] = True
    _, kinds = np.unique(members, axis=0, return_inverse=True)
    return units, kinds


def ordered_pairs(is_positive, scores, counts):
    """Count in each draw the pairs of a positive and a negative sample.

    It returns the number of pairs in which the positive sample has the higher score, where a tie
    counts as a half, and the number of all pairs. `counts` is as `bootstrap_counts` returns it.
    """
    positive, negative = _counts_by_score(is_positive, scores, counts)
    n_above = positive.cumsum(axis=1) - positive / 2
    return (negative * n_above).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1)


def areas_under_roc(is_positive, scores, counts):
    """Compute the area under the ROC curve of each draw, a thousand times faster than sklearn."""
    n_ordered, n_pairs = ordered_pairs(is_positive, scores, counts)
    return n_ordered / n_pairs


def average_precisions(is_positive, scores, counts):
    """Compute the average precision of each draw."""
    positive, negative = _counts_by_score(is_positive, scores, counts)
    n_found = positive.cumsum(axis=1)
    n_called = n_found + negative.cumsum(axis=1)
    # A draw calls no sample at thresholds above its highest score, and then finds none.
    precision = n_found / np.maximum(n_called, 1)
    return (positive * precision).sum(axis=1) / n_found[:, -1]


def _counts_by_score(is_positive, scores, counts):
    """Positive and negative samples of each distinct score in each draw, highest score first."""
    _, place = np.unique(-scores, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    return tuple(
        np.add.reduceat((counts * chosen)[:, order], starts, axis=1, dtype=np.int64)
        for chosen in (is_positive, ~is_positive)
    )


def percentile_interval(drawn, confidence_level):
    """Interval between two quantiles of the drawn scores; NaN without draws."""
    if not len(drawn):
        return np.nan, np.nan
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def logit_t_interval(score, drawn, n_units, confidence_level):
    """Interval of a score between 0 and 1: Student's t on the scale of the log-odds.

    The standard error is the root mean square distance of the drawn scores from the score.
    Percentile intervals are too narrow for few groups, and follow the upward bias that repeated
    samples give average precision. benchmarks/interval_coverage.py measures the coverage.
    """
    tail = (1 - confidence_level) / 2
    if n_units < 2:
        return 0.0, 1.0
    if score in (0, 1):
        # All draws are equal. If the score were p, all n units would agree with probability p^n.
        extreme = float(tail ** (1 / n_units))
        return (extreme, 1.0) if score == 1 else (0.0, 1 - extreme)
    error = np.sqrt(np.mean((drawn - score) ** 2) * n_units / (n_units - 1))
    reach = student.ppf(1 - tail, n_units - 1) * error / (score * (1 - score))
    low, high = expit(logit(score) + np.array([-reach, reach]))
    return float(low), float(high)
