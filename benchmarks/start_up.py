# SPDX-License-Identifier: BSD-3-Clause
"""CPU time and peak memory of starting: of imports, of the help, and of predicting one image.

Run: python benchmarks/start_up.py

Each line is the minimum over several processes. The CPU time is that of all threads, so that other
programs hardly change it. A process begins as a copy of this script, so that peaks below the
script's own 39 MB are not seen. The detectors are trained on a few pictures of random numbers.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

N_REPETITIONS = 5
IMPORTS = ("numpy", "sklearn.pipeline", "tensorflow", "keras", "skfakespot")
COMMAND = [sys.executable, "-m", "skfakespot"]


def main():
    """Measure each line in turn, several times, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        programs = list_programs(Path(folder))
        figures = {name: [] for name in programs}
        for _ in range(N_REPETITIONS):
            for name, command in programs.items():
                figures[name].append(measure(command))
    figures = {name: np.min(rows, axis=0) for name, rows in figures.items()}
    tensorflow = figures["import tensorflow"]
    print("{:<32}{:>13}{:>9}{:>20}{:>11}".format("", "CPU seconds", "peak MB", "x tensorflow", ""))
    for name, (seconds, megabytes) in figures.items():
        ratios = (seconds, megabytes) / tensorflow
        print(f"{name:<32}{seconds:>13.2f}{megabytes:>9.0f}{ratios[0]:>20.2f}{ratios[1]:>11.2f}")


def list_programs(folder):
    """Return the command of each line of the table."""
    train_detectors(folder)
    image = str(next((folder / "real").iterdir()))
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        **{f"import {name}": [sys.executable, "-c", f"import {name}"] for name in IMPORTS},
        "skfakespot --help": [*COMMAND, "--help"],
        **{
            f"skfakespot predict, {recipe}": [*COMMAND, "predict", str(folder / recipe), image]
            for recipe in ("paper", "statistics")
        },
    }


def train_detectors(folder):
    """Save a detector of each recipe, trained on pictures of random numbers."""
    random = np.random.default_rng(0)
    for label in ("real", "fake"):
        (folder / label).mkdir()
        for number in range(8):
            pixels = random.integers(0, 256, (256, 256, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    faces = ["--real", str(folder / "real"), "--fake", str(folder / "fake")]
    for recipe in ("paper", "statistics"):
        options = ["--recipe", recipe, "--output", str(folder / recipe), "--json"]
        command = [*COMMAND, "train", *faces, *options]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603


def measure(command):
    """Return the CPU seconds of a process, all its threads together, and its peak memory in MB."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **silent)  # noqa: S603
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3


if __name__ == "__main__":
    main()
