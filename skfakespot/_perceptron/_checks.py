# SPDX-License-Identifier: BSD-3-Clause
"""Checks of the widths of the hidden layers, and of the classes that come in parts."""

from numbers import Integral

import numpy as np

from .._sklearn_compat import InvalidParameterError


def check_layer_sizes(hidden_layer_sizes):
    """Return the widths of the hidden layers as a tuple of int."""
    sizes = hidden_layer_sizes
    sizes = (sizes,) if isinstance(sizes, Integral) else tuple(sizes)
    if not all(isinstance(size, Integral) and size > 0 for size in sizes):
        raise InvalidParameterError(
            "hidden_layer_sizes must be an int or a sequence of ints, each at least 1; got "
            f"{hidden_layer_sizes!r}."
        )
    return tuple(map(int, sizes))


def check_partial_classes(classes, known):
    """Return all classes of partial_fit, given in this call or known from the first."""
    if classes is None:
        if known is None:
            raise ValueError("classes must be given in the first call to partial_fit.")
        classes = known
    classes = np.unique(classes)
    if known is not None and not np.array_equal(classes, known):
        raise ValueError(
            f"classes={classes} differ from those of the first call, {known}. "
            "Leave classes out, or use a new classifier."
        )
    if len(classes) < 2:
        raise ValueError(f"partial_fit needs at least two classes; classes={classes}.")
    return classes
