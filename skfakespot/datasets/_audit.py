# SPDX-License-Identifier: BSD-3-Clause
"""An audit of how well facts of the files alone tell real from fake images."""

from __future__ import annotations

import textwrap
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d

from .._bootstrap import (
    count_units,
    count_units_of_scarcer_class,
    iter_bootstrap_counts,
    logit_t_interval,
    ordered_pairs,
)
from .._labels import is_fake
from ..images import as_samples, read_header
from ._sources import video_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Images, Label, RandomState

_N_FOLDS = 5
_N_BOOTSTRAPS = 1000
_CONFIDENCE_LEVEL = 0.95


class SuspectDataWarning(UserWarning):
    """Facts of the files tell the real images from the fake ones.

    .. versionadded:: 0.1

    Examples
    --------
    >>> from skfakespot.datasets import SuspectDataWarning
    >>> issubclass(SuspectDataWarning, UserWarning)
    True
    """


@dataclass(frozen=True)
class FormatAudit:
    """How well facts of the files tell real from fake images; ``print`` it for a summary.

    .. versionadded:: 0.1

    Parameters
    ----------
    auc : float
        Cross-validated AUC of a detector that sees only facts of the files.
    auc_low, auc_high : float
        Ends of its interval at a confidence level of 95 %.
    limit : float
        The data set is suspect if `auc_low` is above this AUC.
    suspect : bool
        Whether the data set is suspect.
    facts : dict of str to float
        Cross-validated AUC of a detector that sees a single fact, from the largest to the
        smallest. Facts that are the same in all images are left out.
    constant_facts : tuple of str
        The facts that are the same in all images.
    n_real, n_fake : int
        Number of images.

    Examples
    --------
    >>> from skfakespot.datasets import FormatAudit
    >>> audit = FormatAudit(0.5, 0.4, 0.6, 0.6, False, {}, ("width", "height"), 50, 50)
    >>> print(audit)
    File facts alone reach an AUC of 0.500 (95 % interval 0.400 to 0.600) on 50 real and 50 fake
    images: they do not tell the classes apart. The same in all images: width, height.
    """

    auc: float
    auc_low: float
    auc_high: float
    limit: float
    suspect: bool
    facts: dict[str, float]
    constant_facts: tuple[str, ...]
    n_real: int
    n_fake: int

    def __str__(self):
        reached = (
            f"File facts alone reach an AUC of {self.auc:.3f} (95 % interval {self.auc_low:.3f} to "
            f"{self.auc_high:.3f}) on {self.n_real} real and {self.n_fake} fake images"
        )
        verdict, advice = ": they do not tell the classes apart.", ""
        if self.suspect:
            verdict = (
                ", so any score on this set is suspect: a detector may have learnt how the files "
                "were made, not the faces."
            )
            advice = (
                " Make both classes by one pipeline (crop, size, format, quality), from images "
                "that were not compressed differently before, and look again."
            )
        single = ", ".join(f"{fact} {auc:.3f}" for fact, auc in self.facts.items())
        single = f" By single facts: {single}." if single else ""
        same = ", ".join(self.constant_facts)
        same = f" The same in all images: {same}." if same else ""
        return textwrap.fill(f"{reached}{verdict}{single}{same}{advice}", 100)


def format_audit(
    X: Images,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    pos_label: Label | None = None,
    limit: float = 0.6,
    random_state: RandomState = 0,
) -> FormatAudit:
    """Try to tell real from fake images by facts of their files alone.

    If the real images are JPEG files and the fake ones PNG files, or if they differ in size or
    quality, a detector that has learnt nothing about faces gets a good score. This function trains
    a detector that sees only the type, mode, width, height and size of each file, its bytes per
    pixel, and the quantisation tables and chroma subsampling of a JPEG file. Of a frame of a video
    it sees the codec and the container as the type, the pixel format as the mode, and the mean size
    of a compressed frame. It warns if that detector succeeds. The pixels are not decoded.

    .. versionadded:: 0.1

    Parameters
    ----------
    X : array-like
        Images as the estimators take them. Of arrays only mode, width and height are known; of
        PIL images also what Pillow keeps of their file. All images of one array have the same
        facts.
    y : array-like of shape (n_samples,)
        Labels of two classes.
    groups : array-like of shape (n_samples,), default=None
        Groups of images, such as videos or identities, that stay on one side of a fold and that
        the bootstrap draws as a whole; None for each image by itself, and for the frames of a
        video file together, which have the same facts.
    pos_label : int, float, bool or str, default=None
        The label of fake; see `skfakespot.metrics.fake_label`.
    limit : float, default=0.6
        The set is suspect if the whole interval of the AUC is above this, in [0.5, 1). Reasons
        for the default: chance differences between real and generated faces of one pipeline, in
        the bytes per pixel for example, reach .55; and the hardest set of the paper's Table 2,
        DFDC, has an AUC of .68, so file facts that reach .6 would explain more than half of it.
    random_state : int, RandomState or None, default=0
        Seeds the folds and the bootstrap.

    Returns
    -------
    audit : FormatAudit
        The AUC with its interval, the AUCs of single facts, and whether the set is suspect.

    Raises
    ------
    ImageError
        If a file cannot be opened as an image, or a video cannot be read.
    ValueError
        If X holds no images, there are fewer than two images (or groups) of a class, or no fold
        can hold both classes.

    Warns
    -----
    SuspectDataWarning
        If the set is suspect.

    See Also
    --------
    skfakespot.metrics.fake_detection_report : The same interval, for any detector.

    Notes
    -----
    The detector is a random forest, cross-validated in at most five folds. The AUC counts the
    pairs of a real and a fake image of one fold. Its interval is the t-interval on the scale of
    the log-odds of `fake_detection_report`, from 1,000 bootstrap draws. It does not include that
    other images would also give another forest. In simulations
    (``benchmarks/interval_coverage.py --audit``) it held the mean AUC of the audits in 91 to 100 %
    of 300 repetitions; in 86 % for 100 + 100 images whose facts tell nothing.

    With an AUC of 1 and the default limit, a set is suspect from 8 images (or groups) a class on.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.datasets import format_audit
    >>> rng = np.random.default_rng(0)
    >>> widths = rng.integers(90, 110, 80)
    >>> images = [np.zeros((100, width, 3), dtype="uint8") for width in widths]
    >>> format_audit(images, np.repeat([0, 1], 40)).suspect
    False
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    if not 0.5 <= limit < 1:
        raise ValueError(f"limit={limit!r}; accepted are AUCs from 0.5, and less than 1.")
    samples = as_samples(X)
    if samples.kind == "vector":
        raise ValueError("X holds rows of numbers; only images and their files have facts.")
    fake = is_fake(y, pos_label)
    check_consistent_length(range(len(samples)), fake)
    groups = _group_by_video(samples) if groups is None else groups
    if groups is not None:
        groups = column_or_1d(groups)
        check_consistent_length(fake, groups)
    random_state = check_random_state(random_state)
    facts = _read_file_facts(samples)
    varying = {name: values for name, values in facts.items() if len(np.unique(values)) > 1}
    folds = _make_folds(fake, groups, random_state)
    tree = DecisionTreeClassifier(max_leaf_nodes=8, random_state=0)
    aucs = {
        name: _cross_validate(tree, {name: values}, fake, folds)[1]
        for name, values in varying.items()
    }
    # Not gradient boosting, whose threads slow each other down on a busy machine.
    forest = RandomForestClassifier(30, random_state=0)
    scores, auc = _cross_validate(forest, varying, fake, folds)
    blocks = iter_bootstrap_counts(fake, groups, _N_BOOTSTRAPS, random_state)
    drawn = [_aucs_within_folds(fake, scores, folds, counts) for counts in blocks]
    n_units = count_units_of_scarcer_class(fake, groups)
    low, high = logit_t_interval(auc, np.concatenate(drawn), n_units, _CONFIDENCE_LEVEL)
    audit = FormatAudit(
        auc=auc,
        auc_low=low,
        auc_high=high,
        limit=float(limit),
        suspect=low > limit,
        facts=dict(sorted(aucs.items(), key=lambda item: -item[1])),
        constant_facts=tuple(name for name in facts if name not in varying),
        n_real=int((~fake).sum()),
        n_fake=int(fake.sum()),
    )
    if audit.suspect:
        warnings.warn(str(audit), SuspectDataWarning, stacklevel=2)
    return audit


def _group_by_video(samples):
    """Return the video of each frame, and a group for each other image; None without frames."""
    videos = [video_of(sample) for sample in samples] if samples.kind == "sequence" else []
    if not any(videos):
        return None
    return np.array([video or f"image {row}" for row, video in enumerate(videos)])


def _read_file_facts(samples):
    """Return the values of each fact of the files as numbers, NaN if an image does not have it."""
    rows = range(len(samples))
    with ThreadPoolExecutor(thread_name_prefix="skfakespot-header") as pool:
        headers = list(pool.map(lambda i: read_header(samples[i], name=samples.name(i)), rows))
    facts = {
        "format": [header.format or "" for header in headers],
        "mode": [header.mode for header in headers],
        "width": [header.width for header in headers],
        "height": [header.height for header in headers],
        "file_size": [header.n_bytes for header in headers],
        "bytes_per_pixel": [
            header.n_bytes and header.n_bytes / (header.width * header.height) for header in headers
        ],
        "jpeg_tables": [repr(header.quantization) for header in headers],
        # About inversely proportional to the quality; the tables themselves have no order.
        "jpeg_step": [
            header.quantization and float(np.mean(header.quantization[0])) for header in headers
        ],
        "jpeg_subsampling": [header.subsampling or "" for header in headers],
    }
    # Text is a category.
    return {
        name: _number_categories(values) if isinstance(values[0], str) else np.array(values, float)
        for name, values in facts.items()
    }


def _number_categories(values):
    """Number the categories from the most frequent on, so that a tree can split off the rare."""
    _, number, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-count, kind="stable"))[number].astype(np.float64)


def _make_folds(fake, groups, random_state):
    """Training and test rows of each fold that has both classes on both sides."""
    n_real, n_fake = (count_units(fake, groups, chosen) for chosen in (~fake, fake))
    n_folds = min(_N_FOLDS, n_real, n_fake)
    if n_folds < 2:
        what = "images" if groups is None else "groups"
        raise ValueError(
            f"There are {what} of real and fake faces: {n_real} and {n_fake}; an audit "
            "takes two or more of each."
        )
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = splitter(n_folds, shuffle=True, random_state=random_state)
    folds = [
        (train, test)
        for train, test in splitter.split(fake, fake, groups)
        if len(np.unique(fake[train])) == len(np.unique(fake[test])) == 2
    ]
    if not folds:
        raise ValueError(
            "The groups leave no fold with real and fake images on both sides. Give groups that "
            "are smaller, or none."
        )
    return folds


def _cross_validate(detector, facts, fake, folds):
    """Score each image with a detector trained on the other folds; return the AUC as well."""
    scores = np.zeros(len(fake))
    if facts:
        columns = np.column_stack(list(facts.values()))
        for train, test in folds:
            leaf_size = min(20, max(2, len(train) // 10))
            detector.set_params(min_samples_leaf=leaf_size).fit(columns[train], fake[train])
            scores[test] = detector.predict_proba(columns[test])[:, 1]
    once = np.ones((1, len(fake)), dtype=np.int64)
    return scores, float(_aucs_within_folds(fake, scores, folds, once)[0])


def _aucs_within_folds(fake, scores, folds, counts):
    """Return the AUC of the pairs of a real and a fake image of one fold, for each draw."""
    of_folds = [ordered_pairs(fake[test], scores[test], counts[:, test]) for _, test in folds]
    n_ordered, n_pairs = np.sum(of_folds, axis=0)
    # With few images, a draw may have no such pair; it is left out.
    return n_ordered[n_pairs > 0] / n_pairs[n_pairs > 0]
