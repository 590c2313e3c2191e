"""Time and memory of detect_faces on pictures of several sizes, beside dlib's own detector.

Each picture holds faces of several sizes on noise. dlib-bin is timed once, because its wheel takes
seconds for a picture; without it, only detect_faces is timed.

Run: python benchmarks/faces.py --faces DIR
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from PIL import Image

from skfakespot.backbones._dlib_stream import find_installed
from skfakespot.faces import detect_faces
from skfakespot.images import load_image

SIZES = ((256, 256), (480, 640), (1024, 1024), (2000, 3000))


def main(argv=None):
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", required=True, metavar="DIR", help="folder of cropped faces")
    parser.add_argument("--repeats", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--no-dlib", action="store_true", help="do not run dlib")
    options = parser.parse_args(argv)
    paths = sorted(path for path in Path(options.faces).iterdir() if path.is_file())
    find_with_dlib = None if options.no_dlib else load_dlib()
    detect_faces(np.zeros((100, 100, 3), dtype=np.uint8))
    at_start = peak_memory()
    print(
        f"{'height x width':>16}{'faces':>7}{'ms':>9}{'images/s':>10}{'dlib ms':>10}{'peak MB':>9}"
    )
    for size in SIZES:
        pixels = photograph(paths, size)
        seconds, faces = fastest(lambda: detect_faces(pixels), options.repeats)  # noqa: B023
        theirs = ""
        if find_with_dlib is not None:
            theirs = f"{1000 * fastest(lambda: find_with_dlib(pixels), 1)[0]:.0f}"  # noqa: B023
        memory = (peak_memory() - at_start) / 1e6
        print(
            f"{size[0]:>8} x {size[1]:<5}{len(faces.boxes):>7}{1000 * seconds:>9.1f}"
            f"{1 / seconds:>10.1f}{theirs:>10}{memory:>9.0f}",
            flush=True,
        )


def photograph(paths, size, seed=0):
    """Draw five faces of 90 to 250 pixels on noise."""
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(rng.integers(90, 166, (*size, 3), dtype=np.uint8))
    for path in paths[:5]:
        side = int(rng.integers(90, 250))
        face = Image.fromarray(load_image(path)).resize((side, side))
        picture.paste(face, tuple(int(rng.integers(0, room - side)) for room in size[::-1]))
    return np.asarray(picture)


def load_dlib():
    """Make a function that detects faces with dlib; None if dlib is not installed."""
    try:
        import dlib
    except ImportError:
        return None
    return dlib.cnn_face_detection_model_v1(str(find_installed("mmod_human_face_detector.dat")))


def fastest(function, repeats):
    """Return the least time of several calls, in seconds, and what the function returns."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        value = function()
        times.append(time.perf_counter() - start)
    return min(times), value


def peak_memory():
    """Bytes of memory that this process has taken at most, on Linux."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
