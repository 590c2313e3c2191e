"""Images and a network: sums and counts, with each image passing through as rarely as possible."""

import math
from functools import partial

import joblib
import numpy as np

from .._progress import Pass
from ..images import ImageError
from ._bands import FixedBand, RunningBand, margins, round_down
from ._passes import ProfileRecording, Recording, find_quantile, record
from ._recorders import CountRecorder
from ._workers import record_in_parallel, split

# Of new profiles, before they are narrowed and handed to the store.
_FRESH_BYTES = 32 * 2**20


class Profiler:
    """Sums and counts of some images' neurons.

    What the store knows is not computed again. A new image passes through the network once, and
    again only if the thresholds turn out to lie outside of the band that was kept of it.

    Parameters
    ----------
    reader : NeuronReader
        Reads the network.
    source : ImageSource
        The images.
    store : ProfileStore
        Profiles of images.
    make_plan : callable
        Returns a NetworkPlan, for other processes.
    n_jobs : int or None
        Number of workers, for joblib.
    on_failure : callable
        ``on_failure(index, error)`` hears of images that cannot be read, each once. It may raise.
    watch : callable
        ``watch(batches, about)`` yields the batches of a pass, about which see
        `skfakespot._progress.Pass`.

    Attributes
    ----------
    unreadable : dict of int to str
        Positions of the images that cannot be read, and why.
    """

    def __init__(self, reader, source, store, *, make_plan, n_jobs, on_failure, watch):
        self._reader, self._source, self._store = reader, source, store
        self._make_plan, self._n_jobs = make_plan, n_jobs
        self._tell_failure, self._watch = on_failure, watch
        self._known_digests = None
        self._fresh, self._fresh_bytes = [], 0
        self.unreadable = {}

    def sums(self, center=None):
        """Sum of each layer's neurons for each image: the numerator of eq. 1.

        Parameters
        ----------
        center : ndarray of shape (n_layers,), float64, default=None
            The thresholds, where they do not depend on the images.

        Returns
        -------
        sums : ndarray of shape (n_images, n_layers), float64
            The row of an image that cannot be read is NaN.
        """
        reader, digests = self._reader, self._digests()
        sums = np.full((len(digests), len(reader.layer_names)), np.nan)
        known, first_of = [], {}
        for index, digest in enumerate(digests):
            own = None if digest is None else self._store.sums(digest)
            if own is None:
                first_of.setdefault(digest or index, index)
            else:
                sums[index] = own
                known.append(index)
        band = RunningBand(len(digests), sums[known] / reader.n_neurons, center)
        # In an order of its own, so that the images seen so far stand for those to come.
        missing = np.random.default_rng(0).permutation(_as_indices(first_of.values()))
        recording = ProfileRecording(band, reader.n_neurons)
        for indices, profiles in self._pass(missing, recording, "thresholds"):
            sums[indices] = [profile.sums for profile in profiles]
            self._fresh += zip(indices.tolist(), profiles, strict=True)
            self._fresh_bytes += sum(profile.nbytes for profile in profiles)
            if self._fresh_bytes > _FRESH_BYTES:
                self._store_fresh(*band.bounds())
        self._copy_rows(sums, first_of)
        return sums

    def settle(self, thresholds, sums):
        """Hand the new profiles to the store, once the thresholds are known.

        Parameters
        ----------
        thresholds : ndarray of shape (n_layers,), float64
            The thresholds.
        sums : ndarray of shape (n_images, n_layers), float64
            What `sums` returned.

        Returns
        -------
        margins : ndarray of shape (n_layers,), float64
            How far from the thresholds those of similar sets of images may lie.
        """
        readable = np.delete(sums, list(self.unreadable), axis=0)
        around = margins(readable / self._reader.n_neurons, thresholds)
        band = FixedBand(thresholds, around)
        self._store_fresh(band.low, band.high)
        return around

    def counts(self, thresholds, around=None, *, dtype=np.float64):
        """Count the neurons above their layer's threshold for each image: eq. 2.

        Parameters
        ----------
        thresholds : ndarray of shape (n_layers,), float64
            One threshold for each layer.
        around : ndarray of shape (n_layers,), float64, default=None
            Half width of the bands that are kept of new images. None to keep no profiles.
        dtype : dtype, default=float64
            Floating-point type of the counts.

        Returns
        -------
        counts : ndarray of shape (n_images, n_features)
            The row of an image that cannot be read is NaN.
        """
        reader, exact = self._reader, round_down(thresholds)
        n_images = len(self._source.samples)
        # Digests are not free, and without profiles they are of no use.
        look = around is not None or not self._store.is_empty()
        digests = self._digests() if look else [None] * n_images
        counts = np.full((n_images, len(reader.feature_layers)), np.nan, dtype=dtype)
        first_of = {}
        known = self._store.counts(digests, exact, reader.first_features)
        for index, row in enumerate(known):
            if row is not None:
                counts[index] = row
            elif index not in self.unreadable:
                first_of.setdefault(digests[index] or index, index)
        missing = _as_indices(first_of.values())
        if around is None:
            recording = Recording(partial(CountRecorder, thresholds))
        else:
            recording = ProfileRecording(FixedBand(thresholds, around), reader.n_neurons)
        for indices, results in self._pass(missing, recording, "coverage"):
            if around is None:
                counts[indices] = results
                continue
            for index, profile in zip(indices.tolist(), results, strict=True):
                counts[index] = profile.counts(exact, reader.first_features)
                self._store.put(digests[index], profile)
        self._store.flush()
        if look:
            self._copy_rows(counts, first_of)
        return counts

    def quantile(self, quantile):
        """Each layer's quantile over all images and neurons, exactly, in two passes.

        Parameters
        ----------
        quantile : float
            In [0, 1].

        Returns
        -------
        thresholds : ndarray of shape (n_layers,), float64
        """

        def make_pass(recording):
            indices = np.arange(len(self._source.samples))
            indices = np.setdiff1d(indices, list(self.unreadable))
            batches = self._source.batches(indices, self._note_failure)
            recorded = record(self._reader, batches, recording)
            for _ in self._watched(recorded, [indices], "thresholds"):
                pass

        return find_quantile(self._reader, make_pass, quantile)

    def _pass(self, indices, recording, name):
        if len(indices) == 0:
            return
        n_workers = joblib.effective_n_jobs(self._n_jobs)
        if n_workers > 1 and len(indices) > self._source.batch_size:
            chunks = split(indices, self._source.batch_size, n_workers)
            recorded = record_in_parallel(
                self._make_plan(),
                self._source,
                chunks,
                recording,
                self._n_jobs,
                self._note_failure,
            )
        else:
            chunks = [indices]
            batches = self._source.batches(indices, self._note_failure)
            recorded = record(self._reader, batches, recording)
        yield from self._watched(recorded, chunks, name)

    def _watched(self, recorded, chunks, name):
        n_batches = sum(-(-len(chunk) // self._source.batch_size) for chunk in chunks)
        return self._watch(recorded, Pass(name, sum(map(len, chunks)), n_batches))

    def _copy_rows(self, rows, first_of):
        """Give further images of the same content the row of the first, or its failure."""
        for index, digest in enumerate(self._digests()):
            first = first_of.get(digest, index)
            if first == index or index in self.unreadable:
                continue
            rows[index] = rows[first]
            if first in self.unreadable:
                error = ImageError(self._source.samples.name(index), self.unreadable[first])
                self._note_failure(index, error)

    def _note_failure(self, index, error):
        self.unreadable[index] = error.reason
        self._tell_failure(index, error)

    def _digests(self):
        if self._known_digests is None:
            self._known_digests = self._source.digests()
        return self._known_digests

    def _store_fresh(self, low, high):
        for index, profile in self._fresh:
            narrow = profile.trimmed(low, high, self._reader.first_features)
            self._store.put(self._known_digests[index], narrow)
        self._store.flush()
        self._fresh, self._fresh_bytes = [], 0


def _as_indices(values):
    return np.fromiter(values, dtype=np.intp)


def add_exactly(sums):
    """Add up rows, exactly but for one rounding, so that their order changes nothing.

    Parameters
    ----------
    sums : ndarray of shape (n_images, n_layers), float64
        Sums of each image.

    Returns
    -------
    totals : ndarray of shape (n_layers,), float64
    """
    if not np.isfinite(sums).all():
        with np.errstate(over="ignore", invalid="ignore"):
            return sums.sum(axis=0)
    return np.array([math.fsum(column) for column in sums.T])
