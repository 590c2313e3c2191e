# SPDX-License-Identifier: BSD-3-Clause
"""Time and memory of detect_faces and of a detector with faces=True, beside dlib and mtcnn.

Each picture holds faces of several sizes on noise. dlib-bin is timed once, because its wheel takes
seconds for a picture. dlib and mtcnn are left out if they are not installed.

Run: python benchmarks/faces.py --faces DIR
"""

import argparse
import resource
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from skfakespot import clear_caches, make_fakespotter
from skfakespot.backbones._dlib_stream import find_installed
from skfakespot.faces import detect_faces
from skfakespot.images import UnreadableImageWarning, load_image

SIZES = ((256, 256), (480, 640), (1024, 1024), (2000, 3000))
# Sides of the files that are predicted, and how many.
PREDICTED = ((256, 64), (1024, 16))


def main(argv=None):
    """Print a line for each size, and one for each size of the files that are predicted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", required=True, metavar="DIR", help="folder of cropped faces")
    parser.add_argument("--repeats", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--no-dlib", action="store_true", help="do not run dlib")
    options = parser.parse_args(argv)
    paths = sorted(path for path in Path(options.faces).iterdir() if path.is_file())
    report_detection(paths, options.repeats, None if options.no_dlib else load_dlib())
    with warnings.catch_warnings():
        # The faces of some small pictures hide each other.
        warnings.simplefilter("ignore", UnreadableImageWarning)
        report_prediction(paths, options.repeats)


def report_detection(paths, repeats, find_with_dlib):
    """Print the time of each detector, and the memory of ours."""
    find_with_mtcnn = load_mtcnn()
    detect_faces(np.zeros((100, 100, 3), dtype=np.uint8))
    at_start = peak_memory()
    print(
        f"{'height x width':>16}{'faces':>7}{'ms':>9}{'images/s':>10}{'CPU ms':>9}{'peak MB':>9}"
        f"{'dlib ms':>10}{'mtcnn ms':>10}"
    )
    pictures = [photograph(paths, size) for size in SIZES]
    ours = []
    for pixels in pictures:
        wall, cpu, faces = fastest(lambda: detect_faces(pixels), repeats)  # noqa: B023
        ours.append((wall, cpu, len(faces.boxes), (peak_memory() - at_start) / 1e6))
    for pixels, (wall, cpu, n_faces, memory) in zip(pictures, ours, strict=True):
        theirs = []
        for find, n_times in ((find_with_dlib, 1), (find_with_mtcnn, repeats)):
            if find is None:
                theirs.append(f"{'':10}")
                continue
            seconds, _, _ = fastest(lambda: find(pixels), n_times)  # noqa: B023
            theirs.append(f"{1000 * seconds:10.0f}")
        height, width, _ = pixels.shape
        print(
            f"{height:>8} x {width:<5}{n_faces:>7}{1000 * wall:>9.1f}{1 / wall:>10.1f}"
            f"{1000 * cpu:>9.0f}{memory:>9.0f}" + "".join(theirs),
            flush=True,
        )


def report_prediction(paths, repeats):
    """Print how many files a detector with ``faces=True`` predicts in a second."""
    print(f"\n{'predict':>16}{'files':>7}{'images/s':>10}{'CPU ms/image':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for side, n_files in PREDICTED:
            files = [Path(folder, f"{side}_{number}.jpg") for number in range(n_files)]
            for number, file in enumerate(files):
                pixels = photograph(paths[5 * number :], (side, side), seed=number)
                Image.fromarray(pixels).save(file, quality=95)
            detector = make_fakespotter(faces=True, on_error="nan", random_state=0)
            detector.fit(files, np.arange(n_files) % 2)
            wall, cpu, _ = fastest(lambda: predict(detector, files), repeats)  # noqa: B023
            print(
                f"{side:>8} x {side:<5}{n_files:>7}{n_files / wall:>10.1f}"
                f"{1000 * cpu / n_files:>14.0f}",
                flush=True,
            )


def predict(detector, files):
    """Predict files of which nothing is known yet."""
    clear_caches(networks=False)
    return detector.predict(files)


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


def load_mtcnn():
    """Make a function that detects faces with mtcnn; None if mtcnn is not installed."""
    try:
        from mtcnn import MTCNN
    except ImportError:
        return None
    return MTCNN().detect_faces


def fastest(function, repeats):
    """Return the least seconds of several calls, by the clock and of the processor, and the value.

    The function is called once more at first, because its first call prepares more, if it is
    called several times.
    """
    if repeats > 1:
        function()
    wall, cpu = [], []
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), time.process_time()
        value = function()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    return min(wall), min(cpu), value


def peak_memory():
    """Bytes of memory that this process has taken at most, on Linux."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
