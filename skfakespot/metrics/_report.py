# SPDX-License-Identifier: BSD-3-Clause
"""The report of the paper's eight metrics, with intervals."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, column_or_1d

from .._bootstrap import (
    areas_under_roc,
    average_precisions,
    count_units,
    iter_bootstrap_counts,
    logit_t_interval,
)
from .._labels import check_scores
from .._probability import fake_probability

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Estimator, Label, RandomState


class ReversedScoresWarning(UserWarning):
    """The scores of real images are higher than those of fake images.

    .. versionadded:: 0.1

    Examples
    --------
    >>> from skfakespot.metrics import ReversedScoresWarning
    >>> issubclass(ReversedScoresWarning, UserWarning)
    True
    """


def fake_detection_report(
    y_true: ArrayLike,
    y_score: ArrayLike | None = None,
    *,
    estimator: Estimator | None = None,
    X: Any = None,
    threshold: float = 0.5,
    pos_label: Label | None = None,
    convention: Literal["standard", "paper"] = "standard",
    confidence_level: float | None = None,
    groups: ArrayLike | None = None,
    n_bootstraps: int = 1000,
    random_state: RandomState = None,
) -> dict[str, float]:
    """Compute the eight metrics of the paper's Table 2, with intervals if asked.

    .. versionadded:: 0.1

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes.
    y_score : array-like of shape (n_samples,), default=None
        Scores of the class fake: the larger, the more likely fake. Probabilities, or any other
        scores with a `threshold` on their scale. Give either `y_score`, or `estimator` and `X`.
    estimator : classifier, default=None
        A fitted classifier with ``predict_proba``. Its probabilities of fake for X, found by
        `skfakespot.fake_probability` whatever the labels are, are the scores. Images that it gives
        NaN, because it could not read them, are left out.
    X : array-like, default=None
        What ``estimator.predict_proba`` takes, such as images or paths.
    threshold : float, default=0.5
        An image is called fake if its score is at least this.
    pos_label : int, float, bool or str, default=None
        The label of fake; None if the labels are 0 and 1, False and True, or "real" and "fake".
    convention : {"standard", "paper"}, default="standard"
        With ``"standard"``, AP and AUC are computed from the scores, FPR is the share of real
        images that are called fake, and FNR the share of fake images that are called real. With
        ``"paper"``, AP and AUC are computed from the labels after thresholding, and FPR and FNR
        are exchanged, as in the paper's Table 2.
    confidence_level : None or float, default=None
        Confidence level of the intervals, in (0, 1); None for no intervals.
    groups : None or array-like of shape (n_samples,), default=None
        Groups of images, such as identities or videos, that the bootstrap draws as a whole. Give
        them if images of one group are alike: without them the images are assumed to be
        independent, and the intervals are too narrow if they are not.
    n_bootstraps : int, default=1000
        Number of bootstrap draws, at least 2.
    random_state : None, int or RandomState, default=None
        Seeds the bootstrap.

    Returns
    -------
    report : dict of str to float
        ``precision``, ``recall``, ``f1``, ``accuracy``, ``ap``, ``auc``, ``fpr``, ``fnr``, each
        in [0, 1]. Precision is 0 if no image is called fake. With a confidence level, the ends of
        its interval follow each metric: ``precision_low``, ``precision_high``, ...

    Raises
    ------
    ValueError
        If the labels are not of exactly two classes, scores are not finite, `pos_label` is
        not one of the labels, a parameter of the intervals is not accepted, or both or neither of
        `y_score` and `estimator` are given.

    Warns
    -----
    ReversedScoresWarning
        If real images have clearly higher scores than fake ones: the AUC is below 0.5 by more than
        three standard errors of an AUC without any relation between labels and scores.

    Notes
    -----
    The bootstrap draws images, or whole groups, with replacement: as many of each kind as there
    are (real, fake; groups with both). The interval of a metric is a t-interval on the scale of
    the log-odds. Its standard error is the root mean square distance between the metric of the
    draws and the metric of all images. Its degrees of freedom are one less than the number of
    images or groups that the metric is computed from: the fake ones for recall and FNR, the real
    ones for FPR, those called fake for precision, and those of the scarcer class for the other
    metrics. If a metric is 0 or 1, so is that of all draws; the interval then holds all values at
    which n independent images or groups would all agree often enough (0.83 to 1 for 20 at 95 %).
    With a single image or group the interval is 0 to 1.

    In simulated test sets of 30 to 1,000 images a class and of 10 to 100 groups, intervals of 95 %
    held the true AUC in 94 to 98 % of the repetitions (``benchmarks/interval_coverage.py``).

    Examples
    --------
    >>> from skfakespot.metrics import fake_detection_report
    >>> report = fake_detection_report([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
    >>> report["auc"], report["accuracy"]
    (0.75, 0.5)
    >>> fake_detection_report([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], convention="paper")["auc"]
    0.5

    Ten frames each of 60 videos:

    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> videos, y_true = np.repeat(np.arange(60), 10), np.repeat([0, 1], 300)
    >>> y_score = y_true + random.normal(size=60).repeat(10) + random.normal(size=600)
    >>> report = fake_detection_report(
    ...     y_true, y_score, confidence_level=0.95, groups=videos, random_state=0
    ... )
    >>> [round(report[name], 2) for name in ("auc_low", "auc", "auc_high")]
    [0.67, 0.77, 0.84]
    """
    if convention not in ("standard", "paper"):
        raise ValueError(f"convention={convention!r}; accepted are 'standard' and 'paper'.")
    if (y_score is None) == (estimator is None) or (estimator is None) != (X is None):
        raise ValueError("Give either y_score, or estimator and X.")
    if estimator is not None:
        y_true, y_score, groups = _score_images(y_true, groups, estimator, X, pos_label)
    fake, y_score = check_scores(y_true, y_score, pos_label)
    _warn_if_reversed(fake, y_score)
    called_fake = y_score >= threshold
    scores = y_score if convention == "standard" else called_fake.astype(np.float64)
    report = metrics_of_scores(fake, scores, called_fake)
    if convention == "paper":
        _exchange_error_rates(report)
    if confidence_level is None:
        if groups is not None:
            raise ValueError("groups are for the intervals: give confidence_level, 0.95 say.")
        return report
    _check_interval_parameters(confidence_level, n_bootstraps)
    random = check_random_state(random_state)
    blocks = [
        _metrics_of_draws(
            fake,
            called_fake,
            counts,
            average_precisions(fake, scores, counts),
            areas_under_roc(fake, scores, counts),
        )
        for counts in iter_bootstrap_counts(fake, groups, n_bootstraps, random)
    ]
    drawn = {name: np.concatenate([block[name] for block in blocks]) for name in report}
    units = _units_of_metrics(fake, called_fake, groups)
    if convention == "paper":
        _exchange_error_rates(drawn)
        _exchange_error_rates(units)
    with_intervals = {}
    for name, value in report.items():
        low, high = logit_t_interval(value, drawn[name], units[name], confidence_level)
        with_intervals |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return with_intervals


def _score_images(y_true, groups, estimator, X, pos_label):
    """Return labels, probabilities of fake and groups of the images that have a probability."""
    y_true = column_or_1d(y_true)
    probability = fake_probability(estimator, X, pos_label=pos_label)
    check_consistent_length(y_true, probability, groups)
    scored = ~np.isnan(probability)
    groups = None if groups is None else column_or_1d(groups)[scored]
    return y_true[scored], probability[scored], groups


def _warn_if_reversed(fake, scores):
    """Warn if the AUC is far below that of scores that have nothing to do with the labels."""
    n_fake, n_real = np.count_nonzero(fake), np.count_nonzero(~fake)
    auc = roc_auc_score(fake, scores)
    # The variance of Mann and Whitney's statistic under the null hypothesis.
    standard_error = np.sqrt((n_fake + n_real + 1) / (12 * n_fake * n_real))
    if auc < 0.5 - 3 * standard_error:
        warnings.warn(
            f"The AUC is {auc:.3f}: the scores of real images are higher than those of fake ones. "
            "If they are column 1 of predict_proba, and the labels are 'fake' and 'real', take "
            "column 0, or let skfakespot.fake_probability(detector, X) find the column. If they "
            "are scores of the class real, give -y_score, and the threshold on that scale.",
            ReversedScoresWarning,
            stacklevel=3,
        )


def metrics_of_scores(fake, scores, called_fake):
    """Compute the eight metrics in the standard convention, as a dict."""
    once = np.ones((1, len(fake)), dtype=np.int64)
    ap, auc = average_precision_score(fake, scores), roc_auc_score(fake, scores)
    metrics = _metrics_of_draws(fake, called_fake, once, [ap], [auc])
    return {name: float(value) for name, (value,) in metrics.items()}


def _metrics_of_draws(fake, called_fake, counts, ap, auc):
    """Return the metrics of each draw in the standard convention; AP and AUC are given."""
    true_fake = counts @ (fake & called_fake)
    false_fake = counts @ (~fake & called_fake)
    n_fake, n_real = counts @ fake, counts @ ~fake
    return {
        # 0 in draws without an image that is called fake.
        "precision": true_fake / np.maximum(true_fake + false_fake, 1),
        "recall": true_fake / n_fake,
        "f1": 2 * true_fake / (n_fake + true_fake + false_fake),
        "accuracy": (true_fake + n_real - false_fake) / (n_fake + n_real),
        "ap": ap,
        "auc": auc,
        "fpr": false_fake / n_real,
        "fnr": (n_fake - true_fake) / n_fake,
    }


def _units_of_metrics(fake, called_fake, groups):
    """Count the images or groups that each metric is computed from."""
    n_real, n_fake = (count_units(fake, groups, chosen) for chosen in (~fake, fake))
    units = dict.fromkeys(("f1", "accuracy", "ap", "auc"), min(n_real, n_fake))
    units["precision"] = count_units(fake, groups, called_fake)
    return {**units, "recall": n_fake, "fnr": n_fake, "fpr": n_real}


def _exchange_error_rates(values):
    """Exchange FPR and FNR, as in the paper's Table 2."""
    values["fpr"], values["fnr"] = values["fnr"], values["fpr"]


def _check_interval_parameters(confidence_level, n_bootstraps):
    if not 0 < confidence_level < 1:
        raise ValueError(
            f"confidence_level={confidence_level!r}; accepted are numbers between 0 and 1."
        )
    if not (isinstance(n_bootstraps, Integral) and n_bootstraps >= 2):
        raise ValueError(f"n_bootstraps={n_bootstraps!r}; accepted are integers from 2.")
