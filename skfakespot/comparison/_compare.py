# SPDX-License-Identifier: BSD-3-Clause
"""`compare_detectors`: several detectors, trained and tested on the same folds."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d

from .._labels import fake_label, is_fake, real_label
from .._perturbations import perturbations_of
from .._progress import Pass, show_progress
from ..augmentation import KINDS, PRESETS
from ..images import as_samples
from ._results import DetectorComparison, DetectorResult
from ._trial import Task, Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from .._typing import Estimator, Images, Kind, Levels, RandomState, Splitter

_MIDDLE = {kind: steps[len(steps) // 2 :][:1] for kind, steps in PRESETS["paper"].items()}


def compare_detectors(
    detectors: Mapping[str, Estimator],
    X: Images,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    cv: int | Splitter = 5,
    kinds: Kind | Sequence[Kind] = KINDS,
    levels: Levels | Literal["middle"] = "middle",
    zero_shot: Mapping[str, tuple[Images, ArrayLike]] | None = None,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> DetectorComparison:
    """Train and test several detectors on the same folds.

    Each detector is trained on the training images of each fold, and scores its test images, the
    same images perturbed, and further images that no detector is trained on. Features that do not
    depend on the training images are computed once, and the networks of FakeSpotter keep the
    profiles of images, so that only perturbed images are read again. The times are measured
    without this.

    .. versionadded:: 0.1

    Parameters
    ----------
    detectors : dict of str to classifier
        Unfitted detectors by name, such as those of `make_detectors`. They need
        ``decision_function`` or ``predict_proba``.
    X : array-like
        Images; see `skfakespot.NeuronCoverageTransformer.fit`.
    y : array-like of shape (n_samples,)
        Labels, 0 or "real" and 1 or "fake".
    groups : None or array-like of shape (n_samples,), default=None
        Groups of images, such as identities or videos, that are not divided among folds.
    cv : int or cross-validation splitter, default=5
        The number of folds, shuffled with `random_state`, each with the same share of fakes as far
        as possible; or a splitter.
    kinds : str or sequence of str, default=("compression", "resize", "noise", "blur")
        Kinds of perturbation; an empty sequence for none.
    levels : str or dict of str to sequence, default="middle"
        How strongly images are perturbed. "middle" is the middle one of the paper's five levels of
        each kind: JPEG quality 50, scale factor 0.5, noise of variance 0.006, blur of sigma 1.5.
        Otherwise as in `skfakespot.robustness.robustness_curve`: "paper" for all five levels takes
        about four times as long.
    zero_shot : None or dict of str to (X, y), default=None
        Further images and labels by name, such as fakes of other generators. The detectors of all
        folds score all of them. If all are fake, they are compared with the real test images of
        each fold.
    random_state : None, int or RandomState, default=0
        Seed of the folds and of the noise. The detectors have seeds of their own.
    verbose : int, default=0
        If 1, show the progress of each detector; see `skfakespot.NeuronCoverageTransformer`.

    Returns
    -------
    comparison : DetectorComparison
        The results, as arrays, as a table and as text. A detector that raises an error has a row
        that says it, and the others go on.

    Raises
    ------
    TypeError
        If `detectors` is not a dict of classifiers.
    ValueError
        If the labels are not of two classes, a class has fewer images or groups than there are
        folds, or `cv`, `kinds` or `levels` is not accepted.

    See Also
    --------
    make_detectors : Make FakeSpotter's detectors and the rivals.
    ComparisonDisplay : Draw the results.
    skfakespot.robustness.robustness_curve : Measure one detector at all levels.

    Notes
    -----
    AUC and TPR are computed in each fold from the scores of its test images, then averaged. The
    TPR at 1 % FPR is the largest TPR of a threshold at which at most 1 % of the real test images
    of the fold are called fake (see `skfakespot.metrics.tpr_at_fpr_score`). So the threshold is
    taken from the test images. Scores of several folds are not mixed, because those of detectors
    with decision values have no common scale. Standard deviations are those over the folds, with
    the number of folds as divisor.

    The drop is the AUC of the unperturbed test images of a fold minus that of the same images
    perturbed, averaged over all perturbations and then over the folds. The detectors are trained
    on unperturbed images.

    The time of an image is measured in the first fold, on up to 128 of its test images that are
    read and scored together for a second time, without anything that is known about them. The time
    of training is that of the first fold, with reading and describing its images.

    Images that a detector gives no score, because it was made with ``on_error="nan"``, are left
    out of its results and counted.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.comparison import compare_detectors, make_detectors
    >>> images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    >>> images[::2, ::2] //= 2
    >>> labels = ["fake", "real"] * 6
    >>> detectors = make_detectors(["cooccurrence", "saturation"], random_state=0)
    >>> comparison = compare_detectors(detectors, images, labels, cv=3, kinds="blur")
    >>> for row in comparison.to_records():
    ...     print(row["detector"], row["n_features"], row["error"])
    cooccurrence 9216 None
    saturation 32 None
    """
    _check_detectors(detectors)
    y = column_or_1d(y)
    check_consistent_length(range(len(as_samples(X))), y, groups)
    fake = is_fake(y, None)
    folds = _make_folds(fake, groups, cv, random_state)
    task = Task(
        X,
        y,
        fake,
        folds,
        _perturbations(kinds, levels),
        {name: _check_zero_shot(name, images, y) for name, images in (zero_shot or {}).items()},
        int(check_random_state(random_state).randint(2**31 - 1)),
    )
    results = {}
    for number, (name, detector) in enumerate(detectors.items(), start=1):
        about = Pass(f"{name} ({number} of {len(detectors)})", task.count_scored(), None)
        results[name] = _try_detector(detector, task, about, verbose)
    return DetectorComparison(
        results,
        n_real=int(np.count_nonzero(~fake)),
        n_fake=int(np.count_nonzero(fake)),
        n_folds=len(folds),
        perturbations=task.perturbations,
        zero_shot=list(task.zero_shot),
    )


def _try_detector(detector, task, about, verbose):
    """Return the result of a detector; an error is a result, too."""
    # On Windows, a file cannot be removed while an array of its content is in use.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        trial = Trial(detector, task, folder)
        try:
            for _ in show_progress(trial.run(), about, enabled=bool(verbose)):
                pass
            return trial.result()
        except Exception as error:
            return DetectorResult(error=f"{type(error).__name__}: {error}".rstrip(": "))


def _check_detectors(detectors):
    if not isinstance(detectors, Mapping) or not detectors:
        raise TypeError(
            f"detectors={detectors!r}; accepted is a dict of names to unfitted detectors, such as "
            "that of skfakespot.comparison.make_detectors()."
        )
    for name, detector in detectors.items():
        has_scores = hasattr(detector, "decision_function") or hasattr(detector, "predict_proba")
        if isinstance(detector, type) or not hasattr(detector, "fit") or not has_scores:
            raise TypeError(
                f"detectors[{name!r}] is {detector!r}; accepted are instances of classifiers with "
                "decision_function or predict_proba."
            )


def _perturbations(kinds, levels):
    if not isinstance(kinds, str) and not len(kinds):
        return []
    if isinstance(levels, str) and levels == "middle":
        levels = _MIDDLE
    return [step for steps in perturbations_of(kinds, levels).values() for step in steps]


def _check_zero_shot(name, images, y):
    """Return images, and which of them are fake."""
    if not isinstance(images, tuple) or len(images) != 2:
        raise ValueError(f"zero_shot[{name!r}] must be a pair (X, y) of images and labels.")
    X, labels = images[0], column_or_1d(images[1])
    check_consistent_length(range(len(as_samples(X))), labels)
    fake, real = fake_label(y), real_label(y)
    if not np.isin(labels, [fake, real]).all() or fake not in labels:
        raise ValueError(
            f"The labels of zero_shot[{name!r}] must be {fake!r} or {real!r}, as in y, and at "
            "least one image must be fake."
        )
    return X, labels == fake


def _make_folds(fake, groups, cv, random_state):
    """List the rows to train and to test on, of each fold."""
    if isinstance(cv, Integral):
        splitter = _shuffled_folds(fake, groups, cv, random_state)
    elif hasattr(cv, "split") and not isinstance(cv, str):
        splitter = cv
    else:
        raise ValueError(f"cv={cv!r}; accepted are integers from 2 and splitters.")
    folds = list(splitter.split(np.zeros(len(fake)), fake, groups))
    for number, rows in enumerate(folds, start=1):
        for part, name in zip(rows, ("training", "test"), strict=True):
            if len(np.unique(fake[part])) < 2:
                raise ValueError(
                    f"The {name} images of fold {number} are all "
                    f"{'fake' if fake[part].any() else 'real'}. Give fewer folds, or other groups."
                )
    return folds


def _shuffled_folds(fake, groups, n_folds, random_state):
    units = np.arange(len(fake)) if groups is None else column_or_1d(groups)
    n_real, n_fake = (len(np.unique(units[chosen])) for chosen in (~fake, fake))
    if not 2 <= n_folds <= min(n_real, n_fake):
        what = "images" if groups is None else "groups"
        raise ValueError(
            f"{n_folds} folds of {n_real} real and {n_fake} fake {what}; accepted are folds from 2 "
            f"to the number of {what} of each class."
        )
    folds = StratifiedKFold if groups is None else StratifiedGroupKFold
    return folds(n_folds, shuffle=True, random_state=random_state)
