# SPDX-License-Identifier: BSD-3-Clause
"""Random changes of bytes, the same ones in each run."""

import time

import numpy as np

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF)
# A fast machine makes no other changes than those that have passed once.
_MOST = 20_000


def mutations(data, seconds, *, head=None):
    """Yield changed copies of bytes for so many seconds, at least three and at most 20,000.

    The copy of number n depends on n alone. Half of the changes are in the first `head` bytes.
    """
    end, number = time.monotonic() + seconds, 0
    while number < 3 or (number < _MOST and time.monotonic() < end):
        yield number, mutated(data, number, head)
        number += 1


def mutated(data, number, head=None):
    rng, changed = np.random.default_rng(number), bytearray(data)
    for _ in range(rng.integers(1, 5)):
        size = len(changed)
        end = min(head, size) if head and rng.integers(2) else size
        start = int(rng.integers(0, max(1, end)))
        length = int(2 ** rng.integers(0, 10))
        kind = rng.integers(6)
        if kind == 0 and size:
            changed[start] ^= 1 << rng.integers(8)
        elif kind == 1 and size:
            changed[start] = _NUMBERS[rng.integers(len(_NUMBERS))]
        elif kind == 2:
            changed[start : start + 8] = rng.bytes(8)
        elif kind == 3:
            changed[start : start + length] = b""
        elif kind == 4:
            changed[start:start] = changed[start : start + length]
        else:
            value = int(rng.choice([-1, 2**31 - 1, 2**32, 2**62, 2**63 - 1]))
            changed[start : start + 8] = value.to_bytes(8, "little", signed=True)
    if rng.integers(10) == 0:
        del changed[int(rng.integers(0, len(changed) + 1)) :]
    return bytes(changed)
