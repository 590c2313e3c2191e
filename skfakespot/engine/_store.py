"""The store of profiles: in memory, and in a folder where one is given."""

import functools
import os
import threading
import warnings
from collections import OrderedDict

import joblib
import numpy as np

from ._folder import ProfileFolder

# Of all networks in this process. Counts have a bound of their own, for profiles are dear: to make
# one again takes the network.
MEMORY_BYTES = 256 * 2**20
_COUNTS_BYTES = 64 * 2**20

# Of one image, for thresholds that lie far from each other.
_N_BANDS = 4
_OVERHEAD = 1000


class BoundedCache:
    """Profiles or counts in memory, those least recently used dropped first.

    Parameters
    ----------
    max_bytes : int, default=256 MiB
        Bound on their size.
    """

    def __init__(self, max_bytes=MEMORY_BYTES):
        self._max_bytes = max_bytes
        self._n_bytes = 0
        self._entries = OrderedDict()
        self._lock = threading.Lock()

    def holds_any(self, prefix):
        """Whether there is anything under any key with this prefix."""
        with self._lock:
            return any(key.startswith(prefix) for key in self._entries)

    def get(self, key):
        """Profiles or counts under a key, newest first."""
        with self._lock:
            if key not in self._entries:
                return ()
            self._entries.move_to_end(key)
            return self._entries[key]

    def put(self, key, entries):
        """Put profiles or counts before those that are under the key."""
        with self._lock:
            before = self._entries.pop(key, ())
            after = (*entries, *before)[:_N_BANDS]
            self._entries[key] = after
            self._n_bytes += _size(after) - _size(before)
            while self._n_bytes > self._max_bytes:
                self._n_bytes -= _size(self._entries.popitem(last=False)[1])

    def clear(self):
        """Drop everything."""
        with self._lock:
            self._entries.clear()
            self._n_bytes = 0


class ProfileStore:
    """Profiles of the images that a network has seen, by their content.

    Parameters
    ----------
    configuration : bytes
        Digest of the network and how it is read.
    cache : BoundedCache
        Where they are kept in memory.
    known_counts : BoundedCache
        Where the counts that were made of them are kept.
    folder : ProfileFolder or None
        Where they are kept on disk.
    """

    def __init__(self, configuration, cache, known_counts, folder=None):
        self._configuration = configuration
        self._cache = cache
        self._known_counts = known_counts
        self._folder = folder
        self._unwritten = []
        if folder is not None:
            folder.refresh()

    def is_empty(self):
        """Whether no image of this network is known."""
        return self._folder is None and not self._cache.holds_any(self._configuration)

    def sums(self, digest):
        """Sums of each layer's neurons for an image, or None where they are unknown."""
        profiles = self._cached(digest) or self._read(digest)
        return profiles[0].sums if profiles else None

    def counts(self, digests, thresholds, first_features):
        """Count the active neurons of images, where their profiles allow it.

        Parameters
        ----------
        digests : list of bytes or None
            The images.
        thresholds : ndarray of shape (n_layers,), float32
            One threshold for each layer.
        first_features : ndarray of shape (n_layers,), intp
            The first feature of each layer.

        Yields
        ------
        counts : ndarray of shape (n_features,), int32, or None
            One for each image.
        """
        # The candidates of a search ask for the same counts again and again.
        suffix = thresholds.tobytes()
        for digest in digests:
            if digest is None:
                yield None
                continue
            key = self._key(digest) + suffix
            known = self._known_counts.get(key)
            if not known and (profile := self._find(digest, thresholds)) is not None:
                known = (profile.counts(thresholds, first_features).astype(np.int32),)
                self._known_counts.put(key, known)
            yield known[0] if known else None

    def _find(self, digest, thresholds):
        for look in (self._cached, self._read):
            for profile in look(digest):
                if profile.covers(thresholds):
                    return profile
        return None

    def _cached(self, digest):
        return self._cache.get(self._key(digest))

    def put(self, digest, profile):
        """Keep a profile; it is on disk after the next `flush`."""
        self._cache.put(self._key(digest), (profile,))
        if self._folder is not None:
            self._unwritten.append((digest, profile))

    def flush(self):
        """Write what is new to the folder, if there is one."""
        unwritten, self._unwritten = self._unwritten, []
        if not unwritten:
            return
        try:
            self._folder.write(unwritten)
        except OSError as error:
            warnings.warn(
                f"Profiles could not be written to memory={os.fspath(self._folder.location)!r} "
                f"({error.strerror or error}), so that the network will be run again. Make the "
                "folder writable, or give another one.",
                UserWarning,
                stacklevel=2,
            )

    def _read(self, digest):
        profiles = () if self._folder is None else self._folder.read(digest)[:_N_BANDS]
        if profiles:
            self._cache.put(self._key(digest), profiles)
        return profiles

    def _key(self, digest):
        return self._configuration + digest


def _size(entries):
    return sum(entry.nbytes + _OVERHEAD for entry in entries)


_cache = BoundedCache()
_known_counts = BoundedCache(_COUNTS_BYTES)


def open_store(reader, memory=None, *, may_change=False):
    """Open the store of a network's profiles.

    Parameters
    ----------
    reader : NeuronReader
        Reads the network.
    memory : None, path-like or joblib.Memory
        Folder of profiles; None to keep them in this process' memory only.
    may_change : bool, default=False
        Whether the network's weights may have changed since the last call.

    Returns
    -------
    store : ProfileStore
        All stores of a process share their memory.

    Warns
    -----
    UserWarning
        If there is a folder, but the network has code of its own.
    """
    location = memory.location if isinstance(memory, joblib.Memory) else memory
    if reader.description is None and location is not None:
        warnings.warn(
            f"Nothing is kept in memory={os.fspath(location)!r}: the network "
            f"{reader.backbone.name!r} has layers or preprocessing with code of their own, and a "
            "later run could not tell whether that has changed. Use Keras' layers and "
            "skfakespot.backbones.Preprocessing, or set memory=None.",
            UserWarning,
            stacklevel=5,
        )
        location = None
    configuration = reader.configuration(may_change=may_change)
    folder = None if location is None else _shared_folder(location, configuration)
    return ProfileStore(configuration, _cache, _known_counts, folder)


_N_FOLDERS = 8


@functools.lru_cache(_N_FOLDERS)
def _shared_folder(location, configuration):
    # Its table of contents is read once; what others write is seen when a store is opened.
    return ProfileFolder(location, configuration)


def forget_profiles():
    """Drop the profiles that this process keeps in memory; folders stay as they are.

    Examples
    --------
    >>> from skfakespot.engine import forget_profiles
    >>> forget_profiles()
    """
    _cache.clear()
    _known_counts.clear()
    _shared_folder.cache_clear()
