# SPDX-License-Identifier: BSD-3-Clause
"""Stores of profiles and statistics: in memory, and in a folder if one is given."""

import hashlib
import os
import warnings
from itertools import islice

import joblib
import numpy as np

from .._cache import BoundedCache
from .._record_folder import open_folder
from .._workers_folder import Turn, workers_folder
from ..images import DECODER_VERSION
from ._profile import ActivationProfile

MEMORY_BYTES = 256 * 2**20
_COUNTS_BYTES = 64 * 2**20
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


class _Store:
    """Values of the images that a network has read, by the content of the images.

    Parameters
    ----------
    structure : bytes
        Digest of the network without its weights, and of how it is read.
    weights : callable
        Returns a digest of the weights. It is called only if the store may hold something.
    folder : RecordFolder, default=None
        Where values are kept on disk.
    cache : BoundedCache
        Where they are kept in memory: by `structure` and the image, entries ``(weights, value)``.
    """

    # Kept of one image.
    _n_values = 1

    def __init__(self, structure, weights, folder=None, cache=_profiles):
        self._structure, self._find_weights, self._folder = structure, weights, folder
        self._cache = cache
        self._known_weights = None
        self._unwritten = []
        self.refresh()

    def refresh(self):
        """Take into account what other processes have written."""
        if self._folder is not None:
            self._folder.refresh()

    def is_empty(self):
        """Whether no image of this network is known."""
        return self._folder is None and not self._cache.has_key_prefix(self._structure)

    def put(self, digest, value):
        """Keep a value; it is on disk after the next `flush`."""
        self._keep(digest, [value])
        if self._folder is not None:
            self._unwritten.append((digest, self._pack(value)))

    def flush(self):
        """Write new values to the folder, if there is one."""
        unwritten, self._unwritten = self._unwritten, []
        if unwritten:
            self._folder.write_or_warn(unwritten)

    def _known(self, digest):
        return self._cached(digest) or self._read(digest)

    def _cached(self, digest):
        entries = self._cache.get(self._structure + digest, ())
        return [value for weights, value in entries if weights == self._weights()]

    def _read(self, digest):
        if self._folder is None:
            return []
        found = self._folder.read(digest, self._unpack, self._max_bytes())
        values = list(islice(found, self._n_values))
        self._keep(digest, values)
        return values

    def _keep(self, digest, values):
        if values:
            new = tuple((self._weights(), value) for value in values)
            key = self._structure + digest
            self._cache.update(key, lambda known: (*new, *known)[: self._n_values], default=())

    def _weights(self):
        if self._known_weights is None:
            self._known_weights = self._find_weights()
        return self._known_weights


class ProfileStore(_Store):
    """Activation profiles of images in a `FeatureLayout`; see `_Store`.

    `counts` is a cache of their counts.
    """

    # For thresholds that are far from each other.
    _n_values = 4
    _pack = staticmethod(ActivationProfile.to_bytes)

    def __init__(
        self, structure, weights, folder=None, *, layout=None, profiles=_profiles, counts=_counts
    ):
        super().__init__(structure, weights, folder, profiles)
        self._layout, self._counts = layout, counts

    def _max_bytes(self):
        return ActivationProfile.max_bytes(self._layout)

    def _unpack(self, data):
        return ActivationProfile.from_bytes(data).checked(self._layout)

    def sums(self, digest):
        """Sums of each layer's neurons for an image, or None if they are unknown."""
        profiles = self._known(digest)
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


class ArrayStore(_Store):
    """An array for each image, of `n_values` numbers of `dtype`; see `_Store`."""

    def __init__(self, structure, weights, folder=None, *, n_values, dtype):
        super().__init__(structure, weights, folder)
        self._n_numbers, self._dtype = n_values, np.dtype(dtype).newbyteorder("<")

    def find(self, digest):
        """Return an image's array, or None if it is unknown."""
        return next(iter(self._known(digest)), None)

    def _pack(self, value):
        return value.astype(self._dtype, copy=False).tobytes()

    def _max_bytes(self):
        return self._n_numbers * self._dtype.itemsize

    def _unpack(self, data):
        value = np.frombuffer(data, self._dtype)
        if len(value) != self._n_numbers:
            raise ValueError(f"{len(value)} numbers instead of {self._n_numbers}")
        return value


class Stores:
    """Opens the stores of a network, in the folder `memory`, or in this process only.

    Without `memory`, joblib's workers and the process that started them share a temporary folder.
    """

    def __init__(self, reader, memory=None):
        self._reader = reader
        self.location = memory.location if isinstance(memory, joblib.Memory) else memory
        if reader.has_own_code and self.location is not None:
            warnings.warn(
                f"Nothing is kept in memory={os.fspath(self.location)!r}: the network has layers "
                "or preprocessing with code of their own, and a later run could not tell whether "
                "that has changed. Use Keras' layers and skfakespot.backbones.Preprocessing, or "
                "set memory=None.",
                UserWarning,
                stacklevel=5,
            )
            self.location = None
        elif self.location is None and not reader.has_own_code:
            self.location = workers_folder()

    def turn(self):
        """Make the turn to run the network, for processes that share the stores."""
        return Turn(waits=self.location is not None)

    def profiles(self, layout):
        """Open the store of the profiles of a `FeatureLayout`."""
        reading = f"{layout.neuron} {layout.output}"
        if layout.grid_size > 1:
            reading += f" {layout.grid_size}"
        return ProfileStore(*self._open(reading), layout=layout)

    def arrays(self, key, n_values, dtype):
        """Open the store of arrays that have been computed as `key`, text, says."""
        return ArrayStore(*self._open(key), n_values=n_values, dtype=dtype)

    def _open(self, reading):
        reading = f"{reading} {DECODER_VERSION}".encode()
        structure = hashlib.sha256(self._reader.structure() + reading).digest()
        if self.location is None:
            return structure, self._reader.weights
        configuration = hashlib.sha256(structure + self._reader.weights()).digest()
        return structure, self._reader.weights, open_folder(self.location, configuration)
