# SPDX-License-Identifier: BSD-3-Clause
"""Measure the speed and the peak memory of score_images, and of the bare transform.

Run: python benchmarks/score_images.py --real DIR --fake DIR

The files of the two folders are scored again and again until there are enough of them. Each
measurement has a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import joblib
import numpy as np

from skfakespot import clear_caches, count_network_images, make_fakespotter, score_images
from skfakespot.datasets import load_face_folders

_N_TRAINED = 200
_SHARE_MISSING = 0.01


def main(arguments=None):
    """Print a table of the times of an image and of the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--recipe", choices=("paper", "statistics"), default="paper")
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    faces = load_face_folders(real=options.real, fake=options.fake)
    if options.measure:
        print(json.dumps(measure(faces.data, *options.measure)))
        return
    half = _N_TRAINED // 2
    rows = [*range(half), *range(len(faces.data) - half, len(faces.data))]
    detector = make_fakespotter(recipe=options.recipe, random_state=0)
    detector.fit(faces.data[rows], faces.target[rows])
    title = f"recipe {options.recipe}"
    print(f"{title:26}{'images':>8}{'ms':>7}{'CPU ms':>8}{'peak MiB':>10}{'passed':>9}")
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(detector, Path(folder, "detector"))
        for n_images in options.images:
            for what in ("transform", "score_images", "score_images, 1 % missing"):
                command = [sys.executable, __file__, "--real", options.real, "--fake", options.fake]
                command += ["--measure", folder, str(n_images), what]
                ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
                wall, cpu, peak, n_passed = json.loads(ran.stdout.splitlines()[-1])
                times = f"{wall:7.1f}{cpu:8.1f}"
                print(f"{what:26}{n_images:8,}{times}{peak:10,.0f}{n_passed:9,}", flush=True)


def measure(paths, folder, n_images, what):
    """Return ms and CPU ms an image, peak memory in MiB, and the images through the network."""
    detector = joblib.load(Path(folder, "detector"))
    score_images(detector, paths[:32])  # builds the network
    clear_caches(networks=False)
    X = np.array(list(islice(cycle(paths), int(n_images))))
    if "missing" in what:
        X[np.random.default_rng(0).random(len(X)) < _SHARE_MISSING] = "missing.jpg"
    start, cpu_start = time.perf_counter(), time.process_time()
    with count_network_images() as count:
        if what == "transform":
            detector["coverage"].transform(X)
        else:
            score_images(detector, X, output=Path(folder, f"{n_images} {what}.csv"))
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    # On Linux the unit is KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return 1000 * seconds / len(X), 1000 * cpu_seconds / len(X), peak, count.n_images


if __name__ == "__main__":
    main()
