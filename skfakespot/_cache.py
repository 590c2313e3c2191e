# SPDX-License-Identifier: BSD-3-Clause
"""Bounded caches of this process, and the function that empties them."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections import OrderedDict

from ._workers_folder import remove_workers_folder


class BoundedCache:
    """Values in memory under keys; the least recently used are dropped first. Safe in threads.

    Parameters
    ----------
    max_size : int
        Bound on the sum of the values' sizes.
    size_of : callable, default=None
        ``size_of(value)`` returns the size of a value. None counts every value as 1.
    is_network : bool, default=False
        Whether the values are networks or hold one, so that ``clear_caches(networks=False)``
        keeps them.
    collect_after : int, default=None
        The garbage collector runs when this many values have been dropped for lack of room. It is
        for values that refer to themselves, which only the collector frees.
    """

    def __init__(self, max_size, *, size_of=None, is_network=False, collect_after=None):
        self.is_network = is_network
        self._collect_after, self._n_dropped = collect_after, 0
        self._max_size, self._size_of = max_size, size_of or (lambda _value: 1)
        self._size = 0
        self._values = OrderedDict()
        self.make_locks()
        _all_caches.add(self)

    def make_locks(self):
        """Make the locks; in a forked process, those that other threads held stay locked."""
        self._lock = threading.RLock()
        self._key_locks = {}

    def __len__(self):
        return len(self._values)

    def keys(self):
        """List of the keys, the least recently used first."""
        with self._lock:
            return list(self._values)

    def has_key_prefix(self, prefix):
        """Whether any key, of type bytes, begins like this."""
        with self._lock:
            return any(key.startswith(prefix) for key in self._values)

    def get(self, key, default=None):
        """Return the value under a key, or `default`."""
        with self._lock:
            if key not in self._values:
                return default
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key, value):
        """Keep a value, in place of any other under its key."""
        self.update(key, lambda _before: value)

    def update(self, key, change, default=None):
        """Replace a value by ``change(value)``; `default` stands for one that is missing."""
        with self._lock:
            before = self.pop(key, default)
            self._values[key] = after = change(before)
            self._size += self._size_of(after)
            while self._size > self._max_size:
                self.pop(next(iter(self._values)))
                self._n_dropped += 1
            must_collect = self._n_dropped == self._collect_after
            if must_collect:
                self._n_dropped = 0
        if must_collect:
            gc.collect()

    def pop(self, key, default=None):
        """Remove a value and return it, or `default`."""
        with self._lock:
            if key not in self._values:
                return default
            value = self._values.pop(key)
            self._size -= self._size_of(value)
            return value

    def get_or_make(self, key, make):
        """Return the value under a key, or keep and return ``make()``.

        Threads that ask for one key wait for one `make`. Other keys are not blocked meanwhile, so
        `make` may use this and other caches. Where threads would wait for each other, because the
        `make` of each needs what the other makes, one of them makes a value of its own.
        """
        with self._lock:
            if key in self._values:
                return self.get(key)
            key_lock = self._key_locks.setdefault(key, _KeyLock())
        if not key_lock.acquire():
            return make()
        try:
            with self._lock:
                if key in self._values:
                    return self.get(key)
            value = make()
            self.put(key, value)
            return value
        finally:
            with self._lock:
                self._key_locks.pop(key, None)
            key_lock.release()

    def clear(self):
        """Drop everything."""
        with self._lock:
            self._values.clear()
            self._size = 0


class _KeyLock:
    """A re-entrant lock that is not waited for by a thread that its holder waits for."""

    def __init__(self):
        self._lock, self._holder, self._depth = threading.RLock(), None, 0

    def acquire(self):
        """Wait for the lock; return False at once if its holder waits for this thread."""
        thread = threading.get_ident()
        with _waits:
            if self._holder_waits_for(thread):
                return False
            _waited_for[thread] = self
        try:
            self._lock.acquire()
        finally:
            with _waits:
                del _waited_for[thread]
        with _waits:
            self._holder, self._depth = thread, self._depth + 1
        return True

    def release(self):
        """Let another thread have the lock."""
        with _waits:
            self._depth -= 1
            if self._depth == 0:
                self._holder = None
        self._lock.release()

    def _holder_waits_for(self, thread):
        """Whether the holder waits, directly or through others, for a lock of a thread."""
        holder = self._holder
        while holder != thread and holder in _waited_for:
            holder = _waited_for[holder]._holder
            if holder == thread:
                return True
        return False


_all_caches = weakref.WeakSet()
_waits = threading.Lock()
_waited_for = {}  # the lock that a thread waits for, by the thread


def _make_all_locks():
    global _waits
    _waits = threading.Lock()
    _waited_for.clear()
    for cache in list(_all_caches):
        cache.make_locks()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_make_all_locks)


def clear_caches(*, networks: bool = True) -> None:
    """Empty all caches of this process and free their memory; folders of `memory` stay.

    Fitted estimators go on working: what they need is built or computed again. Without this call,
    a process keeps the 8 networks, the 8 unions of networks and the 8 trainers of classifiers that
    it has used last, and up to 3 networks and 3 unions that it has not freed yet.

    .. versionadded:: 0.1

    Parameters
    ----------
    networks : bool, default=True
        Whether built networks, their compiled steps and trainers are dropped too. With False,
        only what is known about images is: profiles, counts and digests.

    Examples
    --------
    >>> from skfakespot import clear_caches
    >>> clear_caches()
    """
    for cache in list(_all_caches):
        if networks or not cache.is_network:
            cache.clear()
    remove_workers_folder()
    if networks:
        # Keras' networks and their compiled functions refer to each other.
        gc.collect()
