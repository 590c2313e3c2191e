# SPDX-License-Identifier: BSD-3-Clause
"""Sums on the device that do not depend on the order in which it adds.

Each value is rounded to a multiple of 2^(e - 32), where 2^e is the power of two above the largest
absolute value of its sum. Sums of up to 2^20 such multiples need 53 bits at most. float64 holds
them, and so do three int32 numbers where there is no float64, so that every order gives the same
bits. The mean of a layer changes by 2^-33 of the layer's largest absolute value at most.
"""

SUM_BITS = 32
_MOST_TOGETHER = 1 << 20


def sections(n_places):
    """Pairs (start, stop) of as many places as can be added exactly."""
    starts = range(0, n_places, _MOST_TOGETHER)
    return [(start, min(start + _MOST_TOGETHER, n_places)) for start in starts]
