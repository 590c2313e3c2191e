"""Images split over joblib's workers, each of which builds the network once."""

import copy
import hashlib
import os
import pickle
import sys
import threading
import warnings
from collections import OrderedDict
from typing import Any, NamedTuple

import joblib
import numpy as np

from ..images import ImageError
from ._passes import Recorded, record

# Of every worker, so that none waits long for the slowest.
_CHUNKS_A_WORKER = 4
_N_READERS = 4


class NetworkPlan:
    """How to build a reader of a network, in this process and in others.

    Parameters
    ----------
    make_reader : callable
        Returns a NeuronReader. It can be pickled by cloudpickle, as joblib does with functions.
    reader : NeuronReader
        The one for this process.
    """

    def __init__(self, make_reader, reader):
        self._payload = pickle.dumps(joblib.wrap_non_picklable_objects(make_reader))
        self._name = hashlib.sha256(self._payload).digest()
        self._process = os.getpid()
        with _readers_lock:
            _readers[self._name] = reader

    def is_from_here(self):
        """Whether this is the process that made the plan."""
        return os.getpid() == self._process

    def reader(self):
        """The reader, built at the first call in a process; the last few are kept."""
        with _readers_lock:
            if self._name not in _readers:
                # It came with the task, which joblib unpickled.
                _readers[self._name] = pickle.loads(self._payload)()  # noqa: S301
            _readers.move_to_end(self._name)
            while len(_readers) > _N_READERS:
                _readers.popitem(last=False)
            return _readers[self._name]


_readers = OrderedDict()
_readers_lock = threading.Lock()


class _Outcome(NamedTuple):
    recorded: list[Recorded]
    failures: list[tuple[int, str, str]]
    warnings: list[tuple[type, Any]]


def split(indices, batch_size, n_workers):
    """Split indices into a few chunks for every worker, of a batch at least."""
    n_batches = -(-len(indices) // batch_size)
    return np.array_split(indices, max(1, min(n_batches, n_workers * _CHUNKS_A_WORKER)))


def record_in_parallel(plan, source, chunks, recording, n_jobs, on_failure):
    """Give images to joblib's workers, and yield what they record, in order.

    Parameters
    ----------
    plan : NetworkPlan
        The network.
    source : ImageSource
        The images.
    chunks : list of ndarray of intp
        Positions of those that are read, as they are given to the workers.
    recording : Recording
        What is recorded.
    n_jobs : int or None
        Number of workers, for joblib.
    on_failure : callable
        ``on_failure(index, error)`` hears of images that cannot be read.

    Yields
    ------
    recorded : Recorded
        One for each batch.
    """
    tasks = (
        joblib.delayed(_record_chunk)(plan, source.subset(chunk), copy.deepcopy(recording))
        for chunk in chunks
    )
    for chunk, outcome in zip(chunks, _parallel(n_jobs)(tasks), strict=True):
        for category, message in outcome.warnings:
            warnings.warn(message, category, stacklevel=2)
        for place, name, reason in outcome.failures:
            index = int(chunk[place])
            own_name = source.samples.name(index)
            # A worker knows the image of an array by its place in the chunk.
            is_path = not own_name.endswith(" of X")
            on_failure(index, ImageError(name if is_path else own_name, reason))
        for recorded in outcome.recorded:
            recording.heed(recorded)
            yield recorded._replace(indices=chunk[recorded.indices])


def _parallel(n_jobs):
    try:
        return joblib.Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # not every backend can
        return joblib.Parallel(n_jobs=n_jobs)


def _record_chunk(plan, source, recording):
    if plan.is_from_here():
        return _record_all(plan, source, recording, [])
    if "keras" not in sys.modules and "OMP_NUM_THREADS" in os.environ:
        # joblib and Dask say so how many cores a worker may use; TensorFlow does not listen.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", os.environ["OMP_NUM_THREADS"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = _record_all(plan, source, recording, [])
    heard = [(warning.category, warning.message) for warning in caught]
    return outcome._replace(warnings=[item for item in heard if issubclass(item[0], UserWarning)])


def _record_all(plan, source, recording, failures):
    def note(index, error):
        failures.append((index, error.source, error.reason))

    batches = source.batches(np.arange(len(source.samples)), note)
    return _Outcome(list(record(plan.reader(), batches, recording)), failures, [])
