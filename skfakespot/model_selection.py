# SPDX-License-Identifier: BSD-3-Clause
"""Splitters for cross-validation: leave one generator of fakes out."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from ._typing import Images, RandomState


class LeaveOneGeneratorOut(BaseCrossValidator):
    """Test on the fakes of a generator that the training set does not contain.

    Each fold tests on the fakes of one generator and on a share of the real images, and trains on
    the fakes of the other generators and on the other real images.
    :class:`~sklearn.model_selection.LeaveOneGroupOut` by generators does not do this: it would put
    all real images, which have no generator, into one fold of their own.

    Real images that name a generator (as in the layout of CNNDetection, where each generator
    comes with real images of its own) stay with it. With ``groups``, no group is on both sides of
    a fold: of the groups that hold images of the left-out generator and other images, a share is
    used for testing, and their other images are dropped from that fold.

    .. versionadded:: 0.1

    Parameters
    ----------
    generator : array-like of shape (n_samples,)
        The generator of each image; the empty string for real images that belong to none.
    test_size : float, default=0.25
        Share of the real images (of their groups, if there are groups) that each fold tests on,
        in (0, 1). All folds test on the same ones.
    random_state : int, RandomState or None, default=None
        Seeds the choice of these images.

    Examples
    --------
    >>> from skfakespot.model_selection import LeaveOneGeneratorOut
    >>> generator = ["", "", "", "", "stargan", "stylegan"]
    >>> splitter = LeaveOneGeneratorOut(generator, random_state=0)
    >>> for train, test in splitter.split(generator):
    ...     print(train, test)
    [0 1 3 5] [2 4]
    [0 1 3 4] [2 5]
    """

    def __init__(
        self, generator: ArrayLike, *, test_size: float = 0.25, random_state: RandomState = None
    ) -> None:
        self.generator = generator
        self.test_size = test_size
        self.random_state = random_state

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:  # noqa: ARG002 - scikit-learn's
        """Return the number of folds, which is the number of generators.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        n_splits : int
            The number of folds.
        """
        return len(self._generators()[1])

    def split(
        self,
        X: Images,
        y: object = None,  # noqa: ARG002 - scikit-learn's
        groups: ArrayLike | None = None,
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield the rows of each fold, in the sorted order of the generators.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The images; only their number is used.
        y : object
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            Groups, such as identities, that stay on one side of a fold; None for each image by
            itself.

        Yields
        ------
        train, test : ndarray of int
            The rows to train and to test on.

        Raises
        ------
        ValueError
            If the lengths differ, there are fewer than two generators, or `test_size` is not
            between 0 and 1.
        """
        generator, names = self._generators()
        groups = np.arange(len(generator)) if groups is None else column_or_1d(groups)
        check_consistent_length(X, generator, groups)
        if not isinstance(self.test_size, Real) or not 0 < self.test_size < 1:
            raise ValueError(
                f"test_size={self.test_size!r}; accepted is a share between 0 and 1, as float."
            )
        _, group = np.unique(groups, return_inverse=True)
        order = check_random_state(self.random_state).permutation(group.max() + 1)
        for name in names:
            left_out, other = generator == name, ~np.isin(generator, ["", name])
            is_test = self._choose_test_images(group, generator == "", left_out, other, order)
            yield np.flatnonzero(~left_out & ~is_test), np.flatnonzero(~other & is_test)

    def _generators(self):
        """Return the generator of each image as str, and the sorted names of the generators."""
        generator = np.array([str(name) for name in column_or_1d(self.generator)])
        names = np.unique(generator[generator != ""])
        if len(names) < 2:
            raise ValueError(
                f"There are {len(names)} generators; leaving one out takes two or more. Real "
                "images have the empty string as generator."
            )
        return generator, names

    def _choose_test_images(self, group, real, left_out, other, order):
        """Return whether each image is in a group that a fold tests on, from its group and kind."""
        has_real, has_left_out, has_other = (
            np.bincount(group, kind, len(order)) > 0 for kind in (real, left_out, other)
        )
        is_test = has_left_out & ~has_other & ~has_real
        # All other groups also hold images to train on, so a share of each kind is tested on.
        for kind in (
            has_real & ~has_left_out,
            has_real & has_left_out,
            ~has_real & has_left_out & has_other,
        ):
            members = order[kind[order]]
            # At least one on each side, if there are two.
            n_test = min(max(1, round(self.test_size * len(members))), len(members) - 1)
            is_test[members[:n_test]] = True
        return is_test[group]
