from numbers import Integral

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.utils import check_random_state

from .._bootstrap import (
    areas_under_roc,
    average_precisions,
    bootstrap_counts,
    n_units,
    share_interval,
)
from ._inputs import check_scores

CONVENTIONS = ("standard", "paper")
METRICS = ("precision", "recall", "f1", "accuracy", "ap", "auc", "fpr", "fnr")

# Numbers in a block of draws: 32 MB in each of a few arrays.
_BLOCK = 2**22


def fake_detection_report(
    y_true,
    y_score,
    *,
    threshold=0.5,
    pos_label=None,
    convention="standard",
    confidence_level=None,
    groups=None,
    n_bootstraps=1000,
    random_state=None,
):
    """Compute the eight metrics of the paper's Table 2, with intervals if asked.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes.
    y_score : array-like of shape (n_samples,)
        Scores of the class fake: the larger, the more likely fake. Probabilities, or any other
        scores with a `threshold` on their scale.
    threshold : float, default=0.5
        An image counts as fake where its score is at least this.
    pos_label : int, float, bool or str, default=None
        The label of fake; None where the labels are 0 and 1, False and True, or "real" and "fake".
    convention : {"standard", "paper"}, default="standard"
        With ``"standard"``, AP and AUC are computed from the scores, FPR is the share of real
        images that are called fake, and FNR the share of fake images that are called real. With
        ``"paper"``, AP and AUC are computed from the labels after thresholding and FPR and FNR
        change places, as they stand in the paper's Table 2.
    confidence_level : None or float, default=None
        Level of the intervals, in (0, 1); None for no intervals.
    groups : None or array-like of shape (n_samples,), default=None
        What the images are of (identities, videos, ...), for the intervals: images of one group
        are drawn together. Without it the images are taken for independent, and the intervals
        are too narrow if they are not.
    n_bootstraps : int, default=1000
        Number of draws, at least 2.
    random_state : None, int or RandomState, default=None
        Draws.

    Returns
    -------
    report : dict of str to float
        ``precision``, ``recall``, ``f1``, ``accuracy``, ``ap``, ``auc``, ``fpr``, ``fnr``, each
        in [0, 1]. Precision is 0 where no image is called fake. With a confidence level each is
        followed by the ends of its interval, ``precision_low``, ``precision_high``, ...

    Raises
    ------
    ValueError
        If the labels are not of exactly two classes, scores are not finite, `pos_label` is
        not one of the labels, or a parameter of the intervals is not accepted.

    Notes
    -----
    Images, or whole groups, are drawn with replacement, as many of each kind as there are (real,
    fake; groups with both). The interval is a t-interval on the scale of the log-odds, whose
    standard error is the root mean square distance of the draws' metric from the metric of all
    images; its degrees of freedom follow the number of images or groups that the metric is
    computed from: the fake ones for recall and FNR, the real ones for FPR, those called fake for
    precision, the scarcer of real and fake for the others. Where a metric is 0 or 1, so are all
    draws, and the interval is what n independent units that all agree leave possible (0.83 to 1
    for 20 at 95 %). A single unit leaves everything possible: 0 to 1.

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
    if convention not in CONVENTIONS:
        raise ValueError(f"convention={convention!r}; accepted are 'standard' and 'paper'.")
    fake, y_score = check_scores(y_true, y_score, pos_label)
    called_fake = y_score >= threshold
    ranking = y_score if convention == "standard" else called_fake.astype(np.float64)
    true_real, false_fake, false_real, true_fake = confusion_matrix(fake, called_fake).ravel()
    fpr = false_fake / (false_fake + true_real)
    fnr = false_real / (false_real + true_fake)
    report = {
        "precision": precision_score(fake, called_fake, zero_division=0),
        "recall": recall_score(fake, called_fake),
        "f1": f1_score(fake, called_fake),
        "accuracy": accuracy_score(fake, called_fake),
        "ap": average_precision_score(fake, ranking),
        "auc": roc_auc_score(fake, ranking),
        "fpr": fpr if convention == "standard" else fnr,
        "fnr": fnr if convention == "standard" else fpr,
    }
    report = {name: float(value) for name, value in report.items()}
    if confidence_level is None:
        if groups is not None:
            raise ValueError("groups are for the intervals: give confidence_level, 0.95 say.")
        return report
    _check_intervals(confidence_level, n_bootstraps)
    drawn = _draw(fake, called_fake, ranking, groups, n_bootstraps, random_state)
    if convention == "paper":
        drawn["fpr"], drawn["fnr"] = drawn["fnr"], drawn["fpr"]
    with_intervals = {}
    for name, value in report.items():
        low, high = share_interval(value, *drawn[name], confidence_level)
        with_intervals |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return with_intervals


def _check_intervals(confidence_level, n_bootstraps):
    if not 0 < confidence_level < 1:
        raise ValueError(
            f"confidence_level={confidence_level!r}; accepted are numbers between 0 and 1."
        )
    if not (isinstance(n_bootstraps, Integral) and n_bootstraps >= 2):
        raise ValueError(f"n_bootstraps={n_bootstraps!r}; accepted are integers from 2.")


def _draw(fake, called_fake, ranking, groups, n_bootstraps, random_state):
    """Each metric of each draw, and the number of units behind it."""
    random = check_random_state(random_state)
    size = max(1, _BLOCK // len(fake))
    blocks = []
    for start in range(0, n_bootstraps, size):
        counts = bootstrap_counts(fake, groups, min(size, n_bootstraps - start), random)
        blocks.append(_metrics_of_draws(fake, called_fake, ranking, counts))
    n_real, n_fake = (n_units(fake, groups, among) for among in (~fake, fake))
    units = dict.fromkeys(METRICS, min(n_real, n_fake))
    units |= {"precision": n_units(fake, groups, called_fake)}
    units |= {"recall": n_fake, "fnr": n_fake, "fpr": n_real}
    return {
        name: (np.concatenate([block[name] for block in blocks]), units[name]) for name in METRICS
    }


def _metrics_of_draws(fake, called_fake, ranking, counts):
    """The standard metrics of each draw; AP and AUC of the ranking."""
    true_fake = counts @ (fake & called_fake)
    false_fake = counts @ (~fake & called_fake)
    n_fake, n_real = counts @ fake, counts @ ~fake
    # Draws in which nothing is called fake have precision 0.
    precision = true_fake / np.maximum(true_fake + false_fake, 1)
    return {
        "precision": precision,
        "recall": true_fake / n_fake,
        "f1": 2 * true_fake / (n_fake + true_fake + false_fake),
        "accuracy": (true_fake + n_real - false_fake) / (n_fake + n_real),
        "ap": average_precisions(fake, ranking, counts),
        "auc": areas_under_roc(fake, ranking, counts),
        "fpr": false_fake / n_real,
        "fnr": 1 - true_fake / n_fake,
    }
