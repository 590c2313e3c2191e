"""The store of profiles: in memory, and in a folder if one is given."""

import hashlib
import os
import warnings

import joblib
import numpy as np

from .._cache import BoundedCache
from ..images import DECODER_VERSION
from ._folder import ProfileFolder

MEMORY_BYTES = 256 * 2**20
_COUNTS_BYTES = 64 * 2**20
# Kept of one image, for thresholds that are far from each other.
_N_PROFILES = 4
# Bytes that an entry takes beside its arrays, about.
_OVERHEAD = 1000


def make_cache(max_bytes):
    """Make a cache whose values are tuples of entries ``(weights, value)``."""
    return BoundedCache(max_bytes, size_of=_size)


def _size(entries):
    return sum(value.nbytes + _OVERHEAD for _, value in entries)


# Shared by all networks of this process. Counts have a bound of their own, so that the many
# counts of a search do not push out profiles, which take the network to make again.
_profiles = make_cache(MEMORY_BYTES)
_counts = make_cache(_COUNTS_BYTES)
# A folder's list of contents is read once; `refresh` adds what other processes write.
_folders = BoundedCache(8)


class ProfileStore:
    """Profiles of the images that a network has read, by the content of the images.

    Parameters
    ----------
    structure : bytes
        Digest of the network without its weights, and of how it is read.
    weights : callable
        Returns a digest of the weights. It is called only if the store may hold something.
    folder : ProfileFolder, default=None
        Where profiles are kept on disk.
    profiles, counts : BoundedCache
        Where they are kept in memory: by `structure` and the image, entries ``(weights, value)``.
    """

    def __init__(self, structure, weights, folder=None, profiles=_profiles, counts=_counts):
        self._structure, self._find_weights, self._folder = structure, weights, folder
        self._profiles, self._counts = profiles, counts
        self._known_weights = None
        self._unwritten = []
        if folder is not None:
            folder.refresh()

    def is_empty(self):
        """Whether no image of this network is known."""
        return self._folder is None and not self._profiles.has_key_prefix(self._structure)

    def sums(self, digest):
        """Sums of each layer's neurons for an image, or None if they are unknown."""
        profiles = self._cached(digest) or self._read(digest)
        return profiles[0].sums if profiles else None

    def counts(self, digests, thresholds, first_features):
        """Yield the counts of each image (n_features,), int32, or None if they are unknown.

        The thresholds (n_layers,) are float32. A digest that is None stands for an unreadable
        image.
        """
        # The candidates of a search need the same counts again and again.
        suffix = thresholds.tobytes()
        for digest in digests:
            is_known = digest is not None
            yield self._count(digest, suffix, thresholds, first_features) if is_known else None

    def _count(self, digest, suffix, thresholds, first_features):
        key = self._structure + digest + suffix
        for weights, counts in self._counts.get(key, ()):
            if weights == self._weights():
                return counts
        profile = self._find(digest, thresholds)
        if profile is None:
            return None
        counts = profile.counts(thresholds, first_features).astype(np.int32)
        self._counts.put(key, ((self._weights(), counts),))
        return counts

    def _find(self, digest, thresholds):
        for look_up in (self._cached, self._read):
            for profile in look_up(digest):
                if profile.covers(thresholds):
                    return profile
        return None

    def _cached(self, digest):
        entries = self._profiles.get(self._structure + digest, ())
        return [profile for weights, profile in entries if weights == self._weights()]

    def _read(self, digest):
        profiles = () if self._folder is None else self._folder.read(digest)[:_N_PROFILES]
        self._keep(digest, profiles)
        return profiles

    def _keep(self, digest, profiles):
        if profiles:
            new = tuple((self._weights(), profile) for profile in profiles)
            key = self._structure + digest
            self._profiles.update(key, lambda known: (*new, *known)[:_N_PROFILES], default=())

    def put(self, digest, profile):
        """Keep a profile; it is on disk after the next `flush`."""
        self._keep(digest, [profile])
        if self._folder is not None:
            self._unwritten.append((digest, profile))

    def flush(self):
        """Write new profiles to the folder, if there is one."""
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

    def _weights(self):
        if self._known_weights is None:
            self._known_weights = self._find_weights()
        return self._known_weights


def open_store(reader, layout, memory=None):
    """Open the store of a network's profiles, in the folder `memory` or in this process only."""
    location = memory.location if isinstance(memory, joblib.Memory) else memory
    if reader.has_own_code and location is not None:
        warnings.warn(
            f"Nothing is kept in memory={os.fspath(location)!r}: the network has layers or "
            "preprocessing with code of their own, and a later run could not tell whether that "
            "has changed. Use Keras' layers and skfakespot.backbones.Preprocessing, or set "
            "memory=None.",
            UserWarning,
            stacklevel=5,
        )
        location = None
    reading = f"{layout.neuron} {layout.output} {DECODER_VERSION}".encode()
    structure = hashlib.sha256(reader.structure() + reading).digest()
    folder = None
    if location is not None:
        configuration = hashlib.sha256(structure + reader.weights()).digest()
        folder = _folders.get_or_make(
            (os.fspath(location), configuration), lambda: ProfileFolder(location, configuration)
        )
    return ProfileStore(structure, reader.weights, folder)
