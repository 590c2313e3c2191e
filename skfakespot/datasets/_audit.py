"""A detector that sees only file facts: what it finds, no other detector is to be praised for."""

import textwrap
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d

from .._labels import is_fake
from ..images import as_samples, read_header

CATEGORIES = ("format", "mode", "jpeg_tables", "jpeg_subsampling")
_N_FOLDS = 5


class SuspectDataWarning(UserWarning):
    """File facts tell the real images from the fake ones.

    Examples
    --------
    >>> from skfakespot.datasets import SuspectDataWarning
    >>> issubclass(SuspectDataWarning, UserWarning)
    True
    """


@dataclass(frozen=True)
class FormatAudit:
    """How well file facts tell real from fake images; ``print`` it for a summary.

    Parameters
    ----------
    auc : float
        Cross-validated AUC of a detector that sees only file facts.
    auc_low, auc_high : float
        Ends of its 95 % interval.
    limit : float
        The AUC that the interval must reach above for the set to be suspect.
    suspect : bool
        Whether it does.
    facts : dict of str to float
        Cross-validated AUC of a detector that sees one fact alone, largest first. Facts that are
        the same in all images are left out.
    constant_facts : tuple of str
        Those.
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
    facts: dict
    constant_facts: tuple
    n_real: int
    n_fake: int

    def __str__(self):
        reached = (
            f"File facts alone reach an AUC of {self.auc:.3f} (95 % interval {self.auc_low:.3f} to "
            f"{self.auc_high:.3f}) on {self.n_real} real and {self.n_fake} fake images"
        )
        single = ", ".join(f"{fact} {auc:.3f}" for fact, auc in self.facts.items())
        single = f" By single facts: {single}." if single else ""
        same = ", ".join(self.constant_facts)
        same = f" The same in all images: {same}." if same else ""
        if self.suspect:
            text = (
                f"{reached}, so any score on this set is suspect: a detector may have learnt how "
                f"the files were made, not the faces.{single}{same} Make both classes by one "
                "pipeline (crop, size, format, quality), from images that were not compressed "
                "differently before, and look again."
            )
        else:
            text = f"{reached}: they do not tell the classes apart.{single}{same}"
        return textwrap.fill(text, 100)


def format_audit(X, y, *, groups=None, pos_label=None, limit=0.6, random_state=0):
    """Try to tell real from fake images by facts of their files alone.

    When the real images are JPEG files and the fake ones PNG files, or differ in size or quality, a
    detector that has learnt nothing about faces scores well. This trains one that sees only
    the type, mode, width, height and size of each file, its bytes per pixel, and the quantisation
    tables and chroma subsampling of a JPEG file, and warns if it succeeds. Files are not decoded.

    The detector is a random forest, cross-validated in (at most) five folds; its AUC counts the
    pairs of a real and a fake image within a fold. The interval is Newcombe's (2006, method 5),
    which is sound for small samples and for an AUC of 1; the numbers of images in it are those of
    the groups, if there are groups.

    Parameters
    ----------
    X : array-like
        Images as the estimators take them. Images in memory have a mode, a width and a height
        only, PIL images also what Pillow keeps of their file; an array of images has none that
        differ.
    y : array-like of shape (n_samples,)
        Labels of two classes.
    groups : array-like of shape (n_samples,), default=None
        Videos or identities, which stay on one side of a fold; None for each image by itself.
    pos_label : int, float, bool or str, default=None
        The label of fake; None where the labels are 0 and 1, False and True, or "real" and "fake".
    limit : float, default=0.6
        The set is suspect if the whole interval is above this AUC, from 0.5 to 1. The reason for
        the default: chance differences in, say, the bytes per pixel of real and generated faces
        of one pipeline reach .55, and the hardest set of the paper's Table 2, DFDC, has an AUC of
        .68, so a cue worth .6 is more than half of what is to be shown there.
    random_state : int, RandomState or None, default=0
        Draws the folds.

    Returns
    -------
    audit : FormatAudit
        The AUC with its interval, the AUCs of single facts, and whether the set is suspect.

    Raises
    ------
    ImageError
        If a file cannot be opened as an image.
    ValueError
        If X holds no images, there are fewer than two images (or groups) of a class, or no fold
        can hold both classes.

    Warns
    -----
    SuspectDataWarning
        If the set is suspect.

    References
    ----------
    Newcombe, R. G. (2006). Confidence intervals for an effect size measure based on the
    Mann-Whitney statistic. Part 2: asymptotic methods and evaluation. Statistics in Medicine 25.

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
    if not 0.5 <= limit < 1:
        raise ValueError(f"limit={limit!r}; accepted are AUCs from 0.5, and less than 1.")
    samples = as_samples(X)
    if samples.kind == "vector":
        raise ValueError("X holds rows of numbers; only images and their files have facts.")
    y = is_fake(y, pos_label).astype(np.int64)
    check_consistent_length(range(len(samples)), y)
    units = np.arange(len(y)) if groups is None else column_or_1d(groups)
    check_consistent_length(y, units)
    facts = _read_facts(samples)
    varying = [name for name, values in facts.items() if len(np.unique(values)) > 1]
    n_units = [len(np.unique(units[y == label])) for label in (0, 1)]
    folds = _folds(y, None if groups is None else units, n_units, random_state)
    aucs = {name: _cross_validate({name: facts[name]}, y, folds, _tree) for name in varying}
    auc = _cross_validate({name: facts[name] for name in varying}, y, folds, _forest)
    low, high = _newcombe(auc, *n_units)
    audit = FormatAudit(
        auc=auc,
        auc_low=low,
        auc_high=high,
        limit=float(limit),
        suspect=low > limit,
        facts=dict(sorted(aucs.items(), key=lambda item: -item[1])),
        constant_facts=tuple(name for name in facts if name not in varying),
        n_real=int((y == 0).sum()),
        n_fake=int(y.sum()),
    )
    if audit.suspect:
        warnings.warn(str(audit), SuspectDataWarning, stacklevel=2)
    return audit


def _read_facts(samples):
    """Columns of numbers, NaN where a fact is missing; categories are numbered."""

    def read(index):
        return read_header(samples[index], name=samples.name(index))

    with ThreadPoolExecutor(thread_name_prefix="skfakespot-header") as pool:
        headers = list(pool.map(read, range(len(samples))))
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
    return {
        name: _numbered(values) if name in CATEGORIES else np.array(values, dtype=np.float64)
        for name, values in facts.items()
    }


def _numbered(values):
    """Number the categories by how frequent they are: trees part the usual from the rare."""
    _, number, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-count, kind="stable"))[number].astype(np.float64)


def _folds(y, groups, n_units, random_state):
    n_folds = min(_N_FOLDS, *n_units)
    if n_folds < 2:
        what = "images" if groups is None else "groups"
        raise ValueError(
            f"There are {what} of real and fake faces: {n_units[0]} and {n_units[1]}; an audit "
            "takes two or more of each."
        )
    random_state = check_random_state(random_state)
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = splitter(n_folds, shuffle=True, random_state=random_state)
    folds = [
        (train, test)
        for train, test in splitter.split(y, y, groups)
        if len(np.unique(y[train])) == len(np.unique(y[test])) == 2
    ]
    if not folds:
        raise ValueError(
            "The groups leave no fold with real and fake images on both sides. Give groups that "
            "are smaller, or none."
        )
    return folds


def _cross_validate(facts, y, folds, make):
    """Share of the pairs of real and fake within a fold that are in the right order."""
    if not facts:
        return 0.5
    columns = np.column_stack(list(facts.values()))
    right = pairs = 0
    for train, test in folds:
        model = make(len(train)).fit(columns[train], y[train])
        n_pairs = np.prod(np.bincount(y[test]))
        score = model.predict_proba(columns[test])[:, 1]
        right += n_pairs * roc_auc_score(y[test], score)
        pairs += n_pairs
    return float(right / pairs)


def _forest(n_samples):
    # In one thread: those of gradient boosting wait for each other on a busy machine.
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(30, min_samples_leaf=_leaf(n_samples), random_state=0)


def _tree(n_samples):
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(
        max_leaf_nodes=8, min_samples_leaf=_leaf(n_samples), random_state=0
    )


def _leaf(n_samples):
    return min(20, max(2, n_samples // 10))


def _newcombe(auc, n_real, n_fake, confidence_level=0.95):
    """Interval of an AUC: where it is as far from the limit as the limit's own deviation."""
    z = norm.ppf((1 + confidence_level) / 2)
    mean_size = (n_real + n_fake) / 2 - 1

    def deviation(area):
        spread = 1 + mean_size * ((1 - area) / (2 - area) + area / (1 + area))
        return z * np.sqrt(area * (1 - area) * spread / (n_real * n_fake))

    # Next to the AUC the deviation is the greater one, also where it is 0 at an AUC of 0 or 1.
    near = 1e-9
    low = high = auc
    if auc > near:
        low = brentq(lambda area: auc - area - deviation(area), 0, auc - near)
    if auc < 1 - near:
        high = brentq(lambda area: area - auc - deviation(area), auc + near, 1)
    return float(low), float(high)
