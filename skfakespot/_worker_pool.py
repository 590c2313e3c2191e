# SPDX-License-Identifier: BSD-3-Clause
"""joblib's workers, for all parts of the package; work of workers that died is done again once."""

import sys
import warnings
from concurrent.futures import BrokenExecutor

import joblib

# Several small chunks each, so that no worker waits long for the slowest.
CHUNKS_A_WORKER = 4


def run_in_workers(function, arguments_of, chunks, n_jobs):
    """Yield ``function(*arguments_of(chunk))`` for each of a list of chunks, in their order.

    The arguments are made when a worker is free. If worker processes die, what they have not
    returned is given to new ones, once, with a warning; then a RuntimeError is raised.
    """
    n_done = 0
    for is_last in (False, True):
        missing = chunks[n_done:]
        tasks = (joblib.delayed(function)(*arguments_of(chunk)) for chunk in missing)
        try:
            for result in _parallel(n_jobs)(tasks):
                n_done += 1
                yield result
            return
        except _errors_of_lost_workers() as error:
            if is_last:
                raise RuntimeError(
                    f"Worker processes of n_jobs={n_jobs} were killed, and so were those that took "
                    "their place. The system kills processes if memory runs out, and every worker "
                    "takes memory of its own: set n_jobs lower, or None. joblib says: "
                    f"{error}"
                ) from error
        warnings.warn(
            f"A worker process of n_jobs={n_jobs} was killed, perhaps because memory ran out. "
            "New workers do its work again.",
            UserWarning,
            stacklevel=2,
        )


def _errors_of_lost_workers():
    """Types of the errors that say that a worker died; Dask replaces its workers by itself."""
    ray = sys.modules.get("ray.exceptions")
    if ray is None:
        return BrokenExecutor
    return BrokenExecutor, ray.RayActorError, ray.WorkerCrashedError, ray.OutOfMemoryError


def _parallel(n_jobs):
    try:
        return joblib.Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # not every backend can
        return joblib.Parallel(n_jobs=n_jobs)
