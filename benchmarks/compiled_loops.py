# SPDX-License-Identifier: BSD-3-Clause
"""Compare the compiled loops over the outputs of one layer with NumPy, on one core.

There are as many outputs as in the largest layer of dlib-resnet29 for one image, and they are drawn
at random. NumPy writes masks to memory and reads them back. The compiled loops write only the
values in the band.

Run: python benchmarks/compiled_loops.py
"""

import argparse
import time

import numpy as np

from skfakespot._counting._neuron_kernels import add_values, count_above
from skfakespot._counting._reductions import sum_and_split

N_OUTPUTS = 165_888


def split_with_numpy(values, low, high):
    """Add the values, count those above a band, and list those inside it."""
    above = values > high
    return values.sum(), np.count_nonzero(above), values[(values > low) ^ above]


def split_compiled(values, low, high):
    """Do the same as `fit_transform` does it."""
    return sum_and_split(values[np.newaxis], low, high)


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
    print(f"{'':42}{'NumPy':>8}{'compiled':>10}  ms")
    for label, with_numpy, compiled, arguments in rows:
        times = [fastest(action, arguments, repeats) for action in (with_numpy, compiled)]
        print(f"{label:42}{times[0]:8.3f}{times[1]:10.3f}")


if __name__ == "__main__":
    main()
