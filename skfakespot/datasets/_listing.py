# SPDX-License-Identifier: BSD-3-Clause
"""Helpers of all readers: finding files, checking arguments, making the Bunch."""

from __future__ import annotations

import glob
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.utils import Bunch

from .._paths import is_pattern
from .._regular_files import read_text_file
from ..images import VIDEO_SUFFIXES

if TYPE_CHECKING:
    from .._typing import FilePath

_SUFFIXES = (".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
PARTS = ("train", "validation", "test")
REAL, FAKE = 0, 1


class IncompleteDatasetWarning(UserWarning):
    """A part of a data set is missing; the message says what the reader did without it.

    .. versionadded:: 0.1

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
    check_choice("subset", subset, ("all", *parts), f"of {dataset} there")


def check_choice(name, value, choices, introduction="accepted"):
    """Raise ValueError, with the choices, if the value of an argument is none of them."""
    if value not in choices:
        raise ValueError(f"{name}={value!r}; {introduction} are {', '.join(map(repr, choices))}.")


def assign_part(part_of, name, part, subject, remedy="Download the list again."):
    """Record the part that a name is in; raise ValueError if it is in another one already."""
    known = part_of.setdefault(name, part)
    if known != part:
        raise ValueError(
            f"{subject} in two parts, {known} and {part}: the test would not be on new faces. "
            f"{remedy}"
        )


def find(root, places, what, *, required=True):
    """Return the first of the places under the root that exists; otherwise raise or return None."""
    found = next((root / place for place in places if (root / place).exists()), None)
    if found is None and required:
        looked_for = " and ".join(str(root / place) for place in places)
        raise FileNotFoundError(f"{root} has no {what}. Looked for {looked_for}.")
    return found


def read_json(file, kind):
    """Read the object or list, as the type `kind` says, in a JSON file; ValueError names it."""
    try:
        content = json.loads(read_text_file(file, kind="a JSON"))
    except (RecursionError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} is not JSON: {error}. Download it again.") from error
    if not isinstance(content, kind):
        raise ValueError(f"{file} holds a {type(content).__name__}, not a {kind.__name__}.")
    return content


def visible_folders(folder):
    """Return the sorted subfolders that are not hidden; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )


def is_image(name, suffixes=_SUFFIXES):
    return not name.startswith(".") and name.lower().endswith(suffixes)


def list_images(folder: FilePath, *, videos: bool = False) -> list[str]:
    """List the images in a folder and its subfolders, or those that match a glob pattern.

    .. versionadded:: 0.1

    Parameters
    ----------
    folder : str or path-like
        A folder, which is searched to any depth, or a pattern such as ``"photos/**/*.jpg"``, where
        ``**`` stands for folders of any depth.
    videos : bool, default=False
        Whether videos are listed, too.

    Returns
    -------
    paths : list of str
        The paths, sorted. Hidden files and folders are left out, and so are files without the
        suffix of an image, or of a video.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    ValueError
        If the folder holds no images, or no image matches the pattern.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skfakespot.datasets import list_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("anna.png", "ben/1.jpg", "notes.txt"):
    ...         path = pathlib.Path(folder, name)
    ...         path.parent.mkdir(exist_ok=True)
    ...         path.touch()
    ...     [pathlib.Path(path).name for path in list_images(folder)]
    ['anna.png', '1.jpg']
    """
    suffixes: tuple[str, ...] = _SUFFIXES
    no_video = ""
    if videos:
        suffixes, no_video = suffixes + VIDEO_SUFFIXES, ", and no video"
    if is_pattern(folder):
        found = glob.iglob(os.fspath(folder), recursive=True)  # noqa: PTH207 - keeps the path's form
        paths = [path for path in found if _is_listed(Path(path), suffixes)]
        problem = f"No image matches {os.fspath(folder)!r}{no_video}."
    else:
        check_root(folder)
        paths = _images_under(folder, suffixes)
        problem = f"{folder} holds no images{no_video}."
    if not paths:
        raise ValueError(f"{problem} Accepted are files that end in {', '.join(suffixes)}.")
    return sorted(paths)


def _is_listed(path, suffixes):
    return is_image(path.name, suffixes) and path.is_file()


def _images_under(folder, suffixes):
    paths = []
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        paths += [str(Path(parent, name)) for name in names if is_image(name, suffixes)]
    return paths


def natural_order(name):
    """Return a sort key that puts frame2 before frame10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name)]


def as_bunch(faces, description, *, subset="all"):
    """Make the Bunch of the faces of one part, with the real faces first."""
    faces = [face for face in faces if subset in ("all", face.split)]
    if not faces:
        raise ValueError(f"No images are left of subset={subset!r}.")
    faces.sort(key=lambda face: face.target)
    path, target, group, split, generator, video = zip(*faces, strict=True)
    bunch = Bunch(
        data=np.array(path, dtype=object),
        target=np.array(target, dtype=np.int64),
        groups=np.array(group),
        split=np.array(split),
        generator=np.array(generator),
        target_names=["real", "fake"],
        DESCR=f"{description}\n\n{_counts(faces)}",
    )
    if any(video):
        bunch.video = np.array(video)
    return bunch


def _counts(faces):
    """Write a sentence on the number of images, groups, videos and generators."""
    n_fake = sum(face.target for face in faces)
    n_groups = len({face.group for face in faces})
    counts = f"{len(faces) - n_fake} real and {n_fake} fake images of {n_groups} groups"
    videos = {face.video for face in faces} - {""}
    if videos:
        counts += f" from {len(videos)} videos"
    generators = sorted({face.generator for face in faces} - {""})
    if generators:
        counts += f"; generators: {', '.join(generators)}"
    return f"{counts}."
