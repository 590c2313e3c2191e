# SPDX-License-Identifier: BSD-3-Clause
"""Checks of the transformer's parameters and input that scikit-learn's tools cannot express."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_consistent_length

from ._counting import STATISTICS
from ._labels import is_real
from ._sklearn_compat import Interval, InvalidParameterError, StrOptions

THRESHOLD_CONSTRAINTS = [
    StrOptions({"mean", "per-map", "boundary", "strong"}),
    Interval(Real, None, None, closed="neither"),
    tuple,
]


def check_reading(*, threshold, neuron, output):
    """Check parameters of `NeuronCoverageTransformer` that depend on each other."""
    if neuron == output == "channel":
        raise ValueError(
            "neuron='channel' with output='channel' would count one neuron a feature, 0 or 1. "
            "Use neuron='unit' with output='channel', or neuron='channel' with output='layer'."
        )
    if isinstance(threshold, tuple):
        kind, value = threshold if len(threshold) == 2 else (None, None)
        is_top = isinstance(kind, str) and kind == "top" and _is_count(value)
        is_quantile = isinstance(kind, str) and kind == "quantile" and _are_quantiles(value)
        if not is_top and not is_quantile:
            raise InvalidParameterError(
                f"threshold={threshold!r}; accepted are 'mean', 'per-map', 'boundary', 'strong', a "
                "number, ('quantile', q) with q in [0, 1] or a list of different such q, and "
                "('top', k) with an integer k from 1."
            )
        if is_top and output == "layer":
            raise ValueError(
                f"threshold={threshold!r} with output='layer' would count k neurons in each layer "
                "of every image. Use output='channel', or another threshold."
            )


def check_statistics(statistics, lags, output, threshold):
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
    if tuple(statistics) != ("coverage",) and not _is_one_for_each_layer(threshold):
        raise ValueError(
            f"threshold={threshold!r} takes a pass of its own, so it goes with "
            f"statistics=('coverage',) only, not with {statistics!r}. Use threshold='mean', or two "
            "transformers in a FeatureUnion."
        )
    if not lags or not all(map(_is_lag, lags)):
        raise InvalidParameterError(
            f"lags={lags!r}; accepted are one or more pairs of integers (down, right), with down "
            "at least 0, but not (0, 0)."
        )


def _is_one_for_each_layer(threshold):
    if isinstance(threshold, tuple):
        return threshold[0] == "quantile" and isinstance(threshold[1], Real)
    return isinstance(threshold, Real) or threshold == "mean"


def _is_lag(lag):
    if not isinstance(lag, tuple | list) or len(lag) != 2:
        return False
    is_integer = all(isinstance(step, Integral) for step in lag)
    return is_integer and lag[0] >= 0 and any(lag)


def _is_count(value):
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= 1


def _are_quantiles(value):
    if isinstance(value, Real):
        return bool(0 <= value <= 1)
    if not isinstance(value, list | tuple | np.ndarray) or len(value) == 0:
        return False
    are_valid = all(isinstance(one, Real) and 0 <= one <= 1 for one in value)
    return are_valid and len(set(value)) == len(value)


def needs_labels(threshold):
    """Whether a value of the parameter `threshold` is learnt from the real images only."""
    return isinstance(threshold, str) and threshold in ("boundary", "strong")


def real_images(threshold, y, n_images):
    """Return where the labels mean real, if the threshold needs labels, otherwise None."""
    if not needs_labels(threshold):
        return None
    if y is None:
        raise ValueError(
            f"threshold={threshold!r} is learnt from the real images, so that fit requires y to be "
            "passed, but the target y is None. Give labels, 0 for real and 1 for fake, or use "
            "another threshold."
        )
    real = is_real(y)
    check_consistent_length(real, range(n_images))
    return real


def check_sums_can_be_added(threshold, action):
    """Refuse to update or merge what is not learnt as sums of images."""
    if isinstance(threshold, tuple) or needs_labels(threshold):
        kinds = {"quantile": "A quantile", "top": "A number k of neurons, which is not learnt,"}
        kind = kinds[threshold[0]] if isinstance(threshold, tuple) else "A range"
        raise ValueError(
            f"{kind} cannot be {action}; use fit with all images, or threshold='mean' or 'per-map'."
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
