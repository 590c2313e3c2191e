"""Checks of the transformer's parameters and input that scikit-learn's tools cannot express."""

from numbers import Integral, Real

import numpy as np

from ._counting import STATISTICS
from ._sklearn_compat import InvalidParameterError


def check_reading(*, threshold, neuron, output):
    """Check parameters of `NeuronCoverageTransformer` that depend on each other."""
    if neuron == output == "channel":
        raise ValueError(
            "neuron='channel' with output='channel' would count one neuron a feature, 0 or 1. "
            "Use neuron='unit' with output='channel', or neuron='channel' with output='layer'."
        )
    if isinstance(threshold, tuple):
        kind, quantile = threshold if len(threshold) == 2 else (None, None)
        if kind != "quantile" or not isinstance(quantile, Real) or not 0 <= quantile <= 1:
            raise InvalidParameterError(
                f"threshold={threshold!r}; accepted are 'mean', a number, and ('quantile', q) "
                "with q in [0, 1]."
            )


def check_statistics(statistics, lags, output):
    """Check the parameters `statistics` and `lags` of `NeuronCoverageTransformer`."""
    unknown = [name for name in statistics if name not in STATISTICS]
    if unknown or not statistics or len(set(statistics)) < len(statistics):
        raise InvalidParameterError(
            f"statistics={statistics!r}; accepted are one or more different names of "
            f"{', '.join(map(repr, STATISTICS))}."
        )
    if output == "layer" and tuple(statistics) != ("coverage",):
        raise ValueError(
            f"statistics={statistics!r} are taken of each feature map, but output='layer' has one "
            "feature for each layer. Set output='channel', or statistics=('coverage',)."
        )
    if not lags or not all(map(_is_lag, lags)):
        raise InvalidParameterError(
            f"lags={lags!r}; accepted are one or more pairs of integers (down, right), with down "
            "at least 0, but not (0, 0)."
        )


def _is_lag(lag):
    if not isinstance(lag, tuple | list) or len(lag) != 2:
        return False
    is_integer = all(isinstance(step, Integral) for step in lag)
    return is_integer and lag[0] >= 0 and any(lag)


def check_sums_can_be_added(threshold, action):
    """Refuse to update or merge quantiles, which need all images at once."""
    if isinstance(threshold, tuple):
        raise ValueError(
            f"A quantile cannot be {action}; use fit with all images, or threshold='mean'."
        )


def check_same_neurons(first, second):
    """Refuse to merge fitted transformers that read other neurons."""
    for name in ("backbone", "weights", "tap", "neuron", "image_size", "threshold"):
        mine, its = getattr(first, name), getattr(second, name)
        if _differ(mine, its):
            raise ValueError(
                f"Transformers with {name}={mine!r} and {name}={its!r} cannot be merged: "
                "fit them with the same parameters."
            )
    same_names = np.array_equal(first.layer_names_, second.layer_names_)
    if not same_names or not np.array_equal(first.n_neurons_, second.n_neurons_):
        raise ValueError(
            f"Transformers of {len(first.layer_names_)} and {len(second.layer_names_)} layers, "
            "or of layers of other sizes, cannot be merged: fit them with the same backbone "
            "and the same layers."
        )


def _differ(first, second):
    """Whether values of a parameter differ, apart from networks, which cannot be compared."""
    if isinstance(first, tuple | list) and isinstance(second, tuple | list):
        return len(first) != len(second) or any(map(_differ, first, second))
    return isinstance(first, str | Real | tuple | list | None) and first != second


def check_samples(samples, fitted_shape, backbones):
    """Check that samples have the shape of those in `fit`, and that each backbone takes them."""
    if None not in (samples.shape, fitted_shape) and samples.shape != fitted_shape:
        raise ValueError(
            f"X holds samples of shape {samples.shape}, but NeuronCoverageTransformer was fitted "
            f"on samples of shape {fitted_shape}. Give samples of that shape, or fit again."
        )
    is_vector = samples.kind == "vector"
    for backbone in backbones:
        expected = backbone.input_shape
        if is_vector != (len(expected) == 1) or (is_vector and samples.shape != expected):
            given = f"rows of {samples.shape[0]} numbers" if is_vector else "images"
            raise ValueError(
                f"The backbone {backbone.name!r} takes samples of shape {expected}, but X holds "
                f"{given}. Give images as an array (n, height, width, 3) or a list of paths, and "
                "rows of numbers to a network on vectors only."
            )
