# SPDX-License-Identifier: BSD-3-Clause
"""Compiled loops over the neurons of one image.

Each reads the neurons once. NumPy would write masks to memory and read them back.
"""

import numpy as np

from .._compiled_loops import compile_loop


# The order of additions is left to the compiler, which adds several at a time.
def add_values(values):
    """Add float32 values in float64; the order depends on nothing but their number."""
    total = 0.0
    for value in values:
        total += np.float64(value)
    return total


add_values = compile_loop(add_values, fastmath={"reassoc"})


@compile_loop
def count_above(values, threshold):
    """Count the values above a threshold, all float32."""
    # Integers of four bytes are added as many at a time as there are values in a register.
    count = np.int32(0)
    for value in values:
        count += np.int32(value > threshold)
    return count


@compile_loop
def count_above_both(values, low, high):
    """Count the values above `low`, and those above `high`."""
    above_low, above_high = np.int32(0), np.int32(0)
    for value in values:
        above_low += np.int32(value > low)
        above_high += np.int32(value > high)
    return above_low, above_high


@compile_loop
def copy_between(values, low, high, inside):
    """Copy the values above `low`, up to and including `high`.

    `inside` has room for one value more than there are.
    """
    n_inside = 0
    for value in values:
        # Writing each value is faster than a branch that is often predicted wrongly.
        inside[n_inside] = value
        n_inside += (value > low) & (value <= high)
