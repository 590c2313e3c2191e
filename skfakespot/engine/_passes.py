"""Batches of images on their way through the network."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ._recorders import N_BINS, HistogramRecorder, from_places

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


def record(reader, batches, make_recorder):
    """Let batches pass through the network, and yield what is recorded of them, in order.

    Parameters
    ----------
    reader : NeuronReader
        The network.
    batches : generator of Batch
        The readable images. It is closed at the end.
    make_recorder : callable
        See `NeuronReader.record`.

    Yields
    ------
    recorded : Recorded
        One for each batch.
    """

    def pass_through(batch):
        return Recorded(batch.indices, reader.record(make_recorder, batch.data))

    pool = ThreadPoolExecutor(_N_IN_FLIGHT, thread_name_prefix="skfakespot-network")
    try:
        with closing(batches):
            futures = (pool.submit(pass_through, batch) for batch in batches)
            pending = deque(islice(futures, _N_IN_FLIGHT))
            while pending:
                # The next batch is gathered before this one is waited for.
                pending.extend(islice(futures, 1))
                yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def find_quantile(reader, make_pass, quantile):
    """Find each layer's quantile over all images and neurons, exactly, in two passes.

    Parameters
    ----------
    reader : NeuronReader
        Reads the network.
    make_pass : callable
        ``make_pass(make_recorder)`` lets all images pass through the network.
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
        make_pass(partial(HistogramRecorder, histograms, upper))
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
