# SPDX-License-Identifier: BSD-3-Clause
"""Robustness curves: the scores of a detector on perturbed images, and the mean of their drop."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d

from .._bootstrap import (
    bootstrap_counts,
    count_units_of_scarcer_class,
    logit_t_interval,
    percentile_interval,
)
from .._perturbations import perturbations_of
from .._recorded_classifier import RecordedClassifier, score_draws
from .._sklearn_compat import is_roc_auc
from ..augmentation import KINDS, perturb
from ..images import as_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike

    from .._typing import Estimator, Images, Kind, Levels, RandomState, RobustnessResults, Scoring

# "The average AUC score of all the four types of fake faces decreased less than 3.77%".
PAPER_MEAN_DROP = 0.0377
_VALUES = ("score", "score_low", "score_high", "fall", "fall_low", "fall_high")


def robustness_curve(
    estimator: Estimator,
    X: Images,
    y: ArrayLike,
    kinds: Kind | Sequence[Kind] = KINDS,
    levels: Levels = "paper",
    *,
    scoring: Scoring = "roc_auc",
    groups: ArrayLike | None = None,
    clean_response: ArrayLike | None = None,
    n_bootstraps: int = 500,
    confidence_level: float = 0.95,
    random_state: RandomState = None,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Score a fitted detector on perturbed images, at each level of each kind of perturbation.

    All images are perturbed, real and fake. The estimator sees the images once for each level
    and once unperturbed. The intervals come from a bootstrap of the images (by class, or by whole
    groups) that uses the recorded responses, so the estimator sees no image again for them. All
    levels share the same bootstrap draws.

    An image without a score, because the estimator found no face in it or could not read it, is
    left out and counted. Make the detector with ``on_error="nan"``; with "raise", such an image is
    an error.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : estimator
        A fitted classifier that takes images, such as one made by `make_fakespotter`.
    X : array-like
        Test images; see `skfakespot.augmentation.perturb`.
    y : array-like of shape (n_samples,)
        Labels of the test images, of two classes.
    kinds : str or sequence of str, default=("compression", "resize", "noise", "blur")
        The kinds of perturbation.
    levels : str or dict of str to sequence, default="paper"
        How strongly the images are perturbed: the name of a preset, or a dict of kind to a
        sequence of numbers or `skfakespot.augmentation.Perturbation` objects.
    scoring : str or callable, default="roc_auc"
        The name of a scikit-learn score, or a callable ``scorer(estimator, X, y)``.
    groups : None or array-like of shape (n_samples,), default=None
        Groups of images, such as identities or videos, that the bootstrap draws as a whole.
    clean_response : None or array-like of shape (n_samples, ...), default=None
        The response of the estimator to the unperturbed images, if you already have it; the
        estimator then does not see them again. It is what the method that `scoring` uses
        returned for X: ``decision_function``, or ``predict_proba`` if there is none, for
        "roc_auc"; ``predict`` for "accuracy".
    n_bootstraps : int, default=500
        Number of bootstrap draws; 0 for no intervals (NaN).
    confidence_level : float, default=0.95
        Confidence level of the intervals, in (0, 1).
    random_state : None, int or RandomState, default=None
        Seeds the noise, of which an image gets the same at all variances, and the bootstrap.
    n_jobs : None or int, default=None
        Number of threads that perturb an array of images.

    Returns
    -------
    results : pandas.DataFrame, or list of dict without pandas
        A row for the unperturbed images (kind "clean", level NaN), then one for each level:

        - ``kind``, ``level``, and ``perturbation``, a text of both and of the options;
        - ``score``, ``score_low``, ``score_high``: the score and its interval;
        - ``fall``, ``fall_low``, ``fall_high``: the drop, which is the score on the same images,
          unperturbed, minus this score, and its interval;
        - ``n_samples``: the number of images that have a score, perturbed and unperturbed; all
          values of the row are computed from them;
        - ``n_missing``: the number of images that were left out;
        - ``scoring``: the name of the score.

        Score and drop are NaN if the images that have a score are not of both classes.

    Raises
    ------
    ValueError
        If `kinds`, `levels`, `scoring` or `confidence_level` is not accepted, lengths differ, or
        no unperturbed image of a class has a score.

    See Also
    --------
    skfakespot.metrics.fake_detection_report : Compute the AUC and its interval from scores.
    RobustnessCurveDisplay : Draw the results as in Figure 4 of the paper.
    mean_drop : Average the drop over all levels, the summary that the paper reports.

    Notes
    -----
    The interval of an AUC is the t-interval of `fake_detection_report` (see its notes), whose
    coverage was measured. The intervals of other scores and of the drop are percentiles of the
    bootstrap draws; their coverage was not measured.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from skfakespot.robustness import robustness_curve
    >>> X, y = np.zeros((4, 8, 8, 3), dtype=np.uint8), [0, 0, 1, 1]
    >>> detector = DummyClassifier().fit(X, y)
    >>> results = robustness_curve(detector, X, y, "blur", {"blur": [1, 2]}, random_state=0)
    >>> results[["kind", "level", "score", "fall"]]
        kind  level  score  fall
    0  clean    NaN    0.5   0.0
    1   blur    1.0    0.5   0.0
    2   blur    2.0    0.5   0.0
    """
    n_samples = len(as_samples(X))
    y = column_or_1d(y)
    check_consistent_length(range(n_samples), y, groups)
    groups = None if groups is None else column_or_1d(groups)
    perturbations = [step for steps in perturbations_of(kinds, levels).values() for step in steps]
    scorer = check_scoring(estimator, scoring=scoring)
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence_level={confidence_level!r}; accepted are 0 to 1, exclusive.")
    random = check_random_state(random_state)
    noise_seed = int(random.randint(2**31 - 1))
    comparison = _Comparison(scorer, y, groups, n_bootstraps, confidence_level, random)
    comparison.set_clean(RecordedClassifier(estimator, X, clean_response))
    rows = [comparison.row(None, comparison.clean)]
    for perturbation in perturbations:
        perturbed = perturb(
            X,
            perturbation.kind,
            perturbation.level,
            random_state=noise_seed,
            n_jobs=n_jobs,
            **dict(perturbation.options),
        )
        rows.append(comparison.row(perturbation, RecordedClassifier(estimator, perturbed)))
    name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", str(scoring))
    rows = [{**row, "scoring": name} for row in rows]
    try:
        import pandas as pd
    except ImportError:
        return rows
    return pd.DataFrame.from_records(rows)


class _Comparison:
    """Compare the scores on perturbed images with those on the same images, unperturbed.

    `images` are the numbers of the images that have both, and `draws` are bootstrap draws of
    them.
    """

    def __init__(self, scorer, y, groups, n_draws, confidence_level, random):
        self.scorer, self.y, self.groups = scorer, y, groups
        self.n_draws, self.confidence_level, self.random = n_draws, confidence_level, random
        self.is_auc = is_roc_auc(scorer)

    def set_clean(self, clean):
        """Set the responses to the unperturbed images, a `RecordedClassifier`."""
        self.clean, self.is_clean = clean, clean.has_response(self.scorer, self.y)
        if not self._choose(np.flatnonzero(self.is_clean)):
            raise ValueError(
                f"{self.is_clean.sum()} of the {len(self.y)} unperturbed images have a score, and "
                "they are not of two classes. Give images of both classes that can be read, and in "
                "which the estimator finds the faces."
            )

    def row(self, perturbation, recorded):
        """Make the row of one level; perturbation is None for the unperturbed images."""
        is_scored = self.is_clean & recorded.has_response(self.scorer, self.y)
        values = dict.fromkeys(_VALUES, np.nan)
        if self._choose(np.flatnonzero(is_scored)):
            values = self._values(recorded)
        return {
            "kind": perturbation.kind if perturbation else "clean",
            "level": float(perturbation.level) if perturbation else np.nan,
            "perturbation": str(perturbation) if perturbation else "clean",
            **values,
            "n_samples": int(is_scored.sum()),
            "n_missing": int((~is_scored).sum()),
        }

    def _choose(self, images):
        """Compare these images from now on; return False if they are not of two classes."""
        if len(np.unique(self.y[images])) < 2:
            return False
        if not np.array_equal(images, getattr(self, "images", None)):
            self.images, y = images, self.y[images]
            groups = None if self.groups is None else self.groups[images]
            # A copy, so that the draws of equally many images are the same at all levels.
            self.draws = bootstrap_counts(y, groups, self.n_draws, deepcopy(self.random))
            self.n_units = count_units_of_scarcer_class(y, groups)
            self.clean_scores = self._scores(self.clean)
        return True

    def _scores(self, recorded):
        """Score the images, and their draws."""
        return score_draws(self.scorer, recorded, self.images, self.y[self.images], self.draws)

    def _values(self, recorded):
        """Compute the score, the drop and their intervals."""
        (score, drawn), (clean_score, clean_drawn) = self._scores(recorded), self.clean_scores
        if self.is_auc and len(self.draws):
            interval = logit_t_interval(score, drawn, self.n_units, self.confidence_level)
        else:
            # The range of other scores is not known, so they have no scale of log-odds.
            interval = percentile_interval(drawn, self.confidence_level)
        # A drop can be negative, so it has no log-odds, and no t-interval on their scale.
        drop_interval = percentile_interval(clean_drawn - drawn, self.confidence_level)
        drop = clean_score - score
        return dict(zip(_VALUES, (score, *interval, drop, *drop_interval), strict=True))


def mean_drop(results: RobustnessResults, *, relative: bool = False) -> float:
    """Average how much the score drops, over all levels of all kinds of perturbation.

    .. versionadded:: 0.1

    Parameters
    ----------
    results : pandas.DataFrame or list of dict
        What `robustness_curve` returned.
    relative : bool, default=False
        Whether to divide by the score on the unperturbed images.

    Returns
    -------
    drop : float
        The mean of the column ``fall``: 0.05 if an AUC of 0.80 drops to 0.75 on average. NaN if
        one of the drops is. The paper reports "less than 3.77%" for its AUC, and does not say of
        what.

    Examples
    --------
    >>> from skfakespot.robustness import mean_drop
    >>> results = [
    ...     {"kind": "clean", "score": 0.8, "fall": 0.0},
    ...     {"kind": "blur", "score": 0.7, "fall": 0.1},
    ... ]
    >>> mean_drop(results), mean_drop(results, relative=True)
    (0.1, 0.125)
    """
    rows = as_records(results)
    drop = np.mean([row["fall"] for row in rows if row["kind"] != "clean"])
    return float(drop / clean_score(rows) if relative else drop)


def as_records(results):
    """List the rows of a DataFrame, or of a list, as dicts."""
    return results.to_dict("records") if hasattr(results, "to_dict") else list(results)


def clean_score(rows):
    """Score on the unperturbed images."""
    (score,) = (row["score"] for row in rows if row["kind"] == "clean")
    return score


def rows_of_kind(rows, kind):
    """Rows of one kind of perturbation."""
    return [row for row in rows if row["kind"] == kind]
