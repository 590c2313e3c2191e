"""Intervals of a score, by drawing the samples anew."""

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student
from sklearn.utils import check_consistent_length, column_or_1d


def bootstrap_counts(y, groups, n_draws, random):
    """Draw rows with replacement: how often each row is in each draw.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels.
    groups : None or array-like of shape (n_samples,)
        Rows that are drawn together; None for each row by itself.
    n_draws : int
        Number of draws.
    random : RandomState
        Draws.

    Returns
    -------
    counts : ndarray of shape (n_draws, n_samples), int32
        As many rows of each class are drawn as there are; with groups, as many groups of each
        kind: of one class, of the other, and of both. So each class is in each draw.
    """
    units, kinds = _units(y, groups)
    counts = np.zeros((n_draws, len(kinds)), dtype=np.int32)
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        shape = (n_draws, len(members))
        chosen = random.randint(len(members), size=shape) + np.arange(n_draws)[:, None] * shape[1]
        counts[:, members] = np.bincount(chosen.ravel(), minlength=chosen.size).reshape(shape)
    return counts[:, units]


def n_units(y, groups, among):
    """Count the rows, or groups, that hold one of the rows among."""
    return len(np.unique(_units(y, groups)[0][among]))


def _units(y, groups):
    """Number of the group of each row, and which classes are in each group."""
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


def rows_of(counts):
    """Rows of one draw, from how often each is in it."""
    return np.repeat(np.arange(len(counts)), counts)


def areas_under_roc(is_positive, ranking, counts):
    """Compute the area under the ROC curve of each draw, all draws at once.

    Parameters
    ----------
    is_positive : ndarray of shape (n_samples,), bool
        The class of each sample.
    ranking : ndarray of shape (n_samples,)
        Score of each sample.
    counts : ndarray of shape (n_draws, n_samples), int
        How often each sample is in each draw; both classes are in each.

    Returns
    -------
    areas : ndarray of shape (n_draws,)
        What :func:`sklearn.metrics.roc_auc_score` gives, a thousand times as fast.
    """
    positive, negative = counts_by_score(is_positive, ranking, counts)
    above = positive.cumsum(axis=1) - positive / 2
    return (negative * above).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1))


def average_precisions(is_positive, ranking, counts):
    """Compute the average precision of each draw, as `areas_under_roc` the area."""
    positive, negative = counts_by_score(is_positive, ranking, counts)
    found = positive.cumsum(axis=1)
    called = found + negative.cumsum(axis=1)
    # Scores above all that were drawn call nothing, and find nothing.
    precision = found / np.maximum(called, 1)
    return (positive * precision).sum(axis=1) / found[:, -1]


def counts_by_score(is_positive, ranking, counts):
    """Positive and negative samples of each distinct score in each draw, highest score first."""
    _, place = np.unique(-ranking, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    return tuple(
        np.add.reduceat((counts * chosen)[:, order], starts, axis=1, dtype=np.int64)
        for chosen in (is_positive, ~is_positive)
    )


def interval(drawn, confidence_level):
    """Ends of the middle share of the drawn scores; NaN without draws."""
    if not len(drawn):
        return np.nan, np.nan
    outside = (1 - confidence_level) / 2
    low, high = np.quantile(drawn, [outside, 1 - outside])
    return float(low), float(high)


def share_interval(share, drawn, n_units, confidence_level):
    """Interval of a score between 0 and 1, on the scale of its log-odds.

    Quantiles of the draws are too narrow for few groups, and follow the upward bias that drawing
    samples twice gives average precision. A t-interval with the draws' root mean square distance
    from the estimate as standard error has neither fault, and cannot leave [0, 1].

    Parameters
    ----------
    share : float
        The score of the sample.
    drawn : ndarray of shape (n_draws,)
        The score of each draw.
    n_units : int
        Independent samples or groups behind the score.
    confidence_level : float
        In (0, 1).

    Returns
    -------
    low, high : float
        Ends of the interval; 0 and 1 where a single unit tells nothing.
    """
    outside = (1 - confidence_level) / 2
    if n_units < 2:
        return 0.0, 1.0
    if share in (0, 1):
        # All draws agree. Were the score p, n independent units would agree with chance p^n.
        extreme = float(outside ** (1 / n_units))
        return (extreme, 1.0) if share == 1 else (0.0, 1 - extreme)
    error = np.sqrt(np.mean((drawn - share) ** 2) * n_units / (n_units - 1))
    reach = student.ppf(1 - outside, n_units - 1) * error / (share * (1 - share))
    low, high = expit(logit(share) + np.array([-reach, reach]))
    return float(low), float(high)
