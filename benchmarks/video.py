"""Measure how long it takes to read frames of a 60-second video of 1280 x 720 pixels.

Run: python benchmarks/video.py

It writes the videos itself: one with MPEG-4 and a key frame every 12 frames, and, if PyAV has
libx264, one with H.264 and a key frame every 250 frames.
"""

import argparse
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from skfakespot import clear_caches
from skfakespot.images import as_samples
from skfakespot.video import expand_videos, read_frames

_SIZE, _RATE, _SECONDS = (1280, 720), 30, 60


def main(arguments=None):
    """Print a table of the seconds of each way to read the frames."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=_SECONDS)
    options = parser.parse_args(arguments)
    print(f"{'codec':10}{'MB':>5}{'all frames':>12}{'read_frames':>13}{'X in batches':>14}  CPU s")
    with tempfile.TemporaryDirectory() as folder:
        for codec, gop in (("mpeg4", 12), ("libx264", 250)):
            if codec not in av.codecs_available:
                continue
            path = Path(folder, f"{codec}.mp4")
            write_video(path, codec, gop, options.seconds)
            times = [
                measure(decode_all, path),
                measure(read_frames, path, options.frames),
                measure(read_in_batches, path, options.frames),
            ]
            wall, cpu = zip(*times, strict=True)
            columns = f"{wall[0]:12.2f}{wall[1]:13.2f}{wall[2]:14.2f}"
            cpu = " ".join(f"{seconds:.2f}" for seconds in cpu)
            print(f"{codec:10}{path.stat().st_size / 1e6:5.0f}{columns}  {cpu}", flush=True)


def write_video(path, codec, gop, seconds):
    """Write a video of a picture that moves."""
    small = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(small).resize(_SIZE, Image.Resampling.BICUBIC))
    options = {"preset": "veryfast"} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=_RATE, options={"g": str(gop), **options})
        stream.width, stream.height = _SIZE
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for index in range(seconds * _RATE):
            moved = np.roll(picture, (2 * index, 3 * index), (0, 1))
            frame = av.VideoFrame.from_ndarray(moved, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, _RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def measure(function, *arguments):
    """Return the seconds that a call takes, and those of the processor."""
    clear_caches()
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


if __name__ == "__main__":
    main()
