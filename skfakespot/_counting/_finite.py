# SPDX-License-Identifier: BSD-3-Clause
"""Outputs of a network that are not finite, which cannot be counted."""

import numpy as np


@np.errstate(over="ignore", invalid="ignore")
def all_finite(values):
    """Whether none of float32 values is NaN or infinite."""
    values = values.reshape(-1)
    # The sum of squares takes a third less time than a look at each value, and no memory. It is
    # finite unless a value is not, or is very large.
    return bool(np.isfinite(values @ values) or np.isfinite(values).all())


def refuse_non_finite(layout, non_finite, problem="NaN or infinite"):
    """Raise an error that names the first layer of which `non_finite`, bool, is True."""
    if np.any(non_finite):
        name = layout.layer_names[int(np.argmax(non_finite))]
        raise ValueError(
            f"The layer {name!r} has outputs that are {problem}, so its neurons cannot be "
            f"counted. It is the first such layer of {layout.network} that is read. Check the "
            "network's weights (are they of this network, and complete?), its preprocessing (the "
            "scale of its input) and its precision (float16 holds numbers up to 65,504 only), or "
            "leave such layers out with layers=."
        )
