# SPDX-License-Identifier: BSD-3-Clause
"""How the cost of an image grows with their number: time, memory, store and look-up.

The images are faces with noise of different seeds (`PerturbedImage`), which are in memory as
recipes until a batch of them is read. They pass through a small network, so that 100,000 take
minutes: what is measured is everything but the network. ``--network`` names a real one. Each number
of images has a process of its own.

A folder of as many records as ``--records`` says is written by the class that keeps profiles, and
opened by another process.

Run: python benchmarks/scale.py --faces DIR
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from skfakespot import NeuronCoverageTransformer, clear_caches
from skfakespot._record_folder import RecordFolder
from skfakespot.augmentation import Perturbation
from skfakespot.images import PerturbedImage, as_samples, load_image

_CONFIGURATION = bytes(32)
_SIZE = 32  # of the images of the small network, in pixels
_BATCH_SIZE = 128
_N_LOOK_UPS, _RECORDS_AT_ONCE = 2000, 8192


def small_network():
    """A network that takes less time than reading an image."""
    import keras

    x = inputs = keras.Input((_SIZE, _SIZE, 3))
    for n_maps in (4, 8):
        x = keras.layers.Conv2D(n_maps, 3, strides=2, activation="relu")(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def many_images(options, n_images):
    """Make different images of a folder's faces, whose pixels are made when they are read."""
    faces = [load_image(path) for path in sorted(Path(options.faces).iterdir())[:50]]
    if options.network == "small":
        faces = [np.ascontiguousarray(face[::8, ::8][:_SIZE, :_SIZE]) for face in faces]
    noise = Perturbation("noise", 0.001)
    return [
        PerturbedImage(faces[number % len(faces)], noise, seed=number) for number in range(n_images)
    ]


def peak_mib():
    """Peak memory of this process; on Linux the unit is KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_mib():
    """Memory of this process at present, on Linux."""
    n_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return n_pages * resource.getpagesize() / 2**20


def seconds(action):
    """Time a call, by the clock and by the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure_images(options, n_images):
    """Return the costs of `fit_transform`, and of `transform` when all profiles are stored."""
    X = many_images(options, n_images)
    backbone = small_network() if options.network == "small" else options.network
    with tempfile.TemporaryDirectory() as folder:
        coverage = NeuronCoverageTransformer(backbone, memory=folder, batch_size=_BATCH_SIZE)
        coverage.fit(X[:_BATCH_SIZE])  # builds the network
        clear_caches(networks=False)
        before = peak_mib()
        wall, cpu = seconds(lambda: coverage.fit_transform(X))
        peak = peak_mib()
        clear_caches(networks=False)
        _, digests = seconds(as_samples(X).digests)
        _, again = seconds(lambda: coverage.transform(X))
        files = list(Path(folder).rglob("*.profiles"))
        stored = sum(file.stat().st_size for file in files)
    each = 1000 / n_images
    return {
        "ms": each * wall,
        "CPU ms": each * cpu,
        "look-up": each * (again - digests),
        "peak MiB": peak,
        "more MiB": peak - before,
        "store KiB": stored / 1024 / n_images,
        "files": len(files),
    }


def digest_of(number):
    """Digest of an image that does not exist."""
    return hashlib.sha256(b"%d" % number).digest()[:16]


def write_records(folder, n_records, n_bytes):
    """Write records as profiles are written, in parts."""
    records = RecordFolder(folder, _CONFIGURATION)
    for start in range(0, n_records, _RECORDS_AT_ONCE):
        numbers = range(start, min(n_records, start + _RECORDS_AT_ONCE))
        records.write([(digest_of(number), bytes(n_bytes)) for number in numbers])


def measure_records(folder, n_records):
    """Return the costs of opening a folder, of looking records up, and of adding a few."""
    before = resident_mib()
    records = RecordFolder(folder, _CONFIGURATION)
    opened, opened_cpu = seconds(records.refresh)
    more = resident_mib() - before
    numbers = np.random.default_rng(0).integers(0, n_records, _N_LOOK_UPS).tolist()
    digests = [digest_of(number) for number in numbers]
    others = [digest_of(n_records + number) for number in range(_N_LOOK_UPS)]
    found = []
    _, known = seconds(lambda: found.extend(next(records.read(digest)) for digest in digests))
    _, unknown = seconds(lambda: [list(records.read(digest)) for digest in others])
    _, written = seconds(lambda: [records.write([(other, bytes(100))]) for other in others[:100]])
    total = sum(file.stat().st_size for file in Path(folder).rglob("*.profiles"))
    return {
        "open s": opened,
        "CPU s": opened_cpu,
        "more MiB": more,
        "GiB": total / 2**30,
        "known us": 1e6 * known / _N_LOOK_UPS,
        "unknown us": 1e6 * unknown / _N_LOOK_UPS,
        "write ms": 1000 * written / 100,
    }


def run_alone(options, *arguments):
    """Measure in a process of its own; return what it has printed."""
    command = [sys.executable, __file__, "--faces", options.faces, "--network", options.network]
    command += [str(argument) for argument in arguments]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return json.loads(ran.stdout.splitlines()[-1])


def print_row(label, costs, *, with_names):
    """Print a row of a table, below the names of its columns if it is the first."""
    if with_names:
        print(f"\n{'':>12}" + "".join(f"{name:>12}" for name in costs))
    print(f"{label:>12,}" + "".join(f"{cost:12,.3f}" for cost in costs.values()), flush=True)


def main(arguments=None):
    """Print a table of images, and one of records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", required=True, metavar="DIR", help="image files")
    parser.add_argument("--network", default="small", help="a backbone, or small")
    parser.add_argument("--images", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--records", type=int, nargs="*", default=[1000, 100_000, 1_000_000])
    parser.add_argument("--record-bytes", type=int, default=4000)
    parser.add_argument("--measure-images", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure-folder", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure_images:
        print(json.dumps(measure_images(options, options.measure_images)))
        return
    if options.measure_folder:
        folder, n_records = options.measure_folder
        print(json.dumps(measure_records(folder, int(n_records))))
        return
    for number, n_images in enumerate(options.images):
        costs = run_alone(options, "--measure-images", n_images)
        print_row(n_images, costs, with_names=number == 0)
    for number, n_records in enumerate(options.records):
        with tempfile.TemporaryDirectory() as folder:
            write_records(folder, n_records, options.record_bytes)
            costs = run_alone(options, "--measure-folder", folder, n_records)
        print_row(n_records, costs, with_names=number == 0)


if __name__ == "__main__":
    main()
