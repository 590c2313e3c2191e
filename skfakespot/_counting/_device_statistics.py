# SPDX-License-Identifier: BSD-3-Clause
"""Moments, autocorrelation and covariances of a layer's feature maps, computed on the device."""

from dataclasses import dataclass

import numpy as np

from .._keras import import_keras
from .._network import LayerPlan, LayerResults


@dataclass(frozen=True)
class StatisticPlan(LayerPlan):
    """Computes the statistics of `describe_maps` and `root_covariances` in float32.

    Parameters
    ----------
    takes_maps : bool
        Whether to compute "moments" (n_images, 4 * n_maps) and "autocorrelation" (n_images,
        n_lags * n_maps).
    lags : tuple of (int, int)
        Lags of "autocorrelation".
    takes_gram : bool
        Whether to compute "gram", the upper triangle (n_images, n_maps * (n_maps + 1) / 2).
    """

    takes_maps: bool
    lags: tuple[tuple[int, int], ...]
    takes_gram: bool

    def reduce(self, operations, outputs, is_image, arguments):  # noqa: ARG002
        """Return the statistics, the "sums" (n_images, 1) and whether all are "finite"."""
        ops, shape = import_keras().ops, outputs.shape
        width = shape[-2] if len(shape) > 2 else 1
        height = int(np.prod(shape[1:-2], dtype=np.int64))
        maps = ops.reshape(outputs, (-1, height, width, shape[-1]))
        neurons = ops.reshape(outputs, (-1, height * width * shape[-1]))
        rows = {"finite": operations.all_finite(neurons)}
        if self.takes_maps or self.takes_gram:
            means, centered = _center(maps)
        if self.takes_maps:
            rows |= _describe(means, centered, self.lags)
        if self.takes_gram:
            rows["gram"] = _root_covariances(operations, centered)
        return LayerResults(rows, {"sums": operations.add_exactly(neurons[:, :, None])})


def _center(maps):
    """Means (n_images, 1, 1, n_maps) of maps, and the maps less their means.

    The first value of a map is taken off first, so that a constant map becomes exactly 0.
    """
    ops = import_keras().ops
    first = maps[:, :1, :1]
    centered = maps - first
    means = first
    for _ in range(2):  # the second time takes off what the first has rounded
        rest = ops.mean(centered, axis=(1, 2), keepdims=True)
        centered, means = centered - rest, means + rest
    return means, centered


def _describe(means, centered, lags):
    ops = import_keras().ops
    std = ops.sqrt(ops.mean(centered**2, axis=(1, 2), keepdims=True))
    scale = ops.where(std > 0, 1 / ops.where(std > 0, std, 1.0), 0.0)
    standard = centered * scale
    skewness = ops.mean(standard**3, axis=(1, 2), keepdims=True)
    kurtosis = ops.mean(standard**4, axis=(1, 2), keepdims=True)
    moments = ops.concatenate([means, std, skewness, kurtosis], axis=3)[:, 0, 0]
    rows = {"moments": moments}
    if lags:
        products = [_autocorrelation(standard, down, right) for down, right in lags]
        rows["autocorrelation"] = ops.concatenate(products, axis=1)
    return rows


def _autocorrelation(standard, down, right):
    """Mean product of the values that are a lag apart: (n_images, n_maps)."""
    ops = import_keras().ops
    _, height, width, _ = standard.shape
    if down >= height or abs(right) >= width:
        return ops.zeros_like(standard[:, 0, 0])
    here = standard[:, down:, max(right, 0) : width + min(right, 0)]
    there = standard[:, : height - down, max(-right, 0) : width - max(right, 0)]
    return ops.mean(here * there, axis=(1, 2))


def _root_covariances(operations, centered):
    ops = import_keras().ops
    _, height, width, n_maps = centered.shape
    values = ops.reshape(centered, (-1, height * width, n_maps))
    covariances = operations.covariances(values)
    rows, columns = np.triu_indices(n_maps)
    flat = ops.reshape(covariances, (-1, n_maps * n_maps))
    triangle = ops.take(flat, rows * n_maps + columns, axis=1)
    return ops.sign(triangle) * ops.sqrt(ops.abs(triangle))
