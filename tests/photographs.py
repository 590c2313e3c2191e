# SPDX-License-Identifier: BSD-3-Clause
"""Pictures with faces in them, made of the development faces."""

import numpy as np
from PIL import Image


def read_face(faces, number, side=256, kind="real"):
    path = sorted((faces / kind).iterdir())[number]
    with Image.open(path) as image:
        return image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)


def photograph(faces, seed, size=(240, 330), n_faces=3, sides=(90, 150)):
    """Several faces, which may hide each other, on a background of colour and noise."""
    rng = np.random.default_rng(seed)
    colour = rng.integers(40, 216, 3)
    pixels = np.clip(colour + rng.normal(scale=8 * (seed % 4), size=(*size, 3)), 0, 255)
    picture = Image.fromarray(pixels.astype(np.uint8))
    for number in range(n_faces):
        side = int(rng.integers(*sides))
        face = read_face(faces, 20 + 3 * seed + number, side).rotate(rng.uniform(-15, 15))
        picture.paste(face, tuple(int(rng.integers(0, room - side)) for room in size[::-1]))
    return np.asarray(picture)
