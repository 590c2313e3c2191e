# SPDX-License-Identifier: BSD-3-Clause
"""A fitted detector taken apart: the steps before, at and after its network."""

import copy
from typing import Any, NamedTuple

import numpy as np
from scipy.special import logit
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._labels import fake_label
from .._probability import fake_probability
from ..coverage import NeuronCoverageTransformer

# Log-odds of probabilities that are rounded to 0 or 1 would be infinite.
_SMALLEST = 1e-12


class Parts(NamedTuple):
    """The fitted steps of a detector, or of a transformer alone.

    Attributes
    ----------
    before : list of transformer
        The steps before the network, such as a `FaceCropper`.
    coverage : NeuronCoverageTransformer
        The step that reads the network. It keeps no profiles in a folder and shows no progress.
    after : list of estimator
        The steps after the network; the last one is the classifier of a detector.
    """

    before: list[Any]
    coverage: NeuronCoverageTransformer
    after: list[Any]

    def standardised(self, features):
        """Let features (n, n_features) pass the steps before the classifier.

        A scaler may write into them.
        """
        for step in self.after[:-1]:
            features = step.transform(features)
        return features

    def mean_features(self):
        """Mean features of the training images (n_features,), as the scaler knows them, or None."""
        scaler = self.after[0]
        for name in ("mean_", "center_"):
            if getattr(scaler, name, None) is not None and len(self.after) > 1:
                return getattr(scaler, name)
        return None


def find_detector(estimator):
    """Return the fitted detector that a search has found, or the estimator itself."""
    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    check_is_fitted(estimator)
    return estimator


def take_apart(estimator):
    """Return the `Parts` of a fitted Pipeline or transformer; None if it reads no network."""
    steps = [estimator]
    if isinstance(estimator, Pipeline):
        steps = [
            step
            for _, step in estimator.steps
            if step not in (None, "passthrough") and not hasattr(step, "fit_resample")
        ]
    places = [n for n, step in enumerate(steps) if isinstance(step, NeuronCoverageTransformer)]
    if len(places) != 1:
        return None
    (place,) = places
    coverage = copy.copy(steps[place]).set_params(memory=None, verbose=0, n_jobs=None)
    # It is given arrays, whatever the detector was fitted to.
    vars(coverage).pop("feature_names_in_", None)
    return Parts(steps[:place], coverage, steps[place + 1 :])


def decision_values(classifier, X, pos_label=None):
    """Return how much a fitted classifier speaks for "fake": 0 where it is undecided.

    These are its decision values, with the sign that is positive for "fake", where it has them for
    two classes; otherwise the log-odds of the probability of fake.

    Parameters
    ----------
    classifier : classifier
        A fitted classifier or detector.
    X : array-like
        What it classifies.
    pos_label : int, float, bool or str, default=None
        Its label of fake; see `fake_probability`.

    Returns
    -------
    values : ndarray of shape (n_samples,), float64
    """
    if len(classifier.classes_) == 2 and hasattr(classifier, "decision_function"):
        values = np.asarray(classifier.decision_function(X), dtype=np.float64)
        return values * sign_of_fake(classifier, pos_label)
    probabilities = fake_probability(classifier, X, pos_label=pos_label)
    return logit(np.clip(probabilities.astype(np.float64), _SMALLEST, 1 - _SMALLEST))


def sign_of_fake(classifier, pos_label):
    """Return 1 if the second class of a classifier is fake, -1 if the first one is."""
    classes = np.asarray(classifier.classes_).tolist()
    return 1 if classes.index(fake_label(classes, pos_label)) == 1 else -1
