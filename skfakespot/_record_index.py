# SPDX-License-Identifier: BSD-3-Clause
"""Where the records of a folder are, in sorted arrays, which are made quickly and are small."""

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

import numpy as np

# An image's digest, in two halves, and the place of one of its records in a file.
TABLE = np.dtype([("first", "<u8"), ("last", "<u8"), ("start", "<i8"), ("length", "<i8")])
_DIGEST = np.dtype([("first", "<u8"), ("last", "<u8")])

# So many new records, or this share of all, are kept in a dict beside the sorted ones, because
# sorting them in takes time in proportion to all records.
_MIN_RECENT, _RECENT_SHARE = 2**12, 1 / 16


class Place(NamedTuple):
    """Where a record is."""

    file: str
    start: int
    length: int


class _Sorted(NamedTuple):
    """Records of files, found by their `keys`, the last halves of the digests, which are sorted.

    `rows` are their numbers in all tables together, and `first_rows` those of the first of each.
    """

    files: list
    tables: list
    first_rows: list
    keys: np.ndarray
    rows: np.ndarray


class RecordIndex:
    """The places of records, by the digest of their image.

    Threads may look records up while one thread adds and removes files.
    """

    def __init__(self):
        self._tables, self._n_recent = {}, 0
        self._parts = _sort({}), {}

    @property
    def files(self):
        """The names of the files, a set-like view."""
        return self._tables.keys()

    def add(self, tables):
        """Add new files, the oldest first: a dict of arrays of dtype `TABLE`, by name."""
        self._tables |= tables
        self._n_recent += sum(map(len, tables.values()))
        known, recent = self._parts
        if self._n_recent > max(_MIN_RECENT, _RECENT_SHARE * len(known.rows)):
            # In one step, for threads that look up records meanwhile.
            self._parts = _sort(self._tables), {}
            self._n_recent = 0
            return
        for name, table in tables.items():
            digests = table[["first", "last"]].astype(_DIGEST).view("V16")
            for digest, row in zip(digests.tolist(), table.tolist(), strict=True):
                recent.setdefault(digest, []).append(Place(name, *row[2:]))

    def remove(self, names):
        """Remove files; their memory is freed when further records are sorted in."""
        for name in names:
            del self._tables[name]

    def find(self, digest):
        """List the `Place` of each record of an image, the newest first."""
        known, recent = self._parts
        places = recent.get(digest, [])[::-1] + _find(known, digest)
        return [place for place in places if place.file in self._tables]


def _sort(tables):
    """Make `_Sorted` of the tables of files, a dict."""
    all_keys = [np.empty(0, np.uint64), *(table["last"] for table in tables.values())]
    keys = np.concatenate(all_keys)
    order = np.argsort(keys)
    first_rows = list(accumulate(map(len, tables.values()), initial=0))
    rows = order.astype(np.uint32) if len(order) < 2**32 else order
    return _Sorted(list(tables), list(tables.values()), first_rows, keys[order], rows)


def _find(known, digest):
    first, last = np.frombuffer(digest, TABLE["first"])
    begin = known.keys.searchsorted(last)
    if begin == len(known.keys) or known.keys[begin] != last:
        return []
    end = known.keys.searchsorted(last, side="right")
    places = []
    for row in sorted(known.rows[begin:end].tolist(), reverse=True):
        number = bisect_right(known.first_rows, row) - 1
        found = known.tables[number][row - known.first_rows[number]]
        if found["first"] == first:
            places.append(Place(known.files[number], int(found["start"]), int(found["length"])))
    return places
