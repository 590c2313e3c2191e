"""The order of all float32 numbers, as integers."""

import numpy as np

_SIGN = np.uint32(1 << 31)


def to_ordinals(values):
    """Turn float32 values into uint32 numbers that are in the same order."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    # All bits of a negative number are inverted, and the sign bit of the others.
    return bits ^ ((bits.view(np.int32) >> 31).view(np.uint32) | _SIGN)


def from_ordinals(ordinals):
    """Turn the numbers of `to_ordinals` back into float32 values."""
    ordinals = np.asarray(ordinals, dtype=np.uint32)
    return np.where(ordinals < _SIGN, ~ordinals, ordinals ^ _SIGN).view(np.float32)
