# SPDX-License-Identifier: BSD-3-Clause
"""Compare the compiled loops over the outputs of one layer with NumPy, on one core.

The outputs are those of the largest layer of dlib-resnet29 for one image, drawn at random. NumPy
writes masks to memory and reads them back. The compiled loops write only the values in the band.

Run: python benchmarks/compiled_loops.py
"""

import argparse
import time

import numpy as np

from skfakespot._counting._neuron_kernels import (
    add_values,
    copy_between,
    count_above,
    count_above_both,
)

N_OUTPUTS = 165_888


def split_with_numpy(values, low, high):
    """Add the values, count those above a band, and list those inside it."""
    above = values > high
    return values.sum(), np.count_nonzero(above), values[(values > low) ^ above]


def split_compiled(values, low, high):
    """Do the same with compiled loops."""
    above_low, above_high = count_above_both(values, low, high)
    inside = np.empty(above_low - above_high + 1, dtype=np.float32)
    copy_between(values, low, high, inside)
    return add_values(values), above_high, inside[:-1]


def fastest(action, arguments, repeats):
    """Return the milliseconds of the processor that the fastest of some rounds takes for a call."""
    rounds = []
    for _ in range(repeats + 1):  # the first compiles
        start = time.thread_time()
        for _ in range(100):
            action(*arguments)
        rounds.append((time.thread_time() - start) * 10)
    return min(rounds[1:])


def main(arguments=None):
    """Print the milliseconds of both for each reduction."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args(arguments).repeats
    values = np.random.default_rng(0).normal(size=N_OUTPUTS).astype(np.float32)
    zero = np.float32(0)
    rows = [
        ("sum", np.sum, add_values, [values]),
        (
            "count above a threshold",
            lambda values, threshold: np.count_nonzero(values > threshold),
            count_above,
            [values, zero],
        ),
    ]
    for share in (0.001, 0.015, 0.046):
        high = np.quantile(values, 0.5 + share).astype(np.float32)
        label = f"sum, count, and list {share:.1%} in a band"
        rows.append((label, split_with_numpy, split_compiled, [values, zero, high]))
        results = zip(split_with_numpy(*rows[-1][-1]), split_compiled(*rows[-1][-1]), strict=True)
        assert all(np.allclose(one, other, rtol=1e-4) for one, other in results)
    print(f"{'':42}{'NumPy':>8}{'compiled':>10}  ms")
    for label, with_numpy, compiled, arguments in rows:
        times = [fastest(action, arguments, repeats) for action in (with_numpy, compiled)]
        print(f"{label:42}{times[0]:8.3f}{times[1]:10.3f}")


if __name__ == "__main__":
    main()
