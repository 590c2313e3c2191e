"""Helpers of all readers: finding files, checking arguments, making the Bunch."""

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch

IMAGE_SUFFIXES = (
    ".avif",
    ".bmp",
    ".gif",
    ".jpeg",
    ".jpg",
    ".png",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
PARTS = ("train", "validation", "test")
REAL, FAKE = 0, 1


class IncompleteDatasetWarning(UserWarning):
    """A part of a data set is missing; the message says what the reader did without it.

    Examples
    --------
    >>> from skfakespot.datasets import IncompleteDatasetWarning
    >>> issubclass(IncompleteDatasetWarning, UserWarning)
    True
    """


class Face(NamedTuple):
    """One image of a data set, and what the data set says about it."""

    path: str
    target: int
    group: str
    split: str = ""
    generator: str = ""
    video: str = ""


def check_root(root):
    """Return the folder as a Path; raise NotADirectoryError if it is not a folder."""
    root = Path(root)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise NotADirectoryError(f"{root} {what}; a folder is needed.")
    return root


def check_subset(subset, dataset, parts=PARTS):
    """Raise ValueError if the data set does not have the part."""
    if subset != "all" and subset not in parts:
        accepted = ", ".join(repr(part) for part in ("all", *parts))
        raise ValueError(f"subset={subset!r}; of {dataset} there are {accepted}.")


def find(root, places, what):
    """Return the first of the places under the root that exists; raise an error if none does."""
    for place in places:
        if (root / place).exists():
            return root / place
    raise FileNotFoundError(
        f"{root} has no {what}. Looked for {' and '.join(str(root / place) for place in places)}."
    )


def find_optional(root, places):
    """Return the first of the places under the root that exists, or None."""
    return next((root / place for place in places if (root / place).exists()), None)


def is_image(name):
    return not name.startswith(".") and name.lower().endswith(IMAGE_SUFFIXES)


def list_images(folder):
    """Return the paths of the images in a folder and its subfolders, sorted."""
    paths = []
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        paths += [str(Path(parent, name)) for name in names if is_image(name)]
    if not paths:
        raise ValueError(
            f"{folder} holds no images. Accepted are files that end in {', '.join(IMAGE_SUFFIXES)}."
        )
    return sorted(paths)


def natural_order(name):
    """Return a sort key that puts frame2 before frame10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name)]


def as_bunch(faces, description, *, subset="all"):
    """Make the Bunch of the faces of one part, with the real faces first."""
    faces = [face for face in faces if subset in ("all", face.split)]
    if not faces:
        raise ValueError(f"No images are left of subset={subset!r}.")
    faces.sort(key=lambda face: face.target)
    path, target, *rest = zip(*faces, strict=True)
    data = np.empty(len(path), dtype=object)
    data[:] = path
    columns = dict(zip(Face._fields[2:], map(np.array, rest), strict=True))
    bunch = Bunch(
        data=data,
        target=np.array(target, dtype=np.int64),
        groups=columns["group"],
        split=columns["split"],
        generator=columns["generator"],
        target_names=["real", "fake"],
        DESCR=f"{description}\n\n{_counts(faces)}",
    )
    if any(columns["video"]):
        bunch.video = columns["video"]
    return bunch


def _counts(faces):
    """Write a sentence on the number of images, groups, videos and generators."""
    n_fake = sum(face.target for face in faces)
    words = [f"{len(faces) - n_fake} real and {n_fake} fake images"]
    words.append(f"of {len({face.group for face in faces})} groups")
    videos = {face.video for face in faces} - {""}
    if videos:
        words.append(f"from {len(videos)} videos")
    generators = sorted({face.generator for face in faces} - {""})
    if generators:
        words.append(f"; generators: {', '.join(generators)}")
    return " ".join(words).replace(" ;", ";") + "."
