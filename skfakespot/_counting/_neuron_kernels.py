# SPDX-License-Identifier: BSD-3-Clause
"""Compiled loops over the neurons of one image.

Each reads the neurons once. NumPy would write masks to memory and read them back. The loops count
the places, because Numba takes one value at a time where a loop runs over the values themselves.
"""

import numpy as np

from .._compiled_loops import compile_loop

# Values that are compared together. Few are in the band, so that most eights have none.
_AT_ONCE = 64


# The order of additions is left to the compiler, which adds several at a time.
def add_values(values):
    """Add float32 values in float64; the order depends on nothing but their number."""
    total = 0.0
    for place in range(values.size):
        total += np.float64(values[place])
    return total


add_values = compile_loop(add_values, fastmath={"reassoc"})


@compile_loop
def count_above(values, threshold):
    """Count the values above a threshold, all float32."""
    # Integers of four bytes are added as many at a time as there are values in a register.
    count = np.int32(0)
    for place in range(values.size):
        count += np.int32(values[place] > threshold)
    return count


@compile_loop
def count_above_both(values, low, high):
    """Count the values above `low`, and those above `high`."""
    above_low, above_high = np.int32(0), np.int32(0)
    for place in range(values.size):
        above_low += np.int32(values[place] > low)
        above_high += np.int32(values[place] > high)
    return above_low, above_high


@compile_loop
def copy_between(values, low, high, inside):
    """Copy the values above `low`, up to and including `high`.

    `inside` has room for one value more than there are.
    """
    is_inside = np.empty(_AT_ONCE, np.bool_)
    eights = is_inside.view(np.uint64)
    n_inside, end = 0, values.size // _AT_ONCE * _AT_ONCE
    for start in range(0, end, _AT_ONCE):
        for place in range(_AT_ONCE):
            value = values[start + place]
            is_inside[place] = (value > low) & (value <= high)
        for number in range(_AT_ONCE // 8):
            if eights[number]:
                first = 8 * number
                for place in range(first, first + 8):
                    # Writing each value is faster than a branch that is often predicted wrongly.
                    inside[n_inside] = values[start + place]
                    n_inside += is_inside[place]
    for place in range(end, values.size):
        inside[n_inside] = values[place]
        n_inside += (values[place] > low) & (values[place] <= high)
