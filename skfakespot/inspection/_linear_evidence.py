# SPDX-License-Identifier: BSD-3-Clause
"""The exact evidence of a linear classifier of counts: what each active neuron adds to it."""

import numpy as np
from sklearn.preprocessing import StandardScaler

from ..missing import SkipMissingClassifier
from ._activation_maps import as_maps, layer_thresholds
from ._parts import sign_of_fake
from ._placement import spread_map


class LinearEvidence:
    """The decision value of a linear classifier of counts, as a sum over places.

    Parameters
    ----------
    reader : NetworkReader
        The network.
    thresholds, weights, means : list of ndarray
        Of each layer the thresholds, and of each of its features what one more active neuron adds
        to the decision value, and the mean count over the training images.
    intercept : float
        The decision value of an image with these mean counts.

    Attributes
    ----------
    grid : tuple of (int, int)
        Rows and columns of the maps: those of the network's input.
    """

    def __init__(self, reader, thresholds, weights, means, intercept):
        self.intercept = intercept
        self._reader, self._thresholds = reader, thresholds
        self._weights, self._means = weights, means
        sizes = np.atleast_2d(reader.image_size)
        self.grid = tuple(sizes.max(axis=0).tolist())

    def read(self, images):
        """Compute the evidence of images as the network sees them.

        Returns for each image the map, (rows, columns) in the resolution of the network's input,
        and the contribution of each layer, (n_layers,).
        """
        return self._reader.read(images, lambda n_images: _EvidenceReducer(self, n_images))

    def evidence_of_layer(self, layer, outputs):
        """What each place of a layer adds to the decision value, (n_images, rows, columns)."""
        active = outputs > self._thresholds[layer]
        weights, means = self._weights[layer], self._means[layer]
        if len(weights) == 1:
            values = active.sum(axis=-1) * weights[0]
        else:
            values = active.astype(np.float32) @ weights.astype(np.float32)
        maps = as_maps(values.astype(np.float64), np.sum)
        # The mean counts are taken to be spread evenly.
        return maps - weights @ means / maps[0].size

    def spread(self, maps):
        """Bring maps of one image, one of each layer, onto the grid, and add them up."""
        return sum(spread_map(each, self.grid) for each in maps)


class _EvidenceReducer:
    def __init__(self, evidence, n_images):
        self._evidence, self._n_images = evidence, n_images
        self._maps = {}

    def __call__(self, layer, outputs):
        self._maps[layer] = self._evidence.evidence_of_layer(layer, outputs)

    def results(self):
        results = []
        for image in range(self._n_images):
            maps = [self._maps[layer][image] for layer in range(len(self._maps))]
            contributions = np.array([each.sum() for each in maps])
            results.append((self._evidence.spread(maps), contributions))
        return results


def linear_evidence(parts, pos_label):
    """Return the `LinearEvidence` of a detector; None if its decision value is no such sum."""
    coverage, classifier = parts.coverage, parts.after[-1]
    if isinstance(classifier, SkipMissingClassifier):
        classifier = classifier.estimator_
    scalers = parts.after[:-1]
    are_scalers = len(scalers) <= 1 and all(isinstance(each, StandardScaler) for each in scalers)
    thresholds = layer_thresholds(coverage)
    if not (are_scalers and _is_linear(classifier) and _counts_places(coverage)) or not thresholds:
        return None
    sign = sign_of_fake(classifier, pos_label)
    weights = sign * np.asarray(classifier.coef_, dtype=np.float64)[0]
    means = np.zeros_like(weights)
    for scaler in scalers:
        weights = weights if scaler.scale_ is None else weights / scaler.scale_
        means = scaler.mean_ if scaler.with_mean else means
    reader = coverage._network_spec().open()
    if coverage.normalize == "fraction":
        sizes = coverage._layout(reader).feature_sizes
        weights, means = weights / sizes, means * sizes
    by_map = coverage.output == "channel"
    ends = np.cumsum([shape[-1] if by_map else 1 for shape in reader.shapes])[:-1]
    intercept = sign * float(np.ravel(classifier.intercept_)[0])
    return LinearEvidence(
        reader, thresholds, np.split(weights, ends), np.split(means, ends), intercept
    )


def _is_linear(classifier):
    has_values = hasattr(classifier, "decision_function")
    return has_values and np.shape(getattr(classifier, "coef_", None))[:1] == (1,)


def _counts_places(coverage):
    """Whether the features are numbers of active neurons, of which each has a place."""
    return tuple(coverage.statistics) == ("coverage",) and coverage.neuron == "unit"
