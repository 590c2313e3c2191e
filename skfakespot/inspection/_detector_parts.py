# SPDX-License-Identifier: BSD-3-Clause
"""The two parts of a detector: from images to features, and from features to scores."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._missing import missing_rows
from ..coverage import NeuronCoverageTransformer


class Features(NamedTuple):
    """Features of the images that have any.

    Parameters
    ----------
    values : ndarray of shape (n_images, n_features)
        The features.
    missing : ndarray of shape (n_samples,), bool
        True for each image that has none, and no row in `values`.
    frame : object
        What held the features: an ndarray, or a DataFrame of pandas or polars.
    """

    values: np.ndarray
    missing: np.ndarray
    frame: Any

    def in_frame(self, values):
        """Put other values where the features were, with the names of the columns."""
        if isinstance(self.frame, np.ndarray):
            return values
        names = "columns" if hasattr(self.frame, "iloc") else "schema"
        return type(self.frame)(values, **{names: list(self.frame.columns)})


class DetectorParts(NamedTuple):
    """Parts of a fitted detector, which share its steps.

    Parameters
    ----------
    reader : Pipeline
        The steps that make features of images; the last one is `coverage`.
    coverage : NeuronCoverageTransformer
        The transformer.
    classifier : Pipeline
        The steps that follow.
    """

    reader: Pipeline
    coverage: NeuronCoverageTransformer
    classifier: Pipeline

    def read(self, X):
        """Return the `Features` of images, which pass through the network."""
        frame = self.reader.transform(X)
        values = np.asarray(frame)
        missing = missing_rows(values)
        return Features(values[~missing] if missing.any() else values, missing, frame[:0])


def split_detector(detector):
    """Return the parts of a fitted detector, or of the best one that a search has found.

    Raises
    ------
    ValueError
        If it is not a Pipeline with one `NeuronCoverageTransformer` before a classifier.
    NotFittedError
        If it is not fitted.
    """
    detector = getattr(detector, "best_estimator_", detector)
    steps = [step for _, step in detector.steps] if isinstance(detector, Pipeline) else []
    places = [n for n, step in enumerate(steps) if isinstance(step, NeuronCoverageTransformer)]
    if len(places) != 1 or places[0] == len(steps) - 1:
        raise ValueError(
            f"detector={detector!r}; accepted is a fitted Pipeline in which one "
            "NeuronCoverageTransformer comes before a classifier, such as one that "
            "make_fakespotter has made."
        )
    (place,) = places
    check_is_fitted(steps[place])
    check_is_fitted(steps[-1])
    return DetectorParts(detector[: place + 1], steps[place], detector[place + 1 :])
