# SPDX-License-Identifier: BSD-3-Clause
"""Resizing an image as dlib does, to the same bits but for rounding in the last columns."""

import numpy as np

from .._compiled_loops import compile_loop


def resize_bilinear(image, resized):
    """Write an image, (height, width, 3), float32, to `resized`; corners stay in the corners.

    Each pixel depends on four others, however much smaller `resized` is.
    """
    y = np.full(len(resized), _step(image.shape[0], resized.shape[0]))
    y[0] = 0.0
    y = y.cumsum()
    top = np.minimum(y.astype(np.int64), image.shape[0] - 1)
    lower = y - top
    x = _columns(image.shape[1], resized.shape[1])
    left = np.minimum(x.astype(np.int64), image.shape[1] - 1)
    after = x - left.astype(np.float32)
    _interpolate(
        image,
        resized,
        top,
        (1 - lower).astype(np.float32),
        lower.astype(np.float32),
        left,
        1 - after,
        after,
    )


def _step(size, n_samples):
    return (size - 1) / max(n_samples - 1, 1)


def _columns(size, n_samples):
    """Where the samples of a line lie, float32: dlib adds up steps, four samples at a time."""
    step = _step(size, n_samples)
    x = np.full((-(-n_samples // 4), 4), 4 * step, dtype=np.float32)
    x[0] = np.float32(4 * step) + (np.arange(-4, 0) * step).astype(np.float32)
    return x.cumsum(axis=0, dtype=np.float32).ravel()[:n_samples]


@compile_loop
def _interpolate(image, resized, top, upper, lower, left, before, after):
    height, width, n_channels = image.shape
    for row in range(len(top)):
        above = top[row]
        below = min(above + 1, height - 1)
        for column in range(len(left)):
            start = left[column]
            stop = min(start + 1, width - 1)
            for channel in range(n_channels):
                resized[row, column, channel] = (
                    upper[row] * before[column] * image[above, start, channel]
                    + upper[row] * after[column] * image[above, stop, channel]
                    + lower[row] * before[column] * image[below, start, channel]
                    + lower[row] * after[column] * image[below, stop, channel]
                )
