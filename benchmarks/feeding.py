# SPDX-License-Identifier: BSD-3-Clause
"""How fast images are read and decoded, and how long a network waits for them.

A device of a given speed is simulated by a pause for each batch. It takes nothing from the
processor, so that reading ahead is measured alone: with enough of it, the slower of the two sides
decides. The last part runs a real network, on the same cores that decode.

Run: python benchmarks/feeding.py --faces DIR
"""

import argparse
import io
import statistics
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import joblib
import numpy as np
from PIL import Image

from skfakespot import NeuronCoverageTransformer, clear_caches
from skfakespot._counting import _counter
from skfakespot._counting._passes import run_pass
from skfakespot._counting._reducers import Reduction
from skfakespot._resampling import stretch
from skfakespot.images import as_samples, load_image
from skfakespot.images._content import content_digests

_TARGET = (150, 150)
_QUALITY = 90
_SPEEDS = (0.5, 1, 2, 8)


class WatchedReader:
    """A network whose busy time is noted, or a simulated device if `seconds_an_image` is given."""

    def __init__(self, reader=None, seconds_an_image=None):
        self._reader, self._seconds_an_image = reader, seconds_an_image
        self._spans, self._lock = [], threading.Lock()
        self._started = time.perf_counter()

    def read(self, data, *makers):
        """Let a batch pass; a simulated device takes one batch at a time."""
        if self._seconds_an_image is None:
            started = time.perf_counter()
            results = self._reader.read(data, *makers)
            self._spans.append((started, time.perf_counter()))
            return results
        with self._lock:
            started = time.perf_counter()
            time.sleep(self._seconds_an_image * len(data))
            self._spans.append((started, time.perf_counter()))
        return [None] * len(data)

    def waiting_share(self):
        """Share of the time since this was made in which no batch was being computed."""
        total, busy, end = time.perf_counter() - self._started, 0.0, 0.0
        for first, last in sorted(self._spans):
            busy += max(0.0, last - max(first, end))
            end = max(end, last)
        return 1 - busy / total


class NoReduction(Reduction):
    """What a pass through a simulated device is reduced to: nothing."""

    def make_reducer(self, n_images):
        """Not needed."""

    def make_device_reducer(self, n_images):
        """Not needed."""


def write_files(faces, size, folder, n_files):
    """Write the faces as JPEG files of a size; return paths and contents."""
    paths = []
    for number in range(n_files):
        with Image.open(faces[number % len(faces)]) as face:
            path = Path(folder, f"{size}-{number:04}.jpg")
            stretch(face.convert("RGB"), (size, size)).save(path, quality=_QUALITY)
            paths.append(str(path))
    return paths


def decode_all(contents):
    """Decode files in memory, one after the other."""
    for content in contents:
        Image.open(io.BytesIO(content)).load()


def read_all(paths, batch_size, n_threads=None, size=_TARGET):
    """Read, decode and stretch files in batches."""
    options = {"image_size": size, "batch_size": batch_size, "n_threads": n_threads}
    for _ in as_samples(paths).batches(**options):
        pass


def read_in_processes(paths, batch_size, n_processes):
    """Let each of several processes read a part of the files."""
    read = joblib.delayed(read_all)
    parts = [paths[number::n_processes] for number in range(n_processes)]
    joblib.Parallel(n_processes)(read(part, batch_size, 1) for part in parts)


def rates_of(actions, n_images, repeats):
    """Return images a second of each action, the median of interleaved repeats."""
    times = {name: [] for name in actions}
    for _ in range(repeats + 1):
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            times[name].append(time.perf_counter() - started)
    # The first time, files may not be in memory, and processes start.
    return {name: n_images / statistics.median(own[1:]) for name, own in times.items()}


def cpu_seconds(files, options, size):
    """Seconds of the processor for an image, in one thread."""
    times = []
    for _ in range(options.repeats):
        started = time.process_time()
        read_all(files, options.batch_size, 1, size)
        times.append((time.process_time() - started) / len(files))
    return min(times)


def measure_reading(paths, options):
    """Print the rates of the parts of reading, and of threads and processes."""
    contents = [Path(path).read_bytes() for path in paths]
    images = [Image.fromarray(load_image(path)) for path in paths]
    size = images[0].width
    actions = {
        "file and digest": lambda: content_digests(as_samples(paths)),
        "decoding": lambda: decode_all(contents),
        "stretching": lambda: [np.array(stretch(image, _TARGET)) for image in images],
        "all, 1 thread": partial(read_all, paths, options.batch_size, 1),
        "all, 2 threads": partial(read_all, paths, options.batch_size, 2),
        "all, 2 processes": partial(read_in_processes, paths, options.batch_size, 2),
    }
    rates = rates_of(actions, len(paths), options.repeats)
    print(f"\n{f'files of {size} x {size}':28}{'images/s':>10}{'x 1 thread':>12}")
    for name, rate in rates.items():
        print(f"{name:28}{rate:10,.0f}{rate / rates['all, 1 thread']:12.2f}")
    smallest = [smallest_file()] * len(paths)
    share = cpu_seconds(smallest, options, (8, 8)) / cpu_seconds(paths, options, _TARGET)
    print(f"of the processor's time, {share:.0%} does not depend on the size of the image")


def smallest_file():
    """Return the content of a JPEG file of 8 x 8 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    return file.getvalue()


def measure_device(paths, options):
    """Print how near a pass comes to its limit, for devices that are slower and faster.

    The limit is all images through the slower side, and one batch through the other.
    """
    print(f"{'device, x reading':28}{'of the limit':>12}{'waits':>8}")
    for speed in _SPEEDS:
        shares, waits = [], []
        for _ in range(options.repeats):
            started = time.perf_counter()
            read_all(paths, options.batch_size)
            reading = time.perf_counter() - started
            seconds_an_image = reading / len(paths) / speed
            device = WatchedReader(seconds_an_image=seconds_an_image)
            batches = as_samples(paths).batches(image_size=_TARGET, batch_size=options.batch_size)
            started = time.perf_counter()
            for _ in run_pass(device, batches, NoReduction()):
                pass
            taken = time.perf_counter() - started
            waits.append(device.waiting_share())
            first = min(reading, reading / speed) * options.batch_size / len(paths)
            shares.append((max(reading, reading / speed) + first) / taken)
        share, wait = statistics.median(shares), statistics.median(waits)
        print(f"{speed:<28}{share:12.2f}{wait:8.0%}", flush=True)


@contextmanager
def watched_passes():
    """Yield a list, to which each pass of a `NeuronCoverageTransformer` adds its reader."""
    readers = []

    def run_watched(reader, batches, reduction):
        readers.append(WatchedReader(reader))
        return run_pass(readers[-1], batches, reduction)

    with mock.patch.object(_counter, "run_pass", run_watched):
        yield readers


def tiny_network():
    """A network that is much faster than decoding."""
    import keras

    inputs = keras.Input((*_TARGET, 3))
    x = keras.layers.AveragePooling2D(10)(inputs)
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, x)


def measure_networks(paths, options):
    """Print the rates of networks on arrays and on files, and how long they wait for files."""
    images = np.stack([np.array(stretch(Image.open(path), _TARGET)) for path in paths])
    print(f"{'transform':28}{'arrays/s':>10}{'files/s':>10}{'waits':>8}")
    for name in options.networks:
        backbone = tiny_network() if name == "tiny" else name
        coverage = NeuronCoverageTransformer(backbone, batch_size=options.batch_size)
        coverage.fit(images)
        waits = []

        def transform_files(coverage=coverage, waits=waits):
            clear_caches(networks=False)
            with watched_passes() as readers:
                coverage.transform(paths)
                waits.append(readers[0].waiting_share())

        def transform_arrays(coverage=coverage):
            clear_caches(networks=False)
            coverage.transform(images)

        actions = {"arrays": transform_arrays, "files": transform_files}
        rates = rates_of(actions, len(paths), options.repeats)
        wait = statistics.median(waits[1:])
        print(f"{name:28}{rates['arrays']:10,.0f}{rates['files']:10,.0f}{wait:8.0%}", flush=True)


def main(arguments=None):
    """Print tables for JPEG files of each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", required=True, metavar="DIR", help="image files")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--networks", nargs="*", default=["tiny", "dlib-resnet29"])
    options = parser.parse_args(arguments)
    faces = sorted(Path(options.faces).iterdir())
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            paths = write_files(faces, size, folder, options.images)
            measure_reading(paths, options)
            measure_device(paths, options)
            measure_networks(paths, options)


if __name__ == "__main__":
    main()
