# SPDX-License-Identifier: BSD-3-Clause
"""How thresholds are learnt from training images, and how neurons are counted against them."""

from abc import ABC, abstractmethod
from numbers import Real
from typing import NamedTuple

import numpy as np

from ._counter import add_exactly
from ._map_means import ExactSum, MapCountReduction, MapSumReduction
from ._multisection import MultisectionReduction
from ._quantile import find_quantiles
from ._range import SIDES, OutsideReduction, RangeReduction, TrainingRange
from ._top import TopReduction


class Learnt(NamedTuple):
    """What has been learnt from training images.

    Parameters
    ----------
    thresholds : ndarray
        See the attribute `thresholds_` of `NeuronCoverageTransformer`.
    n_images : int
        Number of the images.
    sums, sizes : ndarray or None
        Of thresholds that can be updated: the numerators and the neurons of an image, eq. 1.
    half_widths : ndarray or float
        Half widths of the bands in which profiles are kept.
    """

    thresholds: np.ndarray
    n_images: int
    sums: np.ndarray | None = None
    sizes: np.ndarray | None = None
    half_widths: np.ndarray | float = 0.0


class ThresholdRule(ABC):
    """A value of the parameter `threshold`."""

    @abstractmethod
    def learn(self, counter, known, is_real):
        """Return what is `Learnt` from the images of a `NeuronCounter`.

        `known` is None or the ``(sums, n_images)`` of earlier images. `is_real`, bool (n_images,),
        is given where labels are needed, otherwise None.
        """

    @abstractmethod
    def count(self, counter, thresholds, half_widths, dtype):
        """Count the neurons of each image of a `NeuronCounter`: (n_images, n_features).

        Profiles are kept if `half_widths` are given and the rule uses profiles.
        """

    def feature_names(self, names):
        """Names of the features (n_features,), from those of the layers or the feature maps."""
        return names

    def feature_layers(self, layers):
        """Layers of the features (n_features,), from those of the layers or the feature maps."""
        return layers


class _ProfileRule(ThresholdRule):
    """One threshold for each layer, so that profiles hold the counts."""

    def count(self, counter, thresholds, half_widths, dtype):
        return counter.counts(thresholds, half_widths, dtype=dtype)


class LayerMean(_ProfileRule):
    """The mean output of each layer, eq. 1, or one number for all layers."""

    def __init__(self, number=None):
        self.number = number

    def learn(self, counter, known, is_real):  # noqa: ARG002
        layout, fixed = counter.layout, None
        if self.number is not None:
            fixed = np.full(layout.n_layers, float(self.number))
        sums = counter.sums(center=fixed)
        n_images = counter.count_readable()
        totals = add_exactly(np.delete(sums, list(counter.failures), axis=0))
        means = _means(totals, layout.n_neurons, n_images, known)
        if fixed is not None:
            means = means._replace(thresholds=fixed)
        return means._replace(half_widths=counter.store_profiles(means.thresholds, sums))


class LayerQuantile(_ProfileRule):
    """One quantile of each layer's outputs."""

    def __init__(self, quantile):
        self.quantile = quantile

    def learn(self, counter, known, is_real):  # noqa: ARG002
        return Learnt(_quantiles(counter, [self.quantile])[:, 0], counter.count_readable())


class _ReductionRule(ThresholdRule):
    """Neurons that are counted in a pass of their own."""

    def count(self, counter, thresholds, half_widths, dtype):  # noqa: ARG002
        return counter.counts_of(self.make_reduction(counter.layout, thresholds), dtype=dtype)

    @abstractmethod
    def make_reduction(self, layout, thresholds):
        """Return the `CountReduction` that counts the neurons."""


class LayerQuantiles(_ReductionRule):
    """Several quantiles of each layer's outputs, with a count for each."""

    def __init__(self, quantiles):
        self.quantiles = [float(quantile) for quantile in quantiles]

    def learn(self, counter, known, is_real):  # noqa: ARG002
        return Learnt(_quantiles(counter, self.quantiles), counter.count_readable())

    def make_reduction(self, layout, thresholds):
        return MultisectionReduction(layout, thresholds)

    def feature_names(self, names):
        numbers = [np.format_float_positional(value, trim="-") for value in self.quantiles]
        return np.array([f"{name}:q{number}" for name in names for number in numbers], dtype=object)

    def feature_layers(self, layers):
        return np.repeat(layers, len(self.quantiles))


class MapMean(_ReductionRule):
    """The mean output of each feature map."""

    def learn(self, counter, known, is_real):  # noqa: ARG002
        layout = counter.layout
        total = ExactSum(layout.n_maps.sum())
        for _, results in counter.learn(MapSumReduction(layout)):
            for sums in results:
                total.add(sums)
        sizes = np.repeat(layout.n_neurons // layout.n_maps, layout.n_maps)
        return _means(total.rounded(), sizes, counter.count_readable(), known)

    def make_reduction(self, layout, thresholds):
        return MapCountReduction(layout, thresholds)


class Top(_ReductionRule):
    """The k largest outputs of each layer of an image; nothing is learnt."""

    def __init__(self, k):
        self.k = k

    def learn(self, counter, known, is_real):  # noqa: ARG002
        return Learnt(np.empty(0), 0)

    def make_reduction(self, layout, thresholds):  # noqa: ARG002
        return TopReduction(layout, self.k)


class RealRange(_ReductionRule):
    """The range of each neuron's outputs over the real training images."""

    def __init__(self, kind):
        self.sides = SIDES[kind]

    def learn(self, counter, known, is_real):  # noqa: ARG002
        layout = counter.layout
        batches = counter.learn_here(RangeReduction(layout, self.sides), np.flatnonzero(is_real))
        found = TrainingRange(layout, self.sides, batches)
        if len(found.images) < 2:
            raise ValueError(
                f"{len(found.images)} of the images are real and can be read, but at least 2 are "
                "needed: each real training image is compared with the range of the others."
            )
        counter.counts_known = found
        return Learnt(found.limits(), len(found.images))

    def make_reduction(self, layout, thresholds):
        return OutsideReduction(layout, self.sides, thresholds)


def _means(totals, sizes, n_images, known):
    if known is not None:
        totals, n_images = known[0] + totals, known[1] + n_images
    return Learnt(totals / (sizes * n_images), n_images, totals, sizes)


def _quantiles(counter, quantiles):
    def run_whole_pass(reduction):
        for _ in counter.learn_here(reduction):
            pass

    return find_quantiles(counter.layout, run_whole_pass, quantiles)


def threshold_rule(threshold):
    """Return the rule of a valid value of the parameter `threshold`."""
    if isinstance(threshold, Real):
        return LayerMean(threshold)
    if isinstance(threshold, str):
        rules = {"mean": LayerMean, "per-map": MapMean}
        return rules[threshold]() if threshold in rules else RealRange(threshold)
    kind, value = threshold
    if kind == "top":
        return Top(value)
    return LayerQuantile(value) if isinstance(value, Real) else LayerQuantiles(value)
