# SPDX-License-Identifier: BSD-3-Clause
"""The memory that the threads of a process may use at once to decode images."""

import ctypes
import os
import sys
import threading
from contextlib import contextmanager

# Each thread keeps what it frees for itself, in glibc. If it was much, it is given back.
_RETAINED_BYTES = 32_000_000
_malloc_trim = None
if sys.platform == "linux":
    _malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


class MemoryBudget:
    """Bytes that threads share; a thread waits until enough of them are free."""

    def __init__(self):
        self.reset()

    def reset(self):
        """Forget all shares: in a forked process, their threads do not exist."""
        self._queue, self._freed = threading.Lock(), threading.Condition()
        self._used = 0
        self._of_this_thread = threading.local()

    @contextmanager
    def share(self, n_bytes, limit):
        """Wait for a share, and give it back at the end; see `Share`.

        A share larger than the limit waits until there is no other. A thread that has a share
        already does not wait, because other threads may wait for that one.
        """
        with self._queue, self._freed:  # first come, first served
            if not self._n_shares_here():
                self._freed.wait_for(lambda: self._used + n_bytes <= limit or not self._used)
            self._used += n_bytes
        self._of_this_thread.n_shares = self._n_shares_here() + 1
        own = Share(self, n_bytes, limit)
        try:
            yield own
        finally:
            self._of_this_thread.n_shares -= 1
            if own.n_bytes > _RETAINED_BYTES and _malloc_trim is not None:
                _malloc_trim(0)
            with self._freed:
                self._used -= own.n_bytes
                self._freed.notify_all()

    def _n_shares_here(self):
        return getattr(self._of_this_thread, "n_shares", 0)

    def enlarge(self, share, n_bytes):
        """Make a share as large as that, if it is not, without waiting; return whether it is."""
        more = max(0, n_bytes - share.n_bytes)
        with self._freed:
            is_alone = self._used == share.n_bytes
            if more and not is_alone and self._used + more > share.limit:
                return False
            self._used += more
            share.n_bytes += more
            return True


class Share:
    """Bytes of a `MemoryBudget` that belong to a thread."""

    def __init__(self, budget, n_bytes, limit):
        self._budget, self.n_bytes, self.limit = budget, n_bytes, limit

    def enlarge(self, n_bytes):
        """See `MemoryBudget.enlarge`."""
        return self._budget.enlarge(self, n_bytes)


class FreeShare:
    """A share that is so small that it is not counted; it takes no time."""

    MAX_BYTES = 4_000_000

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def enlarge(self, n_bytes):
        """Return whether so many bytes are free."""
        return n_bytes <= self.MAX_BYTES


budget = MemoryBudget()
if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=budget.reset)
