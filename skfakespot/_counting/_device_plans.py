# SPDX-License-Identifier: BSD-3-Clause
"""Sums, counts and profiles of a layer as plans, which the compiled step carries out on the device.

Thresholds and bands are arguments of the plans, so that the step is compiled once.
"""

from dataclasses import dataclass

import numpy as np

from .._keras import import_keras
from .._network import Inside, LayerPlan, LayerResults


def as_maps(outputs):
    """Turn a layer's outputs into a tensor (n_images, n_places, n_maps)."""
    n_maps = outputs.shape[-1]
    n_places = int(np.prod(outputs.shape[1:-1], dtype=np.int64))
    return import_keras().ops.reshape(outputs, (-1, n_places, n_maps))


def _as_neurons(outputs):
    n_neurons = int(np.prod(outputs.shape[1:], dtype=np.int64))
    return import_keras().ops.reshape(outputs, (-1, n_neurons))


@dataclass(frozen=True)
class FeaturePlan:
    """Which neurons of a layer belong to which feature.

    Parameters
    ----------
    by_map : bool
        Whether each feature map is a feature, or the layer is.
    cells : tuple of (slice, slice) in rows and columns, default=()
        Cells of the maps, each with the features of its own.
    """

    by_map: bool
    cells: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()

    def count(self, operations, mask):
        """Count where a mask (n_images, ..., n_maps) is True: (n_images, n_features), int32."""
        if not self.cells:
            return operations.count(as_maps(mask), by_map=self.by_map)
        counts = [
            operations.count(as_maps(mask[:, top:bottom, left:right]), by_map=True)
            for (top, bottom), (left, right) in self.cells
        ]
        return import_keras().ops.concatenate(counts, axis=1)

    def first_columns(self, shape):
        """Column of the first map at each place of outputs (n_images, ..., n_maps), int32."""
        places = np.zeros(shape[1:-1], dtype=np.int32)
        for number, ((top, bottom), (left, right)) in enumerate(self.cells):
            places[top:bottom, left:right] = number * shape[-1]
        return places.reshape(-1)


@dataclass(frozen=True)
class CountPlan(LayerPlan):
    """Counts the neurons above `n_thresholds` thresholds, or above that of their own map."""

    features: FeaturePlan
    n_thresholds: int = 1
    one_for_each_map: bool = False

    @property
    def n_arguments(self):
        """The thresholds."""
        return self.n_thresholds

    def reduce(self, operations, outputs, is_image, arguments):  # noqa: ARG002
        """Return "counts" (n_images, n_features * n_thresholds) and whether all are "finite"."""
        ops = import_keras().ops
        if self.one_for_each_map:
            counts = self.features.count(operations, outputs > arguments)
        else:
            each = [
                self.features.count(operations, outputs > arguments[number])
                for number in range(self.n_thresholds)
            ]
            n_counts = each[0].shape[1] * self.n_thresholds
            counts = ops.reshape(ops.stack(each, axis=2), (-1, n_counts))
        finite = operations.all_finite(_as_neurons(outputs))
        return LayerResults({"counts": counts, "finite": finite}, {})


@dataclass(frozen=True)
class TopPlan(LayerPlan):
    """Counts the neurons above the (k + 1)-th largest output of the layer for the same image."""

    features: FeaturePlan
    k: int

    def reduce(self, operations, outputs, is_image, arguments):  # noqa: ARG002
        """Return "counts" (n_images, n_features) and whether all outputs are "finite"."""
        ops, neurons = import_keras().ops, _as_neurons(outputs)
        mask = outputs == outputs
        if self.k < neurons.shape[1]:
            limits = ops.top_k(neurons, self.k + 1, sorted=True)[0][:, -1]
            mask = outputs > ops.reshape(limits, (-1, *[1] * (len(outputs.shape) - 1)))
        rows = {
            "counts": self.features.count(operations, mask),
            "finite": operations.all_finite(neurons),
        }
        return LayerResults(rows, {})


@dataclass(frozen=True)
class SumPlan(LayerPlan):
    """Adds up the neurons of each feature map."""

    def reduce(self, operations, outputs, is_image, arguments):  # noqa: ARG002
        """Return "sums" (n_images, n_maps) and whether all outputs are "finite"."""
        rows = {"finite": operations.all_finite(_as_neurons(outputs))}
        return LayerResults(rows, {"sums": operations.add_exactly(as_maps(outputs))})


@dataclass(frozen=True)
class ProfilePlan(LayerPlan):
    """Adds up the neurons, counts those above a band, and lists those inside it."""

    features: FeaturePlan
    band: object

    @property
    def n_arguments(self):
        """What the band follows from."""
        return self.band.n_arguments

    def reduce(self, operations, outputs, is_image, arguments):
        """Return "sums", the "band" (n_images, 2), counts "above", and the neurons inside."""
        ops, neurons = import_keras().ops, _as_neurons(outputs)
        sums = operations.add_exactly(neurons[:, :, None])
        means = operations.approximate(sums)[:, 0] / neurons.shape[1]
        low, high = self.band.bounds(means, ops.cast(is_image, "float32"), arguments)
        is_above = outputs > high
        within = (neurons > low) & ~(neurons > high) & is_image[:, None]
        ends = ops.stack([low, high])
        rows = {
            "above": self.features.count(operations, is_above),
            "band": ops.broadcast_to(ends[None], (ops.shape(neurons)[0], 2)),
            "finite": operations.all_finite(neurons),
        }
        inside = Inside(within, neurons, None, None)
        if self.features.by_map:
            inside = inside._replace(
                n_maps=outputs.shape[-1], first_columns=self.features.first_columns(outputs.shape)
            )
        return LayerResults(rows, {"sums": sums}, inside)


@dataclass(frozen=True)
class CombinedPlan(LayerPlan):
    """Two plans for the same layer."""

    first: LayerPlan
    second: LayerPlan

    @property
    def n_arguments(self):
        """Those of the first plan, and of the second."""
        return self.first.n_arguments + self.second.n_arguments

    def reduce(self, operations, outputs, is_image, arguments):
        """Return the results of both; what both have is the same."""
        middle = self.first.n_arguments
        first = self.first.reduce(operations, outputs, is_image, arguments[:middle])
        second = self.second.reduce(operations, outputs, is_image, arguments[middle:])
        return LayerResults(
            {**second.rows, **first.rows},
            {**second.sums, **first.sums},
            first.inside or second.inside,
        )
