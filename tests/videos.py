# SPDX-License-Identifier: BSD-3-Clause
"""Small videos written by PyAV, whose frames show their own number or any pictures."""

from fractions import Fraction

import numpy as np

WIDTH, HEIGHT = 96, 64
_N_BITS = 12


def numbered_picture(number):
    """A grey picture with a red top left corner, and the bits of the number as 12 stripes."""
    pixels = np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)
    pixels[:16, :16] = (255, 0, 0)
    bits = [255 * (number >> bit & 1) for bit in range(_N_BITS)]
    pixels[24:56] = np.repeat(bits, WIDTH // _N_BITS)[np.newaxis, :, np.newaxis]
    return pixels


def number_of(pixels):
    """The number that a picture shows, which has survived lossy compression."""
    stripes = pixels[30:50].mean(axis=(0, 2)).reshape(_N_BITS, -1).mean(axis=1)
    assert np.all((stripes < 60) | (stripes > 195)), stripes
    return int(sum(1 << bit for bit in range(_N_BITS) if stripes[bit] > 128))


def write_video(
    path,
    numbers,
    *,
    rate=25,
    times=None,
    codec="mpeg4",
    pixel_format="yuv420p",
    options=None,
    container_options=None,
    rotation=None,
    colour=None,
    sound=False,
):
    """Write the pictures of some numbers, or pictures of one size.

    `times`, in milliseconds, are for a variable rate.
    """
    import av

    pictures = [numbered_picture(each) if np.ndim(each) == 0 else each for each in numbers]
    base = Fraction(1, 1000) if times is not None else Fraction(1, rate)
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options={"g": "12", **(options or {})})
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], pixel_format
        stream.codec_context.time_base = base
        if rotation:
            stream.set_display_rotation(**rotation)
        if sound:
            _add_sound(container)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = index if times is None else times[index], base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _add_sound(container):
    container.add_stream("aac", rate=8000)


def write_sound(path):
    """Write a file that holds only sound."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 4096), dtype=np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
