# SPDX-License-Identifier: BSD-3-Clause
"""Cost of the guards against hostile image files: time to read ordinary faces with and without.

Run: python benchmarks/decoding.py --faces DIR
"""

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image

from skfakespot._regular_files import open_regular_file
from skfakespot.images._conversion import to_pixels
from skfakespot.images._decode import Request, read_image


def main(arguments=None):
    """Read each face again and again, in turn with and without guards; print the ratio of times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", required=True, metavar="DIR", help="JPEG files")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--size", type=int, default=150, help="that they are stretched to")
    options = parser.parse_args(arguments)
    paths = [str(path) for path in sorted(Path(options.faces).iterdir())[: options.images]]
    size = (options.size, options.size)
    readers = {
        "without guards": read_without_guards,
        "limits": read_with_limits,
        "limits and digest": read_with_limits_and_digest,
    }
    random, padding = np.random.default_rng(0), []
    times = np.empty((len(readers), options.repeats, len(paths)))
    for repeat in range(options.repeats):
        for place, path in enumerate(paths):
            # Resizing takes up to 15 % longer at some places in memory: each call gets others.
            padding = [bytes(random.integers(100_000)) for _ in range(10)]
            for number in random.permutation(len(readers)):
                read = list(readers.values())[number]
                started = time.perf_counter()
                read(path, size)
                times[number, repeat, place] = time.perf_counter() - started
    del padding
    # The faster repeats are those that other programs have disturbed least.
    typical = np.quantile(times, 0.25, axis=1).sum(axis=1)
    for name, total in zip(readers, typical, strict=True):
        an_image, ratio = 1e6 * total / len(paths), total / typical[0]
        print(f"{name:20} {an_image:6.0f} us an image, {ratio:.3f} of the time without")


def read_without_guards(path, size):
    """Open, decode and stretch a JPEG file, as the package does apart from the guards."""
    with open_regular_file(path, kind="an image") as file:
        image = Image.OPEN["JPEG"][0](file, path)
        image.load()
        return to_pixels(image, path, (size,), is_own=True)


def read_with_limits(path, size):
    """Read a file as X is read where nothing is known of it."""
    return read_image(path, Request(path, (size,)))


def read_with_limits_and_digest(path, size):
    """Read a file as X is read where what is computed is kept under the digest of the content."""
    return read_image(path, Request(path, (size,), finds_digest=True))


if __name__ == "__main__":
    main()
