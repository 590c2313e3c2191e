# SPDX-License-Identifier: BSD-3-Clause
"""Batches of images on their way through the network."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

# While NumPy reduces the layers of one batch, the network computes the other.
_N_IN_FLIGHT = 2


class ReducedBatch(NamedTuple):
    """Results of the images of a batch, and the positions of these images in X."""

    indices: np.ndarray
    results: list[Any]


def run_pass(reader, batches, reduction):
    """Let batches pass through the network; yield a `ReducedBatch` for each, in order.

    The generator `batches` is closed at the end.
    """

    def reduce_batch(batch, snapshot):
        makers = snapshot.make_reducer, snapshot.make_device_reducer
        return ReducedBatch(batch.indices, reader.read(batch.data, *makers))

    pool = ThreadPoolExecutor(_N_IN_FLIGHT, thread_name_prefix="skfakespot-network")
    try:
        with closing(batches):
            # The snapshot is taken here, so that results do not depend on how fast threads are.
            futures = (pool.submit(reduce_batch, batch, reduction.snapshot()) for batch in batches)
            pending = deque(islice(futures, _N_IN_FLIGHT))
            while pending:
                # The next batch is read before this one is waited for.
                pending.extend(islice(futures, 1))
                reduced = pending.popleft().result()
                reduction.update(reduced.results)
                yield reduced
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
