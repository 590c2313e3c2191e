# SPDX-License-Identifier: BSD-3-Clause
"""Images divided among joblib's workers, each of which builds the network once."""

import copy
import hashlib
import os
import pickle
import sys
import warnings
from typing import Any, NamedTuple

import joblib
import numpy as np
from joblib.parallel import get_active_backend

from .._cache import BoundedCache
from .._keras import import_keras
from .._worker_pool import CHUNKS_A_WORKER, run_in_workers
from ..images import ImageError
from ._passes import ReducedBatch, run_pass

_specs_of_others = BoundedCache(4, is_network=True)


class PortableNetwork:
    """A network that can be sent to another process, which builds it at its first use.

    `reader` is what ``spec.open()`` returns in this process. joblib pickles the spec as it does
    functions, so that it may hold the user's code.
    """

    def __init__(self, spec, reader):
        self._spec, self._reader, self._payload = spec, reader, None

    def is_local(self):
        """Whether this is the process that it was made in."""
        return self._reader is not None

    def open(self):
        """Return the reader of the network, which is ready for a pass."""
        reader = self._find_reader()
        reader.prepare()
        return reader

    def _find_reader(self):
        if self.is_local():
            return self._reader
        # Before the user's code, which may import Keras, so that TensorFlow's notes are left out.
        import_keras()
        # The payload came with the task, which joblib has unpickled in the same way.
        key = hashlib.sha256(self._payload).digest()
        return _specs_of_others.get_or_make(key, lambda: pickle.loads(self._payload)).open()  # noqa: S301

    def __getstate__(self):
        self.pack()
        return {"_reader": None, "_payload": self._payload}

    def pack(self):
        """Pickle the network, unless that is done; raise ValueError if it cannot be pickled."""
        if self._payload is not None:
            return
        try:
            wrapped = joblib.wrap_non_picklable_objects(self._spec, keep_wrapper=False)
            self._payload = pickle.dumps(wrapped)
        except Exception as error:  # of any type, as it is the user's code that is pickled
            raise ValueError(
                f"The network cannot be sent to the workers of n_jobs ({error}). As backbone, give "
                "a function that is defined with def at the top level of a module, or the network "
                "that it builds; or set n_jobs=None."
            ) from error


class _ReducedChunk(NamedTuple):
    batches: list[ReducedBatch]
    failures: list[tuple[int, str, str]]
    warnings: list[tuple[type, Any]]


def split(indices, batch_size, n_workers):
    """Split indices into a few chunks for every worker, of a batch at least."""
    n_batches = -(-len(indices) // batch_size)
    return np.array_split(indices, max(1, min(n_batches, n_workers * CHUNKS_A_WORKER)))


def run_parallel_pass(network, samples, chunks, batch_size, reduction, n_jobs, on_error):
    """Give chunks of positions to joblib's workers; yield a `ReducedBatch` for each batch.

    ``on_error(index, error)`` is called for each image that cannot be read.
    """
    if not getattr(get_active_backend()[0], "supports_sharedmem", False):
        network.pack()

    def arguments_of(chunk):
        return network, samples.subset(chunk), batch_size, copy.deepcopy(reduction)

    results = run_in_workers(_reduce_chunk, arguments_of, chunks, n_jobs)
    for chunk, reduced in zip(chunks, results, strict=True):
        for category, message in reduced.warnings:
            warnings.warn(message, category, stacklevel=2)
        for place, name, reason in reduced.failures:
            index = int(chunk[place])
            own_name = samples.name(index)
            # A worker names an image of an array by its position in the chunk.
            is_path = not own_name.endswith(" of X")
            on_error(index, ImageError(name if is_path else own_name, reason))
        for batch in reduced.batches:
            reduction.update(batch.results)
            yield batch._replace(indices=chunk[batch.indices])


def _reduce_chunk(network, samples, batch_size, reduction):
    if network.is_local():
        return _reduce_all(network, samples, batch_size, reduction)
    if "keras" not in sys.modules and "OMP_NUM_THREADS" in os.environ:
        # joblib and Dask set how many cores a worker may use; TensorFlow reads another variable.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", os.environ["OMP_NUM_THREADS"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reduced = _reduce_all(network, samples, batch_size, reduction)
    given = [(warning.category, warning.message) for warning in caught]
    return reduced._replace(warnings=[item for item in given if issubclass(item[0], UserWarning)])


def _reduce_all(network, samples, batch_size, reduction):
    reader, failures = network.open(), []

    def note_failure(index, error):
        failures.append((index, error.source, error.reason))

    batches = samples.batches(
        image_size=reader.image_size, batch_size=batch_size, on_error=note_failure
    )
    return _ReducedChunk(list(run_pass(reader, batches, reduction)), failures, [])
