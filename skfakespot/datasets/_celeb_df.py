# SPDX-License-Identifier: BSD-3-Clause
"""The reader of Celeb-DF."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from .._regular_files import read_text_file
from ._listing import FAKE, REAL, check_root, check_subset, find
from ._videos import Video, find_videos, read_videos

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from .._typing import FilePath, GroupBy

_TESTING_LIST = "List_of_testing_videos.txt"
_FOLDERS = {"Celeb-real": REAL, "YouTube-real": REAL, "Celeb-synthesis": FAKE}
_DESCRIPTION = """Celeb-DF: frames of videos of celebrities, and of face swaps between them.

The videos of List_of_testing_videos.txt are for testing, the others for training. The list's
label 1 means real; here 0 is real and 1 is fake. For research only, see the set's terms of use.

Li, Y., Yang, X., Sun, P., Qi, H. and Lyu, S. (2020). Celeb-DF: a large-scale challenging dataset
for DeepFake forensics. CVPR."""


def load_celeb_df(
    root: FilePath,
    *,
    subset: Literal["all", "train", "test"] = "all",
    group_by: GroupBy = "identity",
    frames: str | None = None,
    frames_per_video: int | None = None,
) -> Bunch:
    """List the frames of the videos of Celeb-DF, version 1 or 2.

    It reads the folders ``Celeb-real``, ``YouTube-real`` and ``Celeb-synthesis`` and the list
    ``List_of_testing_videos.txt``, in which **1 means real**. The frames of
    ``Celeb-real/id0_0000.mp4`` are images in ``Celeb-real/frames/id0_0000``, in
    ``Celeb-real/images/id0_0000``, in ``Celeb-real/faces/id0_0000`` or in
    ``Celeb-real/id0_0000``. If no frames are extracted, it takes those of the video files, by PyAV;
    see `load_faceforensics`. It downloads and extracts nothing.

    .. versionadded:: 0.1

    Parameters
    ----------
    root : str or path-like
        The folder of the data set.
    subset : {"all", "train", "test"}, default="all"
        The part to read. The videos that are not in the list are for training; Celeb-DF has no
        validation part, and the two parts share people.
    group_by : {"identity", "target", "video"}, default="identity"
        The groups of the images; see `load_faceforensics`. Here they are of people: a fake
        ``id0_id1_0000`` is the scene of id0 with the face of id1.
    frames, frames_per_video : default=None
        See `load_faceforensics`.

    Returns
    -------
    faces : sklearn.utils.Bunch
        See `load_faceforensics`; but ``split`` is ``"train"`` or ``"test"``, and empty without the
        list, and ``generator`` is ``"Celeb-DF"`` for the fakes.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ImportError
        See `load_faceforensics`.
    ValueError
        If an argument is not accepted, a line of the list cannot be read or contradicts the
        folders, or there are several folders of frames.

    Warns
    -----
    IncompleteDatasetWarning, UserWarning
        See `load_faceforensics`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skfakespot.datasets import load_celeb_df
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for video in ("Celeb-real/id0_0000", "Celeb-synthesis/id0_id1_0000"):
    ...         folder, name = video.split("/")
    ...         frame = pathlib.Path(root, folder, "frames", name, "0001.png")
    ...         frame.parent.mkdir(parents=True)
    ...         frame.touch()
    ...     faces = load_celeb_df(root)
    >>> faces.video.tolist()
    ['Celeb-real/id0_0000', 'Celeb-synthesis/id0_id1_0000']
    >>> faces.groups.tolist()
    ['celeb-df:id0', 'celeb-df:id0']
    """
    root = check_root(root)
    check_subset(subset, "Celeb-DF", ("train", "test"))
    for folder in ("Celeb-real", "Celeb-synthesis"):
        find(root, (folder,), "folder of Celeb-DF")
    what = f"list that subset={subset!r} needs"
    testing_list = find(root, (_TESTING_LIST,), what, required=subset != "all")
    testing = _read_testing_list(testing_list) if testing_list else {}
    videos = []
    for folder, target in _FOLDERS.items():
        listed = testing.get(folder, set())
        for name, (extracted, file) in find_videos(root / folder, frames, listed).items():
            split = ("test" if name in listed else "train") if testing else ""
            generator = "Celeb-DF" if target == FAKE else ""
            people = _people(folder, name)
            video = Video(f"{folder}/{name}", extracted, file, target, people, split, generator)
            videos.append(video)
    return read_videos(
        videos,
        _DESCRIPTION,
        "Celeb-DF",
        subset=subset,
        group_by=group_by,
        frames=frames,
        frames_per_video=frames_per_video,
    )


def _read_testing_list(file):
    """Return the names of the videos for testing in each folder."""
    testing = {folder: set() for folder in _FOLDERS}
    for number, line in enumerate(read_text_file(file, kind="a list").splitlines(), start=1):
        if not line.strip():
            continue
        match = re.fullmatch(r"([01])\s+([^/]+)/([^/]+)\.\w+", line.strip())
        if not match or match[2] not in _FOLDERS:
            raise ValueError(
                f"{file}, line {number}: {line!r} is not such as '1 Celeb-real/x.mp4'."
            )
        label, folder, name = match.groups()
        if (label == "1") != (_FOLDERS[folder] == REAL):
            raise ValueError(
                f"{file}, line {number}: {line!r} contradicts the folder; in this list 1 means "
                "real and 0 means fake. Download the list again."
            )
        testing[folder].add(name)
    return testing


def _people(folder, name):
    """Return the person in the scene, and the person whose face was put in."""
    if folder == "YouTube-real":
        return (f"youtube-{name}",)
    # id0_0000 shows id0; id0_id1_0000 shows the scene of id0 with the face of id1.
    match = re.fullmatch(r"(id\d+)(?:_(id\d+))?_\d+", name)
    return tuple(person for person in match.groups() if person) if match else (name,)
