# SPDX-License-Identifier: BSD-3-Clause
"""How much a detector depends on each layer of its network."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from sklearn.metrics import check_scoring
from sklearn.utils import (
    Bunch,
    check_consistent_length,
    check_random_state,
    check_scalar,
    column_or_1d,
)

from .._bootstrap import bootstrap_counts, percentile_interval
from .._recorded_classifier import RecordedClassifier, score_draws
from ..images import as_samples
from ._detector_parts import split_detector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Estimator, Images, RandomState, Scoring


def layer_importance(
    detector: Estimator,
    X: Images,
    y: ArrayLike,
    *,
    scoring: Scoring = "roc_auc",
    n_repeats: int = 5,
    groups: ArrayLike | None = None,
    n_bootstraps: int = 500,
    confidence_level: float = 0.95,
    random_state: RandomState = None,
    n_jobs: int | None = None,
) -> Bunch:
    """Measure how much the score of a fitted detector drops when a layer is permuted.

    All features of one layer are shuffled together among the images: each image gets the features
    that another image has in this layer, and keeps its own in the other layers. The drop of the
    score is the importance of the layer. It is the permutation importance of
    :func:`sklearn.inspection.permutation_importance` for blocks of features. Each image passes
    through the network once, because only its features are permuted.

    .. versionadded:: 0.1

    Parameters
    ----------
    detector : Pipeline
        A fitted detector, such as one made by `make_fakespotter`, or a fitted search of one: a
        `NeuronCoverageTransformer`, then other steps and a classifier. Steps before the transformer
        are run as in ``predict``.
    X : array-like
        Images that the detector was not trained on; see `NeuronCoverageTransformer.fit`.
    y : array-like of shape (n_samples,)
        Labels of the images.
    scoring : str or callable, default="roc_auc"
        The name of a scikit-learn score, or a callable ``scorer(estimator, X, y)``. The AUC is that
        of the class fake whatever the labels are. Where labels are text, take other scores from
        `skfakespot.metrics.fake_detection_scorers`, whose positive class is fake.
    n_repeats : int, default=5
        Number of permutations. All layers are permuted in the same ways.
    groups : None or array-like of shape (n_samples,), default=None
        Groups of images, such as identities or videos. The bootstrap of the intervals draws each
        group as a whole. Images are permuted without regard to groups.
    n_bootstraps : int, default=500
        Number of bootstrap draws for the intervals; 0 for no intervals (NaN). Scores other than
        "roc_auc" call `scoring` for each layer, permutation and draw, which takes minutes with 30
        layers: lower it for these.
    confidence_level : float, default=0.95
        Confidence level of the intervals, in (0, 1).
    random_state : None, int or RandomState, default=None
        Seeds the permutations and the bootstrap.
    n_jobs : None or int, default=None
        Number of threads that score permuted features.

    Returns
    -------
    result : Bunch
        - ``importances`` : ndarray of shape (n_layers, n_repeats): the score without permutation
          minus the score with it. Negative if the permuted score is higher.
        - ``importances_mean``, ``importances_std`` : ndarray of shape (n_layers,): mean and
          standard deviation over the permutations.
        - ``importances_low``, ``importances_high`` : ndarray of shape (n_layers,): interval of the
          mean. See Notes.
        - ``layer_names`` : ndarray of shape (n_layers,), object: in the order of the network.
        - ``n_features`` : ndarray of shape (n_layers,), int: the number of features of each layer.
          A layer without features has the importance 0.
        - ``baseline_score`` : float: the score without permutation.
        - ``scoring`` : str: the name of the score.
        - ``n_samples`` : int: the number of images that were scored.
        - ``n_missing`` : int: the number of images without features, which are left out because
          they cannot be read or show no face. This happens with ``on_error="nan"`` only.

    Raises
    ------
    ValueError
        If `detector` or another parameter is not accepted, lengths differ, or the images that have
        features are not of two classes.

    See Also
    --------
    LayerImportanceDisplay : Draw the importances.
    list_layers : List the layers of a network.

    Notes
    -----
    **Layers that say the same share their importance.** If two layers hold the same traces of a
    generator, the detector loses little when one of them is permuted. A low importance does not
    mean that the layer knows nothing of fakes: it means that this detector hardly needs it beside
    the others.

    The interval shows how the mean importance would differ for other test images. Each bootstrap
    draw takes the same images, or groups, for the scores with and without permutation; the bounds
    are percentiles of the differences. Their coverage was not measured.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot import make_fakespotter
    >>> from skfakespot.inspection import layer_importance
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    >>> images[10:, 1::2] = images[10:, ::2]  # the fakes repeat each row of pixels
    >>> y = np.repeat(["real", "fake"], 10)
    >>> detector = make_fakespotter(random_state=0).fit(images[::2], y[::2])
    >>> result = layer_importance(detector, images[1::2], y[1::2], random_state=0)
    >>> result.importances.shape, result.layer_names[0]
    ((30, 5), 'stem_conv')
    """
    parts = split_detector(detector)
    y = column_or_1d(y)
    check_consistent_length(range(len(as_samples(X))), y, groups)
    _check_numbers(n_repeats, n_bootstraps, confidence_level)
    scorer = check_scoring(parts.classifier, scoring=scoring)
    features = parts.read(X)
    y = y[~features.missing]
    if len(np.unique(y)) < 2:
        raise ValueError(
            f"{len(y)} of the {len(features.missing)} images have features, and they are not of "
            "two classes. Give images of both classes that can be read and show a face."
        )
    groups = None if groups is None else column_or_1d(groups)[~features.missing]
    random = check_random_state(random_state)
    permutations = [random.permutation(len(y)) for _ in range(n_repeats)]
    draws = bootstrap_counts(y, groups, n_bootstraps, random)

    def score(values):
        recorded = RecordedClassifier(parts.classifier, features.in_frame(values))
        return score_draws(scorer, recorded, np.arange(len(y)), y, draws)

    layers = parts.coverage._feature_layers()
    columns = [np.flatnonzero(layers == n) for n in range(len(parts.coverage.layer_names_))]
    baseline_score, drops, drawn_drops = _drops(
        score, features.values, columns, permutations, n_jobs
    )
    intervals = [percentile_interval(drawn, confidence_level) for drawn in drawn_drops]
    low, high = np.array(intervals).T
    return Bunch(
        importances=drops,
        importances_mean=drops.mean(axis=1),
        importances_std=drops.std(axis=1),
        importances_low=low,
        importances_high=high,
        layer_names=parts.coverage.layer_names_.copy(),
        n_features=np.array([len(of_layer) for of_layer in columns]),
        baseline_score=baseline_score,
        scoring=scoring if isinstance(scoring, str) else getattr(scoring, "__name__", str(scoring)),
        n_samples=len(y),
        n_missing=int(features.missing.sum()),
    )


def _check_numbers(n_repeats, n_bootstraps, confidence_level):
    check_scalar(n_repeats, "n_repeats", Integral, min_val=1)
    check_scalar(n_bootstraps, "n_bootstraps", Integral, min_val=0)
    check_scalar(
        confidence_level,
        "confidence_level",
        Real,
        min_val=0,
        max_val=1,
        include_boundaries="neither",
    )


def _drops(score, values, columns, permutations, n_jobs):
    """Permute the columns of each layer.

    ``score(values)`` returns a score and its bootstrap draws, and may change `values`. Returns the
    score without permutation; how much it drops, (n_layers, n_repeats); and the draws of the mean
    drop, (n_layers, n_draws).
    """

    def score_permuted(of_layer, permutation):
        permuted = values.copy()
        permuted[:, of_layer] = values[np.ix_(permutation, of_layer)]
        return score(permuted)

    baseline, baseline_drawn = score(values.copy())
    drops = np.zeros((len(columns), len(permutations)))
    drawn_drops = np.zeros((len(columns), len(baseline_drawn)))
    permuted_layers = [layer for layer, of_layer in enumerate(columns) if len(of_layer)]
    results = Parallel(n_jobs, prefer="threads", return_as="generator")(
        delayed(score_permuted)(columns[layer], permutation)
        for layer in permuted_layers
        for permutation in permutations
    )
    for layer in permuted_layers:
        for repeat in range(len(permutations)):
            permuted, drawn = next(results)
            drops[layer, repeat] = baseline - permuted
            drawn_drops[layer] += (baseline_drawn - drawn) / len(permutations)
    return baseline, drops, drawn_drops
