# SPDX-License-Identifier: BSD-3-Clause
"""The statistics of images, one row each, from the store or from a pass through the network."""

import numpy as np

from ._statistic_reduction import StatisticReduction


class StatisticRows:
    """Rows of the statistics of some images.

    Parameters
    ----------
    statistics : StatisticLayout or None
        The columns; None for counts of active neurons alone, which need no rows.
    n_images : int
        Number of rows.
    stores : Stores
        Opens the stores, one for each group of statistics.

    Attributes
    ----------
    matrix : ndarray of shape (n_images, n_columns), float32
        NaN until a row is known.
    is_known : ndarray of shape (n_images,), bool
        Whether a row is filled, apart from the columns that come from counts.
    takes_counts : bool
        Whether any column comes from counts.
    """

    def __init__(self, statistics, n_images, stores):
        self.statistics = statistics
        self._groups = statistics.groups if statistics else ()
        self.takes_counts = statistics is None or statistics.takes_counts
        n_columns = statistics.n_columns if statistics else 0
        self.matrix = np.full((n_images, n_columns), np.nan, dtype=np.float32)
        self.is_known = np.full(n_images, not self._groups)
        self._stores = [
            stores.arrays(group.key, group.n_values, np.float32) for group in self._groups
        ]
        self._sums = None
        if statistics is not None:
            self._sums = stores.arrays("sums", statistics.layout.n_layers, np.float64)

    def is_empty(self):
        """Whether a store is empty, so that no whole row can be found."""
        return any(store.is_empty() for store in self._stores)

    def refresh(self):
        """Take into account what other processes have written."""
        for store in filter(None, (*self._stores, self._sums)):
            store.refresh()

    def find(self, index, digest):
        """Fill a row from the stores; return whether it is known."""
        if not self.is_known[index] and digest is not None:
            values = [store.find(digest) for store in self._stores]
            if all(own is not None for own in values):
                self._place(index, values)
        return bool(self.is_known[index])

    def find_sums(self, digest):
        """Sums of each layer's neurons for an image, or None if they are unknown."""
        return self._sums.find(digest)

    def reduction(self, indices):
        """Make the reduction whose results `take` takes, or None if all these rows are known."""
        return None if self.is_known[indices].all() else StatisticReduction(self.statistics)

    def take(self, indices, results, digests=None):
        """Fill the rows of a batch, and keep them in the stores if `digests` are given."""
        for index, values in zip(indices.tolist(), results, strict=True):
            if values is None:
                continue
            groups = [values[group.name] for group in self._groups]
            self._place(index, groups)
            if digests is not None:
                for store, own in zip(self._stores, groups, strict=True):
                    store.put(digests[index], own.copy())
                self._sums.put(digests[index], values["sums"].copy())

    def flush(self):
        """Write what is new to the folder of the stores, if there is one."""
        for store in filter(None, (*self._stores, self._sums)):
            store.flush()

    def _place(self, index, values):
        for group, own in zip(self._groups, values, strict=True):
            self.statistics.place(self.matrix[index], group, own)
        self.is_known[index] = True
