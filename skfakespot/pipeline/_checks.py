# SPDX-License-Identifier: BSD-3-Clause
"""Checks of a detector's parameters and training data, before its network runs."""

import pickle
import warnings
from functools import partial
from numbers import Number
from types import FunctionType, MethodType

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d

from .._sklearn_compat import InvalidParameterError, validate_parameters
from ..coverage import NeuronCoverageTransformer
from ..images import as_samples

_MEND_FOR_FUNCTION = (
    "Define the function with def at the top level of a module, or give the network that it builds"
)


def check_parameters(backbone, *, recipe, augment, output, faces, classifier, random_state):
    """Check parameters of `make_fakespotter`, and warn of a backbone that cannot be saved."""
    if recipe not in ("paper", "statistics"):
        raise InvalidParameterError(f"recipe={recipe!r}; accepted are 'paper' and 'statistics'.")
    if output not in (None, "layer", "channel"):
        raise InvalidParameterError(f"output={output!r}; accepted are None, 'layer' and 'channel'.")
    if faces is not True and faces is not False:
        raise InvalidParameterError(
            f"faces={faces!r}; accepted are True and False. Set the parameters of the cropper "
            "afterwards, such as detector.set_params(faces__crop='box')."
        )
    is_default = augment is None or augment is True
    if not is_default and not _has_methods(augment, "fit_resample"):
        raise InvalidParameterError(
            f"augment={augment!r}; accepted are None, True and an object with the method "
            "fit_resample, such as skfakespot.PerturbationAugmenter()."
        )
    if classifier is not None and not _has_methods(classifier, "fit", "predict", "get_params"):
        raise InvalidParameterError(
            f"classifier={classifier!r}; accepted are None and an instance of a scikit-learn "
            "classifier, such as sklearn.linear_model.LogisticRegression()."
        )
    check_random_state(random_state)
    for function in _functions_not_pickled(backbone):
        warnings.warn(
            f"backbone={function!r} cannot be pickled, so that the detector cannot be saved. "
            f"{_MEND_FOR_FUNCTION}.",
            UserWarning,
            stacklevel=3,
        )


def _has_methods(value, *methods):
    return not isinstance(value, type) and all(hasattr(value, method) for method in methods)


def _functions_not_pickled(backbone):
    """List the functions in the parameter `backbone` that pickle refuses."""
    backbones = backbone if isinstance(backbone, list | tuple) else [backbone]
    types = FunctionType | MethodType | partial
    return [each for each in backbones if isinstance(each, types) and not _can_be_pickled(each)]


def _can_be_pickled(function):
    try:
        pickle.dumps(function)
    except Exception:  # the error may be of any type, such as that of an object in a partial
        return False
    return True


def check_training_data(detector, X, y, params):
    """Check what `fit` of a detector is given, and the parameters of its steps.

    Parameters
    ----------
    detector : Pipeline
        Only a classifier on the features of a `NeuronCoverageTransformer` is checked.
    X : array-like
        Images.
    y : array-like of shape (n_samples,)
        Labels.
    params : dict
        Other arguments of `fit`.
    """
    steps = [step for _, step in detector.steps]
    networks = [step for step in steps if isinstance(step, NeuronCoverageTransformer)]
    if not networks or not is_classifier(steps[-1]):
        return
    for value in detector.get_params().values():
        validate_parameters(value)
    n_images = len(as_samples(X))
    if y is None:
        raise ValueError(
            "A detector requires y to be passed, but the target y is None. Give labels, 0 for real "
            "and 1 for fake."
        )
    y = column_or_1d(y)
    assert_all_finite(y, input_name="y")
    _check_length("y", y, n_images)
    for name, values in params.items():
        is_for_rows = name.split("__")[-1] in ("sample_weight", "groups")
        if is_for_rows and values is not None and not isinstance(values, Number):
            _check_length(name, values, n_images)
    _check_classes(detector, y)
    if detector.memory is not None:
        _check_can_be_cached(detector.memory, networks)


def _check_length(name, values, n_images):
    length = np.shape(values)[0] if np.ndim(values) else 1
    if length != n_images:
        raise ValueError(
            f"X holds {n_images} images, but {name} has {length} values. Give one for each image."
        )


def _check_classes(detector, y):
    check_classification_targets(y)
    classes, sizes = np.unique(y, return_counts=True)
    makes_fakes = any(getattr(step, "_makes_fakes", False) for _, step in detector.steps)
    if len(classes) == 1 and not makes_fakes:
        raise ValueError(
            f"y has one class only, {classes.tolist()[0]!r}, but a detector learns from real and "
            "fake faces. Give faces of both, and labels such as 0 for real and 1 for fake."
        )
    classifier = detector.steps[-1][1]
    if len(classes) > 2 and not get_tags(classifier).classifier_tags.multi_class:
        raise ValueError(
            "Only binary classification is supported. The type of the target is multiclass: "
            f"y holds {len(classes)} classes. Give one label to the fakes of all generators."
        )
    if any(hasattr(step, "fit_resample") for _, step in detector.steps):
        return  # the sampler changes the number of faces
    name, n_folds = _folds_of_calibration(*detector.steps[-1])
    if sizes.min() < n_folds:
        raise ValueError(
            f"y has {sizes.min()} faces of the class {classes.tolist()[sizes.argmin()]!r}, but the "
            f"probabilities are calibrated on {n_folds} folds, so that at least {n_folds} faces of "
            f"each class are needed. Give more faces, or set a smaller number of folds: {name}__cv."
        )


def _folds_of_calibration(name, classifier):
    """Return the name of the calibrated classifier within the last step, and its folds, or 0."""
    from sklearn.calibration import CalibratedClassifierCV

    while classifier is not None and not isinstance(classifier, CalibratedClassifierCV):
        name, classifier = f"{name}__estimator", getattr(classifier, "estimator", None)
    cv = getattr(classifier, "cv", 0)
    n_folds = 5 if cv is None else getattr(cv, "n_splits", cv)
    return name, n_folds if isinstance(n_folds, int) else 0


def _check_can_be_cached(memory, networks):
    for network in networks:
        for function in _functions_not_pickled(network.backbone):
            raise ValueError(
                f"backbone={function!r} cannot be pickled, so that memory={memory!r} cannot keep "
                f"the fitted step. {_MEND_FOR_FUNCTION}."
            )
