# SPDX-License-Identifier: BSD-3-Clause
"""Photographs with a face pasted into each, photographs without a face, and squares of faces.

A square is x and y of its centre, its side, and the angle by which it is turned clockwise in
degrees, as in `skfakespot.faces.FaceCrop`. The faces come from pictures that are aligned like FFHQ.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# Side of an aligned picture in pixels, to which the squares of its face refer.
ALIGNED_SIZE = 256

# The photographs of scikit-image without a face.
_PHOTOGRAPHS = (
    "brick.png",
    "chelsea.png",
    "coffee.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
)
_TEXTURES = ("noise", "clouds", "stripes", "discs")


def load_photographs(folder=None):
    """Load photographs without a face: those of scikit-learn and scikit-image, and of a folder."""
    import skimage
    from sklearn.datasets import load_sample_images

    photographs = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    data = Path(skimage.__file__).parent / "data"
    paths = [data / name for name in _PHOTOGRAPHS if (data / name).is_file()]
    if folder is not None:
        paths += sorted(path for path in Path(folder).iterdir() if path.is_file())
    for path in paths:
        with Image.open(path) as photograph:
            photographs.append(photograph.convert("RGB"))
    return photographs


def draw_picture(photographs, size, rng):
    """Draw a part of one of the photographs, which may be flipped, of this width and height."""
    photograph = photographs[rng.integers(len(photographs))]
    if rng.random() < 0.5:
        photograph = ImageOps.mirror(photograph)
    if rng.random() < 0.5:
        photograph = ImageOps.flip(photograph)
    share = rng.uniform(0.5, 1.0)
    part = share * min(photograph.width / size[0], photograph.height / size[1])
    width, height = part * size[0], part * size[1]
    left = rng.uniform(0, photograph.width - width)
    upper = rng.uniform(0, photograph.height - height)
    box = (left, upper, left + width, upper + height)
    return photograph.resize(size, Image.Resampling.BICUBIC, box=box)


def draw_texture(kind, size, rng):
    """Draw a picture of noise, clouds, stripes or discs, of this width and height."""
    colours = rng.integers(0, 256, (2, 3))
    if kind == "noise":
        shares = rng.random((size[1], size[0], 1))
    elif kind == "clouds":
        shares = np.zeros((size[1], size[0], 1))
        for cells in (3, 6, 12, 24, 48):
            coarse = Image.fromarray(rng.random((cells, cells)).astype(np.float32))
            layer = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC))
            shares += 3 / cells * layer[..., None] / 2
    else:
        x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
        length = rng.uniform(8, 80)
        waves = np.sin(x / length + rng.uniform(-1, 1) * y / length)
        if kind == "discs":
            waves = np.sin(x / length) * np.sin(y / length)
        shares = waves[..., None] / 2 + 0.5
    pixels = colours[0] + np.clip(shares, 0, 1) * (colours[1] - colours[0])
    return Image.fromarray(pixels.astype(np.uint8))


def draw_pictures_without_faces(photographs, n_pictures, rng, sides=(160, 640)):
    """Draw pictures without a face: three of photographs for each texture."""
    pictures = []
    for number in range(n_pictures):
        size = tuple(int(side) for side in rng.integers(*sides, 2, endpoint=True))
        if number % 4 == 3:
            kind = _TEXTURES[number // 4 % len(_TEXTURES)]
            pictures.append(draw_texture(kind, size, rng))
        else:
            pictures.append(draw_picture(photographs, size, rng))
    return pictures


def paste_face(path, scale, background, place):
    """Paste an aligned picture, scaled, into a background.

    Parameters
    ----------
    path : path-like
        The aligned picture.
    scale : float
        What it is scaled by, if its side is `ALIGNED_SIZE`.
    background : PIL.Image.Image
    place : tuple of 2 int
        x and y of its upper left corner.

    Returns
    -------
    picture : PIL.Image.Image
    placement : tuple of 3 floats
        The scale, rounded to whole pixels, and x and y of the corner; see `to_picture`.
    """
    side = round(scale * ALIGNED_SIZE)
    with Image.open(path) as face:
        face = face.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    picture = background.copy()
    picture.paste(face, place)
    return picture, (side / ALIGNED_SIZE, *place)


def draw_photograph(path, scale, photographs, rng):
    """Paste an aligned picture somewhere into a part of a photograph; see `paste_face`."""
    side = round(scale * ALIGNED_SIZE)
    size = [max(least, side + int(rng.integers(1, 100))) for least in (400, 300)]
    background = draw_picture(photographs, size, rng)
    place = tuple(int(rng.integers(0, room - side, endpoint=True)) for room in size)
    return paste_face(path, scale, background, place)


def to_picture(square, placement):
    """Map a square of an aligned picture to the picture into which that was pasted."""
    x, y, side, angle = square
    scale, left, upper = placement
    # The centre of the first pixel is (0, 0), so the upper left corner is at -0.5.
    return (
        scale * (x + 0.5) + left - 0.5,
        scale * (y + 0.5) + upper - 0.5,
        scale * side,
        angle,
    )


def to_aligned(square, placement):
    """Map a square of the picture to the aligned picture that was pasted into it."""
    x, y, side, angle = square
    scale, left, upper = placement
    return (x + 0.5 - left) / scale - 0.5, (y + 0.5 - upper) / scale - 0.5, side / scale, angle


def square_of_box(box):
    """Return the square of a box of `skfakespot.faces.detect_faces`."""
    x0, y0, x1, y1 = box
    return (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2, (x1 - x0 + y1 - y0) / 2, 0.0


def square_of_crop(crop, margin):
    """Return the face's square within a `FaceCrop`: the crop without its margin."""
    return crop.x, crop.y, crop.side / (1 + 2 * margin), crop.angle


def overlap(first, second, n_points=100):
    """Compute the intersection over the union of two squares, the first of which is not turned.

    It is exact to about a hundredth, because the intersection is counted on a grid of points.
    """
    x, y, side, _ = first
    steps = (np.arange(n_points) + 0.5) / n_points - 0.5
    points = np.stack(np.meshgrid(x + side * steps, y + side * steps), axis=-1)
    angle = np.radians(second[3])
    turned = (points - second[:2]) @ [
        [np.cos(angle), -np.sin(angle)],
        [np.sin(angle), np.cos(angle)],
    ]
    common = side**2 * (np.abs(turned) <= second[2] / 2).all(axis=-1).mean()
    return common / (side**2 + second[2] ** 2 - common)
