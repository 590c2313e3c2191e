# SPDX-License-Identifier: BSD-3-Clause
"""Measure how long it takes to read and to score a 60-second video of 1280 x 720 pixels.

Run: python benchmarks/video.py --real REAL --fake FAKE

It writes the videos itself: one with MPEG-4 and a key frame every 12 frames, and, if PyAV has
libx264, one with H.264 and a key frame every 250 frames. The first image of REAL is pasted into
each frame. The column "score_videos" is the time from the file to the score, by a detector that
finds the faces and was trained on 40 images of each folder; without folders it is left out.
"""

import argparse
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from skfakespot import clear_caches, make_fakespotter
from skfakespot.datasets import list_images
from skfakespot.images import as_samples, load_image
from skfakespot.video import expand_videos, read_frames, score_videos

_SIZE, _RATE, _SECONDS = (1280, 720), 30, 60
_N_TRAINED = 40


def main(arguments=None):
    """Print a table of the seconds of each way to read the frames."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=_SECONDS)
    parser.add_argument("--real", metavar="DIR", help="folder of real faces")
    parser.add_argument("--fake", metavar="DIR", help="folder of fake faces")
    options = parser.parse_args(arguments)
    face, detector = None, None
    if options.real and options.fake:
        face, detector = fit_detector(options.real, options.fake)
    print(
        f"{'codec':10}{'MB':>5}{'all frames':>12}{'read_frames':>13}{'X in batches':>14}"
        f"{'score_videos':>14}  CPU s"
    )
    with tempfile.TemporaryDirectory() as folder:
        for codec, gop in (("mpeg4", 12), ("libx264", 250)):
            if codec not in av.codecs_available:
                continue
            path = Path(folder, f"{codec}.mp4")
            write_video(path, codec, gop, options.seconds, face)
            times = [
                measure(decode_all, path),
                measure(read_frames, path, options.frames),
                measure(read_in_batches, path, options.frames),
            ]
            if detector is not None:
                times.append(measure(score, detector, path, options.frames))
            columns = "".join(
                f"{wall:{width}.2f}"
                for (wall, _), width in zip(times, (12, 13, 14, 14), strict=False)
            )
            cpu = " ".join(f"{seconds:.2f}" for _, seconds in times)
            megabytes = path.stat().st_size / 1e6
            print(f"{codec:10}{megabytes:5.0f}{columns:53}  {cpu}", flush=True)


def fit_detector(real, fake):
    """Return the pixels of a face, and a fitted detector."""
    real, fake = list_images(real)[:_N_TRAINED], list_images(fake)[:_N_TRAINED]
    detector = make_fakespotter(faces=True, on_error="nan", random_state=0)
    detector.fit([*real, *fake], [0] * len(real) + [1] * len(fake))
    return load_image(real[0]), detector


def write_video(path, codec, gop, seconds, face=None):
    """Write a video of a picture that moves, with a face that does not."""
    small = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(small).resize(_SIZE, Image.Resampling.BICUBIC))
    options = {"preset": "veryfast"} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=_RATE, options={"g": str(gop), **options})
        stream.width, stream.height = _SIZE
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for index in range(seconds * _RATE):
            moved = np.roll(picture, (2 * index, 3 * index), (0, 1))
            if face is not None:
                moved[200 : 200 + len(face), 500 : 500 + face.shape[1]] = face
            frame = av.VideoFrame.from_ndarray(moved, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, _RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def measure(function, *arguments):
    """Return the seconds that a call takes, and those of the processor."""
    clear_caches(networks=False)
    started, cpu = time.perf_counter(), time.process_time()
    function(*arguments)
    return time.perf_counter() - started, time.process_time() - cpu


def decode_all(path):
    """Decode every frame, and convert none."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for _ in container.decode(video=0):
            pass


def read_in_batches(path, n_frames):
    """Read the frames as estimators do, at 150 x 150 pixels."""
    frames = expand_videos([path], n=n_frames)
    for _ in as_samples(frames.data).batches(image_size=(150, 150), batch_size=32):
        pass


def score(detector, path, n_frames):
    """Score the video; its face must be found in each frame."""
    (n_scored,) = score_videos(detector, [path], n=n_frames)["n_scored"]
    assert n_scored == n_frames


if __name__ == "__main__":
    main()
