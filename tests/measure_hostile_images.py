# SPDX-License-Identifier: BSD-3-Clause
"""Reads each attack of `hostile_images`, and prints what it takes; run in a process of its own."""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from hostile_images import ATTACKS, rgba_pictures

from skfakespot.images import as_samples


def peak():
    """The greatest memory since `forget_peak`, in megabytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1000


def forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


def measure(X, *, at_own_size=False):
    """Seconds of the processor, megabytes over the start, and the reasons of the failures."""
    samples, reasons = as_samples(X), []
    forget_peak()
    before, started = peak(), time.process_time()
    if at_own_size:
        for _, image in samples.images():
            if isinstance(image, Exception):
                reasons.append(image.reason)
    else:
        batches = samples.batches(
            image_size=(150, 150),
            batch_size=32,
            n_threads=16,
            on_error=lambda _, error: reasons.append(error.reason),
        )
        for _ in batches:
            pass
    return time.process_time() - started, peak() - before, reasons


def main(names):
    warnings.simplefilter("ignore")
    measure([np.zeros((9, 9, 3), np.uint8)] * 20)
    results = {}
    for name in names or ATTACKS:
        content = ATTACKS[name][0]()
        results[name] = measure([content])
        results[f"{name}, own size"] = measure([content], at_own_size=True)
    if not names:
        results["16 pictures of 5,000 x 5,000, RGBA"] = measure(rgba_pictures())
        results["the same at their own size"] = measure(rgba_pictures(), at_own_size=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1:])
