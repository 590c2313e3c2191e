# SPDX-License-Identifier: BSD-3-Clause
"""Perturbed images: the function `perturb`, and a sampler that adds perturbed training images."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from imblearn.base import BaseSampler
from imblearn.utils import check_sampling_strategy, check_target_type
from scipy.sparse import issparse
from sklearn.utils import check_consistent_length, check_random_state

from ._documentation import DocumentationLinkMixin
from ._image_inputs import number_of_features
from ._perturbations import KINDS, PRESETS, Perturbation, as_perturbation, perturbations_of
from ._perturbed_samples import (
    draw_seeds,
    object_array,
    perturb_array,
    perturb_elements,
    put_into_container_of,
)
from ._sklearn_compat import Interval, StrOptions, _check_feature_names
from .images import as_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from ._typing import Images, Kind, Levels, Preset, RandomState, SamplingStrategy

__all__ = ["KINDS", "PRESETS", "Perturbation", "PerturbationAugmenter", "perturb"]


def perturb(
    X: Images,
    kind: Kind,
    level: float | tuple[Preset, int],
    *,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    **options: Any,
) -> Any:
    """Perturb every image of X in one of the four ways of the paper (section 4.3).

    .. versionadded:: 0.1

    Parameters
    ----------
    X : array-like
        Images; see `NeuronCoverageTransformer.fit`. For a 2-D numeric array only ``kind="noise"``
        is accepted: the noise is on the scale of the array, and nothing is clipped.
    kind : {"compression", "resize", "noise", "blur"}
        What is done.
    level : float or tuple of (str, int)
        See `Perturbation`; or the name of a preset, "paper", "cnndetection" or "deeperforensics",
        and an intensity from 1, the mildest.
    random_state : None, int or RandomState, default=None
        Generates the noise. With an int, image i gets the same noise in every call; it does not
        depend on the images after it or on `n_jobs`.
    n_jobs : None or int, default=None
        Number of threads that perturb an array; None for 1. Paths and images of a sequence are
        perturbed by the threads that read them.
    **options
        See `Perturbation`.

    Returns
    -------
    perturbed : array-like
        For an array, an array of the same dtype and shape (with ``restore_size=False``, of smaller
        images). For paths or images in a sequence, the same type of container with
        `skfakespot.images.PerturbedImage` as elements. They are decoded and perturbed when an
        estimator reads them, batch by batch, or by `skfakespot.images.load_image`.

    Raises
    ------
    ValueError
        If the kind, the level or an option is not accepted.
    skfakespot.images.ImageError
        A ValueError, if an image of an array cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.augmentation import perturb
    >>> images = np.full((2, 8, 8, 3), 128, dtype=np.uint8)
    >>> noisy = perturb(images, "noise", 0.01, random_state=0)
    >>> noisy.shape, noisy.dtype, bool((noisy[0] != noisy[1]).any())
    ((2, 8, 8, 3), dtype('uint8'), True)
    >>> perturb(["face.jpg"], "blur", 2.0)
    [PerturbedImage(source='face.jpg', perturbation=Perturbation('blur', 2.0), seed=...)]
    """
    perturbation = as_perturbation(kind, level, **options)
    samples = as_samples(X)
    rows = np.arange(len(samples))
    seeds = draw_seeds(check_random_state(random_state), len(samples))
    if samples.kind == "vector":
        return perturbation.on_rows(samples[:], seeds)
    perturbations = [perturbation] * len(samples)
    if samples.kind == "array":
        return perturb_array(samples, rows, perturbations, seeds, n_jobs)
    return put_into_container_of(X, perturb_elements(samples, rows, perturbations, seeds))


class PerturbationAugmenter(DocumentationLinkMixin, BaseSampler):
    """Add perturbed copies of the training images: an imbalanced-learn sampler.

    Each copy is perturbed in one of the paper's four ways (section 4.3), with a kind and a level
    that are drawn at random. Files are not read: a copy of a file is a small object that is
    perturbed when the image is read, so that the copies take little memory.

    .. versionadded:: 0.1

    Parameters
    ----------
    kinds : str or sequence of str, default=("compression", "resize", "noise", "blur")
        The kinds to draw from, all with the same probability.
    levels : str or dict of str to sequence, default="paper"
        The levels to draw from, all levels of a kind with the same probability: the name of a
        preset, "paper", "cnndetection" (compression and blur) or "deeperforensics" (resize, noise
        and blur); or a dict of kind to a sequence of levels, numbers or `Perturbation` objects.
    n_copies : int or "all", default=1
        Number of perturbed copies of each image. "all" for one copy with every level of every
        kind.
    keep_original : bool, default=True
        Whether the result also holds the images themselves, before their copies.
    sampling_strategy : None, float, str, dict or callable, default=None
        None for copies of every image. Otherwise as in imbalanced-learn's over-sampling
        ("auto", "minority", ...): perturbed copies are added until the classes have these sizes.
        The numbers of copies of two images of a class differ by at most one. It needs
        ``n_copies=1`` and ``keep_original=True``, the defaults.
    random_state : None, int or RandomState, default=None
        Generates the kinds, the levels, the noise and the choice of images for a
        `sampling_strategy`.
    n_jobs : None or int, default=None
        Number of threads that perturb an array; None for 1.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_samples_new,)
        Row in X of the image of each row of the result.
    perturbations_ : ndarray of shape (n_samples_new,), object
        The `Perturbation` of each row; None for an original.
    groups_ : ndarray of shape (n_samples_new,)
        Group of each row: as given to `fit_resample`, or else `sample_indices_`. Splits that keep
        groups together keep the copies of an image together.
    sample_weight_ : None or ndarray of shape (n_samples_new,)
        Weight of each row; None if no weights were given.
    sampling_strategy_ : None or dict
        With a `sampling_strategy`, the number of copies of each class.
    n_features_in_ : int
        Number of values of one sample: for an array its height times its width times 3, for
        paths and images in a sequence 1, for rows of numbers their length.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if X was a DataFrame with string names.

    See Also
    --------
    make_fakespotter : With ``augment`` this is the first step of a detector, only in training.
    perturb : Perturb all images in one way.

    Notes
    -----
    For rows of numbers (a 2-D numeric X) "noise", on the scale of X, is the only kind that is
    used. They are refused if it is not among the kinds.

    Examples
    --------
    >>> from skfakespot import PerturbationAugmenter
    >>> augmenter = PerturbationAugmenter(n_copies=2, random_state=0)
    >>> X, y = augmenter.fit_resample(["real.jpg", "fake.jpg"], [0, 1])
    >>> len(X), y, augmenter.sample_indices_
    (6, [0, 1, 0, 1, 0, 1], array([0, 1, 0, 1, 0, 1]))
    >>> print(X[0], augmenter.perturbations_[2], sep=", ")
    real.jpg, compression 25
    """

    _sampling_type = "bypass"

    _parameter_constraints = {
        "kinds": ["array-like", StrOptions(set(KINDS))],
        "levels": [StrOptions(set(PRESETS)), dict],
        "n_copies": [Interval(Integral, 1, None, closed="left"), StrOptions({"all"})],
        "keep_original": ["boolean"],
        "sampling_strategy": [
            Interval(Real, 0, 1, closed="right"),
            StrOptions({"auto", "minority", "not minority", "not majority", "all"}),
            dict,
            callable,
            None,
        ],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        kinds: Kind | Sequence[Kind] = ("compression", "resize", "noise", "blur"),
        *,
        levels: Levels = "paper",
        n_copies: int | Literal["all"] = 1,
        keep_original: bool = True,
        sampling_strategy: SamplingStrategy = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.kinds = kinds
        self.levels = levels
        self.n_copies = n_copies
        self.keep_original = keep_original
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit_resample(
        self,
        X: Images,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> tuple[Any, Any]:
        """Add the perturbed copies.

        Parameters
        ----------
        X : array-like
            Images, or rows of numbers; see `perturb`.
        y : array-like of shape (n_samples,)
            Labels of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights. A copy has the weight of its image in `sample_weight_`.
        groups : array-like of shape (n_samples,), default=None
            Groups, such as identities. A copy has the group of its image in `groups_`.

        Returns
        -------
        X_resampled : array-like
            The images and their copies, in the type of container that X is. Arrays have the same
            dtype; the copies of paths or images in a sequence are
            `skfakespot.images.PerturbedImage`.
        y_resampled : array-like of shape (n_samples_new,)
            Their labels.

        Raises
        ------
        ValueError
            If a parameter is not accepted, or y has one class.
        """
        samples = as_samples(X)
        if samples.kind == "vector":
            X_resampled, y_resampled = super().fit_resample(X, y)
        else:
            # imbalanced-learn would convert a Series back to its dtype, which may be text.
            _check_feature_names(self, X, reset=True)
            X_resampled, y_resampled = super().fit_resample(samples, y)
            if samples.kind == "sequence":
                X_resampled = put_into_container_of(X, X_resampled)
        rows = self.sample_indices_
        check_consistent_length(range(len(samples)), sample_weight, groups)
        self.sample_weight_ = None if sample_weight is None else np.asarray(sample_weight)[rows]
        self.groups_ = rows.copy() if groups is None else np.asarray(groups)[rows]
        return X_resampled, y_resampled

    def _check_X_y(self, X, y):
        samples = as_samples(X)
        if samples.kind == "vector":
            # A DataFrame may have sparse columns, but sparse matrices are not accepted.
            X, y, binarize_y = super()._check_X_y(X, y, accept_sparse=["csr"])
            return X.toarray() if issparse(X) else X, y, binarize_y
        self.n_features_in_ = number_of_features(samples)
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        check_consistent_length(range(len(samples)), y)
        return samples, y, binarize_y

    def _fit_resample(self, X, y):
        random = check_random_state(self.random_state)
        samples = as_samples(X)
        choices = perturbations_of(self.kinds, self.levels)
        if samples.kind == "vector":
            if "noise" not in choices:
                raise ValueError(
                    f"X holds rows of numbers, and kinds={self.kinds!r} are for images; the only "
                    "kind for rows is 'noise'."
                )
            choices = {"noise": choices["noise"]}
        rows, perturbations = self._plan(y, choices, random)
        seeds = draw_seeds(random, len(rows))
        kept = np.arange(len(samples) if self.keep_original else 0)
        self.sample_indices_ = np.concatenate([kept, rows])
        self.perturbations_ = object_array([*[None] * len(kept), *perturbations])
        if samples.kind == "sequence":
            copies = perturb_elements(samples, rows, perturbations, seeds)
            resampled = object_array([*(samples[row] for row in kept), *copies])
        else:
            resampled = np.empty((len(kept) + len(rows), *samples[0].shape), samples[:1].dtype)
            resampled[: len(kept)] = samples[:][kept]
            copies = resampled[len(kept) :]
            if samples.kind == "array":
                perturb_array(samples, rows, perturbations, seeds, self.n_jobs, out=copies)
            else:
                for row, (source, perturbation) in enumerate(zip(rows, perturbations, strict=True)):
                    copies[row] = perturbation.on_rows(samples[source][None], seeds[[row]])[0]
        return resampled, y[self.sample_indices_]

    def _plan(self, y, choices, random):
        """Row in X and perturbation of each copy."""
        everything = [perturbation for steps in choices.values() for perturbation in steps]
        if self.sampling_strategy is None and self.n_copies == "all":
            rows = np.tile(np.arange(len(y)), len(everything))
            return rows, [perturbation for perturbation in everything for _ in range(len(y))]
        if self.sampling_strategy is None:
            rows = np.tile(np.arange(len(y)), self.n_copies)
        else:
            rows = self._rows_that_balance(y, random)
        kinds = list(choices.values())
        drawn_kinds = random.randint(len(kinds), size=len(rows))
        places = random.uniform(size=len(rows))
        return rows, [
            kinds[kind][int(place * len(kinds[kind]))]
            for kind, place in zip(drawn_kinds, places, strict=True)
        ]

    def _rows_that_balance(self, y, random):
        if self.n_copies != 1 or not self.keep_original:
            raise ValueError(
                f"sampling_strategy={self.sampling_strategy!r} sets the number of copies, which "
                "are added to the originals: it needs n_copies=1 and keep_original=True."
            )
        wanted = check_sampling_strategy(self.sampling_strategy, y, "over-sampling")
        self.sampling_strategy_ = wanted
        rows = []
        for label, n_copies in wanted.items():
            members = np.flatnonzero(y == label)
            n_rounds = -(-n_copies // len(members))
            rounds = [random.permutation(members) for _ in range(n_rounds)]
            rows.append(np.concatenate([*rounds, members[:0]])[:n_copies])
        return np.concatenate([*rows, np.arange(0)])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.three_d_array = True
        tags.sampler_tags.sample_indices = True
        return tags
