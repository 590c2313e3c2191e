"""Batches of images on their way through the network."""

import copy
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ._recorders import N_BINS, HistogramRecorder, ProfileRecorder, from_places

# While NumPy reduces one batch's layers, the network computes the other's.
_N_IN_FLIGHT = 2


class Recorded(NamedTuple):
    """What was recorded of some images.

    Attributes
    ----------
    indices : ndarray of shape (n,), intp
        Their positions in X.
    results : list of n objects
        The recorder's result for each.
    """

    indices: np.ndarray
    results: list[Any]


class Recording:
    """What is recorded of the images of a pass. It can be sent to another process.

    Parameters
    ----------
    make_recorder : callable
        See `NeuronReader.record`.
    """

    def __init__(self, make_recorder):
        self._make_recorder = make_recorder

    def make_recorder(self):
        """What makes the next batch's recorder."""
        return self._make_recorder

    def heed(self, recorded):
        """Learn from what was recorded, for the batches that follow."""


class ProfileRecording(Recording):
    """Records profiles, in a band that follows the images seen.

    Parameters
    ----------
    band : FixedBand or RunningBand
        Which values are kept.
    n_neurons : ndarray of shape (n_layers,), int64
        Number of neurons of each layer.
    """

    def __init__(self, band, n_neurons):
        self._band, self._n_neurons = band, n_neurons

    def make_recorder(self):
        """What makes the next batch's recorder, with the band as it is now."""
        return partial(ProfileRecorder, copy.copy(self._band))

    def heed(self, recorded):
        """Follow the means of these images."""
        sums = np.array([profile.sums for profile in recorded.results])
        self._band.add(sums / self._n_neurons)


def record(reader, batches, recording):
    """Let batches pass through the network, and yield what is recorded of them, in order.

    Parameters
    ----------
    reader : NeuronReader
        The network.
    batches : generator of Batch
        The readable images. It is closed at the end.
    recording : Recording
        What is recorded.

    Yields
    ------
    recorded : Recorded
        One for each batch.
    """

    def pass_through(batch, make_recorder):
        return Recorded(batch.indices, reader.record(make_recorder, batch.data))

    pool = ThreadPoolExecutor(_N_IN_FLIGHT, thread_name_prefix="skfakespot-network")
    try:
        with closing(batches):
            # What a recorder knows of the batches before is settled here, not by the threads.
            futures = (
                pool.submit(pass_through, batch, recording.make_recorder()) for batch in batches
            )
            pending = deque(islice(futures, _N_IN_FLIGHT))
            while pending:
                # The next batch is gathered before this one is waited for.
                pending.extend(islice(futures, 1))
                recorded = pending.popleft().result()
                recording.heed(recorded)
                yield recorded
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def find_quantile(reader, make_pass, quantile):
    """Find each layer's quantile over all images and neurons, exactly, in two passes.

    Parameters
    ----------
    reader : NeuronReader
        Reads the network.
    make_pass : callable
        ``make_pass(recording)`` lets all images pass through the network.
    quantile : float
        In [0, 1].

    Returns
    -------
    thresholds : ndarray of shape (n_layers,), float64
        The least float32 value that at least this share of the layer's neurons do not exceed.
    """
    upper = None
    for _ in range(2):
        histograms = np.zeros((len(reader.layer_names), N_BINS), dtype=np.int64)
        make_pass(Recording(partial(HistogramRecorder, histograms, upper)))
        up_to = histograms.cumsum(axis=1)
        if upper is None:
            rank = np.ceil(quantile * up_to[:, -1]).clip(1).astype(np.int64)
            upper, rank = _bin_of(rank, up_to)
    lower, _ = _bin_of(rank, up_to)
    thresholds = from_places(upper.astype(np.uint32) << 16 | lower.astype(np.uint32))
    # Devices take denormal numbers for zero.
    tiny = np.abs(thresholds) < np.finfo(np.float32).tiny
    return np.where(tiny, 0.0, thresholds.astype(np.float64))


def _bin_of(rank, up_to):
    """The bins in which the values of a rank lie, and their ranks there."""
    bins = (up_to >= rank[:, None]).argmax(axis=1)
    before = np.where(bins > 0, up_to[np.arange(len(bins)), bins - 1], 0)
    return bins, rank - before
