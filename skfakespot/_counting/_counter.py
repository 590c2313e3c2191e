# SPDX-License-Identifier: BSD-3-Clause
"""Sums and counts of the neurons of images, with as few passes through the network as possible."""

import math

import joblib
import numpy as np

from .._progress import Pass
from ..images import ImageError
from ._bands import FixedBand, RunningBand, half_widths, round_down
from ._combined_reduction import CombinedReduction
from ._passes import ReducedBatch, run_pass
from ._reducers import CountReduction, ProfileReduction
from ._statistic_rows import StatisticRows
from ._workers import run_parallel_pass, split

# Bytes of new profiles that are kept before they are trimmed and put into the store.
_NEW_BYTES = 32 * 2**20


class NeuronCounter:
    """Sums and counts of the neurons of some images.

    What the store knows is not computed again. A new image passes through the network once, and
    again only if the thresholds turn out to lie outside of the bands of its profile. With
    ``on_error="raise"`` an image that cannot be read raises its `ImageError`; with "nan" it is
    noted in `failures`, by its position. ``watch(batches, about)`` yields the batches of a pass.
    The `rows` hold the statistics of the images, if a `StatisticLayout` is given; each pass fills
    those that are missing.
    """

    def __init__(
        self, network, layout, samples, stores, *, statistics, batch_size, on_error, n_jobs, watch
    ):
        self.layout, self.n_images = layout, len(samples)
        self.rows = StatisticRows(statistics, len(samples), stores)
        self._network, self._samples = network, samples
        self._store = stores.profiles(layout)
        self._turn = stores.turn()
        self._batch_size, self._on_error = batch_size, on_error
        self._n_jobs, self._watch = n_jobs, watch
        self._known_digests = None
        self._new, self._new_bytes = [], 0
        self.failures, self._n_reported = {}, 0
        self.counts_known = None

    def sums(self, center=None):
        """Sum each layer's neurons for each image: the numerator of eq. 1.

        Returns (n_images, n_layers), float64, NaN for unreadable images. `center` (n_layers,) are
        the thresholds, if they do not depend on the images. Profiles are made in the same pass,
        unless the `rows` need no counts.
        """
        with self._turn:
            return self._sums(center)

    def _sums(self, center):
        rows, makes_profiles = self.rows, self.rows.takes_counts
        digests = self._digests()
        sums = np.full((len(digests), self.layout.n_layers), np.nan)
        known, first_of = self._look_up_sums(sums)
        if first_of and self._begin_turn():
            known, first_of = self._look_up_sums(sums)
        band = RunningBand(len(digests), sums[known] / self.layout.n_neurons, center)
        reduction = ProfileReduction(self.layout, band) if makes_profiles else None
        # In random order, so that the images seen so far represent those to come.
        missing = np.random.default_rng(0).permutation(_as_indices(first_of.values()))
        for indices, profiles, values in self._pass(missing, reduction, "thresholds"):
            rows.take(indices, values, digests)
            if not makes_profiles:
                sums[indices] = [own["sums"] for own in values]
                continue
            sums[indices] = [profile.sums for profile in profiles]
            self._new += zip(indices.tolist(), profiles, strict=True)
            self._new_bytes += sum(profile.nbytes for profile in profiles)
            if self._new_bytes > _NEW_BYTES:
                self._store_new(*band.bounds())
        if self._turn.is_held:
            # The next worker needs them.
            self._store_new(*band.bounds())
        self._copy_rows(sums, first_of)
        self._finish_rows(first_of)
        return sums

    def _look_up_sums(self, sums):
        """Fill the sums that are known; return their positions, and the first of each other."""
        find = self._store.sums if self.rows.takes_counts else self.rows.find_sums
        known, first_of = [], {}
        for index, digest in enumerate(self._digests()):
            own = None if digest is None else find(digest)
            if own is None or not self.rows.find(index, digest):
                first_of.setdefault(digest or index, index)
            else:
                sums[index] = own
                known.append(index)
        return known, first_of

    def _begin_turn(self):
        """Wait until no other worker runs the network; return whether to look up images again."""
        has_begun = self._turn.begin()
        if has_begun:
            self._store.refresh()
            self.rows.refresh()
        return has_begun

    def store_profiles(self, thresholds, sums):
        """Put the new profiles into the store, once the thresholds are known.

        Takes the thresholds and the result of `sums`; returns the half widths of the bands kept.
        """
        readable = np.delete(sums, list(self.failures), axis=0)
        widths = half_widths(readable / self.layout.n_neurons, thresholds)
        band = FixedBand(thresholds, widths)
        self._store_new(band.low, band.high)
        return widths

    def counts(self, thresholds, band_half_widths=None, *, dtype=np.float64):
        """Count the neurons above their layer's threshold for each image: eq. 2.

        Returns (n_images, n_features), NaN for unreadable images. Profiles and statistics of new
        images are kept if `band_half_widths` (n_layers,) are given.
        """
        with self._turn:
            return self._counts(thresholds, band_half_widths, dtype)

    def _counts(self, thresholds, band_half_widths, dtype):
        layout, exact, rows = self.layout, round_down(thresholds), self.rows
        keeps_new = band_half_widths is not None
        # Digests cost time, and without profiles they are of no use.
        uses_digests = keeps_new or not self._store.is_empty()
        digests = self._digests() if uses_digests else [None] * self.n_images
        counts = np.full((len(digests), layout.n_features), np.nan, dtype=dtype)
        first_of = self._look_up_counts(counts, digests, exact)
        if uses_digests and first_of and self._begin_turn():
            first_of = self._look_up_counts(counts, digests, exact)
        reduction = CountReduction(layout, thresholds)
        if keeps_new:
            reduction = ProfileReduction(layout, FixedBand(thresholds, band_half_widths))
        missing = _as_indices(first_of.values())
        for indices, results, values in self._pass(missing, reduction, "coverage"):
            rows.take(indices, values, digests if keeps_new else None)
            if not keeps_new:
                counts[indices] = results
                continue
            for index, profile in zip(indices.tolist(), results, strict=True):
                counts[index] = profile.counts(exact, layout.first_features)
                self._store.put(digests[index], profile)
        self._store.flush()
        if uses_digests:
            self._copy_rows(counts, first_of)
        self._finish_rows(first_of if uses_digests else {})
        return counts

    def _look_up_counts(self, counts, digests, thresholds):
        """Fill the counts that are known; return the position of the first of each other image."""
        first_of = {}
        known = self._store.counts(digests, thresholds, self.layout.first_features)
        for index, (row, digest) in enumerate(zip(known, digests, strict=True)):
            if row is not None:
                counts[index] = row
            is_known = self.rows.find(index, digest) and row is not None
            if not is_known and index not in self.failures:
                first_of.setdefault(digest or index, index)
        return first_of

    def fill_rows(self, *, keeps_new):
        """Fill the `rows` if they need no counts, in a pass of the images that are not known."""
        with self._turn:
            self._fill_rows(keeps_new=keeps_new)

    def _fill_rows(self, *, keeps_new):
        rows = self.rows
        uses_digests = keeps_new or not rows.is_empty()
        digests = self._digests() if uses_digests else [None] * self.n_images
        first_of = self._look_up_rows(digests)
        if uses_digests and first_of and self._begin_turn():
            first_of = self._look_up_rows(digests)
        missing = _as_indices(first_of.values())
        for indices, _, values in self._pass(missing, None, "statistics"):
            rows.take(indices, values, digests if keeps_new else None)
        self._finish_rows(first_of if uses_digests else {})

    def _look_up_rows(self, digests):
        """Fill the rows that are known; return the position of the first of each other image."""
        first_of = {}
        for index, digest in enumerate(digests):
            if not self.rows.find(index, digest) and index not in self.failures:
                first_of.setdefault(digest or index, index)
        return first_of

    def _finish_rows(self, first_of):
        if first_of:
            self._copy_rows(self.rows.matrix, first_of)
            self._copy_rows(self.rows.is_known, first_of)
        self.rows.flush()

    def count_readable(self):
        """Return the number of images that could be read in a pass; raise ValueError at none."""
        n_readable = self.n_images - len(self.failures)
        if n_readable == 0:
            raise ValueError(
                f"None of the {self.n_images} images could be read, so there is nothing to "
                "learn from. The warnings name each file and the reason."
            )
        return n_readable

    def counts_of(self, reduction, *, dtype=np.float64):
        """Count by any `CountReduction`, without profiles.

        Returns (n_images, n_features * n_counts), NaN for unreadable images. If `counts_known` is
        a `TrainingRange`, it knows the counts of its images without the network.
        """
        n_features = self.layout.n_features * reduction.n_counts
        counts = np.full((self.n_images, n_features), np.nan, dtype=dtype)
        missing = self._readable()
        if self.counts_known is not None:
            self.counts_known.fill(counts)
            missing = np.setdiff1d(missing, self.counts_known.images)
        for indices, results, _ in self._pass(missing, reduction, "coverage"):
            counts[indices] = results
        return counts

    def learn(self, reduction, indices=None):
        """Yield a `ReducedBatch` for each batch of images, all of them by default, in order."""
        for batch, results, _ in self._pass(self._readable(indices), reduction, "thresholds"):
            yield ReducedBatch(batch, results)

    def learn_here(self, reduction, indices=None):
        """Yield what `learn` does, in this process, where the reduction may be shared."""
        indices = self._readable(indices)
        yield from self._watched(self._local_pass(indices, reduction), [indices], "thresholds")

    def new_failures(self):
        """Return the failures since the last call, by position: pairs (index, error)."""
        failures = list(self.failures.items())[self._n_reported :]
        self._n_reported += len(failures)
        return sorted(failures)

    def _readable(self, indices=None):
        indices = np.arange(self.n_images) if indices is None else indices
        return np.setdiff1d(indices, list(self.failures))

    def _pass(self, indices, reduction, name):
        """Yield for each batch its positions, the results of `reduction`, and those for `rows`."""
        if len(indices) == 0:
            return
        reduction = CombinedReduction(reduction, self.rows.reduction(indices))
        n_workers = joblib.effective_n_jobs(self._n_jobs)
        if n_workers > 1 and len(indices) > self._batch_size:
            chunks = split(indices, self._batch_size, n_workers)
            batches = run_parallel_pass(
                self._network,
                self._samples,
                chunks,
                self._batch_size,
                reduction,
                self._n_jobs,
                self._note_failure,
            )
        else:
            chunks = [indices]
            batches = self._local_pass(indices, reduction)
        for batch_indices, results in self._watched(batches, chunks, name):
            yield batch_indices, *zip(*results, strict=True)

    def _local_pass(self, indices, reduction):
        reader = self._network.open()
        batches = self._samples.batches(
            indices,
            image_size=reader.image_size,
            batch_size=self._batch_size,
            on_error=self._note_failure,
        )
        return run_pass(reader, batches, reduction)

    def _watched(self, batches, chunks, name):
        n_batches = sum(-(-len(chunk) // self._batch_size) for chunk in chunks)
        return self._watch(batches, Pass(name, sum(map(len, chunks)), n_batches))

    def _copy_rows(self, rows, first_of):
        """Give further images of the same content the row of the first, or its failure."""
        for index, digest in enumerate(self._digests()):
            first = first_of.get(digest, index)
            if first == index or index in self.failures:
                continue
            rows[index] = rows[first]
            if first in self.failures:
                reason = self.failures[first].reason
                self._note_failure(index, ImageError(self._samples.name(index), reason))

    def _note_failure(self, index, error):
        if self._on_error == "raise":
            raise error
        self.failures[index] = error

    def _digests(self):
        if self._known_digests is None:
            self._known_digests = self._samples.digests()
            self._samples = self._samples.expecting(self._known_digests)
        return self._known_digests

    def _store_new(self, low, high):
        for index, profile in self._new:
            trimmed = profile.trimmed(low, high, self.layout.first_features)
            self._store.put(self._known_digests[index], trimmed)
        self._store.flush()
        self._new, self._new_bytes = [], 0


def _as_indices(values):
    return np.fromiter(values, dtype=np.intp)


def add_exactly(sums):
    """Add rows, exactly but for one rounding, so that their order does not matter."""
    return np.array([math.fsum(column) for column in sums.T])
