# SPDX-License-Identifier: BSD-3-Clause
"""The counting part of `NeuronCoverageTransformer`: between its parameters and the engine."""

import warnings

import numpy as np

from . import _coverage_checks as checks
from ._counting import (
    FeatureLayout,
    NeuronCounter,
    PortableNetwork,
    StatisticLayout,
    Stores,
    threshold_rule,
)
from ._image_inputs import check_network_takes, network_samples
from ._progress import show_progress
from ._workers_folder import is_worker
from .images import UnreadableImageWarning


class CountingMixin:
    """Learns the thresholds from images, and computes their features."""

    def _show_progress(self, batches, about):
        return show_progress(batches, about, enabled=bool(self.verbose))

    def _fit(self, X, y, watch, *, fills_rows=False):
        """Learn the thresholds from X; return what counts the neurons of X."""
        for name in ("thresholds_", "feature_names_in_", "engine_"):
            vars(self).pop(name, None)
        counter = self._open_counter(X, reset=True, watch=watch, fills_rows=fills_rows)
        self._learn(counter, y, first=True)
        return counter

    def _learn(self, counter, y, *, first):
        """Learn the thresholds, or update them with more images."""
        is_real = checks.real_images(self.threshold, y, counter.n_images)
        known = None if first else (self._sums, self.n_samples_seen_)
        try:
            learnt = threshold_rule(self.threshold).learn(counter, known, is_real)
        finally:
            self._warn_of_failures(counter)
        self.layer_names_ = np.array(counter.layout.layer_names, dtype=object)
        self.n_neurons_ = counter.layout.n_neurons
        self.thresholds_, self.n_samples_seen_ = learnt.thresholds, learnt.n_images
        self._sums, self._sizes, self._half_widths = learnt[2:]

    def _count(self, counter):
        """Return the features of a counter's images."""
        rows = counter.rows
        # Another worker needs the images of this fold.
        keeps_new = self.memory is not None or is_worker()
        if not rows.takes_counts:
            counter.fill_rows(keeps_new=keeps_new)
            return rows.matrix
        counts = threshold_rule(self.threshold).count(
            counter,
            self.thresholds_,
            self._half_widths if keeps_new else None,
            np.float64 if self.output == "layer" else np.float32,
        )
        as_fractions = self.normalize == "fraction"
        if rows.statistics is not None:
            rows.statistics.place_counts(rows.matrix, counts, as_fractions=as_fractions)
            return rows.matrix
        if as_fractions:
            sizes = counter.layout.feature_sizes
            counts /= np.repeat(sizes, counts.shape[1] // len(sizes))
        return counts

    def _warn_of_failures(self, counter):
        for index, error in counter.new_failures():
            warnings.warn(UnreadableImageWarning(error.source, error.reason, index), stacklevel=4)

    def _open_counter(self, X, *, reset, watch=None, fills_rows=False):
        """Check X, build the network if need be, and return what counts the neurons of X.

        Its rows of statistics are empty unless `fills_rows`.
        """
        checks.check_reading(threshold=self.threshold, neuron=self.neuron, output=self.output)
        checks.check_statistics(self.statistics, self.lags, self.output, self.threshold)
        samples = self._check_X(X, reset=reset)
        # All workers use the engine that is found here.
        spec = self._network_spec().with_engine()
        network = spec.resolve()
        check_network_takes(samples, network.backbones)
        reader = network.open()
        if reset:
            self.engine_ = reader.engine
        layout = self._layout(reader)
        return NeuronCounter(
            PortableNetwork(spec, reader),
            layout,
            samples,
            Stores(reader, self.memory),
            statistics=self._statistics(layout) if fills_rows else None,
            batch_size=self.batch_size,
            on_error=self.on_error,
            n_jobs=self.n_jobs,
            watch=watch or self._show_progress,
        )

    def _layout(self, reader):
        grid_size = self.grid_size if "grid" in self.statistics else 1
        return FeatureLayout(
            reader.layer_names,
            reader.shapes,
            self.neuron,
            self.output,
            grid_size,
            network=reader.name,
        )

    def _statistics(self, layout):
        """Return the layout of the statistics, or None if there are only counts."""
        if tuple(self.statistics) == ("coverage",):
            return None
        return StatisticLayout(self.statistics, layout, lags=self.lags, max_maps=self.max_maps)

    def _feature_layers(self):
        """Position in `layer_names_` of the layer of each feature: ndarray (n_features,), int."""
        layout = self._layout(self._network_spec().open())
        statistics = self._statistics(layout)
        layers = layout.feature_layers if statistics is None else statistics.feature_layers()
        return threshold_rule(self.threshold).feature_layers(layers)

    def _check_X(self, X, *, reset):
        samples = network_samples(self, X, reset=reset)
        if reset:
            self.image_shape_in_ = samples.shape if samples.kind == "array" else None
        return samples
