# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of random pixels, and how tests read them."""

import io
import threading

import numpy as np

from skfakespot.images import Batch, as_samples

SIZE = (12, 10)


def picture(seed=0, height=12, width=10):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(image, image_format, **kwargs):
    buffer = io.BytesIO()
    image.save(buffer, image_format, **kwargs)
    return buffer.getvalue()


def read(X, image_size=SIZE, batch_size=4, **kwargs):
    """All of X, as one batch."""
    batches = list(as_samples(X).batches(image_size=image_size, batch_size=batch_size, **kwargs))
    return Batch(
        np.concatenate([batch.data for batch in batches]),
        np.concatenate([batch.indices for batch in batches]),
    )


def decoder_threads():
    return [thread for thread in threading.enumerate() if "skfakespot" in thread.name]
