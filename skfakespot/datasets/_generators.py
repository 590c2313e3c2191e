"""Leave-one-generator-out, where real images have no generator."""

from numbers import Real

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d


class LeaveOneGeneratorOut(BaseCrossValidator):
    """Test on the fakes of a generator that was not trained on.

    :class:`~sklearn.model_selection.LeaveOneGroupOut` by generators would leave the real images
    out of most tests, for they have none. Here each fold tests on the fakes of one generator and
    on a share of the real images, and trains on the fakes of the other generators and on the other
    real images.

    Real images that do name a generator (as in the layout of CNNDetection, where each generator
    comes with real images of its own) stay with it. With ``groups``, no group is on both sides: of
    groups that hold images of the held-out generator and others, a share is for testing, and the
    other images of theirs are dropped from that fold.

    Parameters
    ----------
    generator : array-like of shape (n_samples,)
        The generator of each image; empty for real images that belong to none.
    test_size : float, default=0.25
        Share of the real images (of their groups, if there are groups) that each fold tests on,
        between 0 and 1. It is the same images in each fold.
    random_state : int, RandomState or None, default=None
        Draws them.

    Examples
    --------
    >>> from skfakespot.datasets import LeaveOneGeneratorOut
    >>> generator = ["", "", "", "", "stargan", "stylegan"]
    >>> splitter = LeaveOneGeneratorOut(generator, random_state=0)
    >>> for train, test in splitter.split(generator):
    ...     print(train, test)
    [0 1 3 5] [2 4]
    [0 1 3 4] [2 5]
    """

    def __init__(self, generator, *, test_size=0.25, random_state=None):
        self.generator = generator
        self.test_size = test_size
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):  # noqa: ARG002 - scikit-learn's
        """Count the generators.

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

    def split(self, X, y=None, groups=None):  # noqa: ARG002 - scikit-learn's
        """Yield the rows of each fold, the generators in sorted order.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The images; only their number counts.
        y : object
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            What stays on one side, such as identities; None for each image by itself.

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
        n_groups = group.max() + 1
        order = check_random_state(self.random_state).permutation(n_groups)
        has_real = np.bincount(group, generator == "", n_groups) > 0
        for name in names:
            held_out, other = generator == name, ~np.isin(generator, ["", name])
            has_held_out = np.bincount(group, held_out, n_groups) > 0
            has_other = np.bincount(group, other, n_groups) > 0
            for_test = has_held_out & ~has_other & ~has_real
            # The rest have something to train on as well, so each kind is shared out.
            for kind in (
                has_real & ~has_held_out,
                has_real & has_held_out,
                ~has_real & has_held_out & has_other,
            ):
                members = order[kind[order]]
                for_test[members[: _share(self.test_size, len(members))]] = True
            rows_for_test = for_test[group]
            yield (
                np.flatnonzero(~held_out & ~rows_for_test),
                np.flatnonzero(~other & rows_for_test),
            )

    def _generators(self):
        generator = np.array([str(name) for name in column_or_1d(self.generator)])
        names = np.unique(generator[generator != ""])
        if len(names) < 2:
            raise ValueError(
                f"There are {len(names)} generators; leaving one out takes two or more. Real "
                "images have the empty string as generator."
            )
        return generator, names


def _share(test_size, n_groups):
    """At least one for testing and one for training, if there are two."""
    return 0 if n_groups < 2 else min(max(1, round(test_size * n_groups)), n_groups - 1)
