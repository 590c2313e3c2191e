# SPDX-License-Identifier: BSD-3-Clause
"""Helpers of the readers of video sets: frames of videos, and groups of people in them.

Frames are images that were extracted, or are decoded from the video files when X is read.
"""

import shlex
import warnings
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..video import expand_videos
from ._listing import (
    Face,
    IncompleteDatasetWarning,
    as_bunch,
    check_choice,
    is_image,
    natural_order,
    visible_folders,
)

_VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm")
_FRAMES = ("frames", "images", "faces")


class Video(NamedTuple):
    """One video, and what its data set says about it; the file is None if it is missing."""

    name: str
    folder: Path
    file: Path | None
    target: int
    people: tuple
    split: str = ""
    generator: str = ""

    def has_extracted_frames(self):
        return self.folder.is_dir() and any(is_image(path.name) for path in self.folder.iterdir())

    def extracted_frames(self, number):
        """Return the paths of at most this many of its extracted frames, in order."""
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        names = sorted(filter(is_image, names), key=natural_order)
        return _choose_evenly([str(self.folder / name) for name in names], number)

    def frames_of_file(self, number):
        """Return a `VideoFrame` for each of at most this many frames of its file, in order."""
        return [] if self.file is None else expand_videos([self.file], n=number).data.tolist()


def find_videos(base, frames, listed, *, default="frames"):
    """Return the folder of frames and the file (or None) of each video on disk or in a list.

    The videos are in `base` or in its folder ``videos``. The folders of frames are in its folder
    `frames` (if this is None, in ``frames``, ``images`` or ``faces``), or else beside the videos.
    """
    places = [place for place in (base, base / "videos") if place.is_dir()]
    files = {
        path.stem: path
        for place in places
        for path in place.iterdir()
        if path.suffix.lower() in _VIDEO_SUFFIXES and not path.name.startswith(".")
    }
    parent = base / frames if frames else _find_frames_folder(base)
    if parent:
        folders = visible_folders(parent)
    else:
        beside = [folder for place in places for folder in visible_folders(place)]
        folders = [folder for folder in beside if any(is_image(f.name) for f in folder.iterdir())]
        # A new folder named `default` would hide folders of frames beside the videos.
        parent = folders[0].parent if folders else base / default
    folder_of = {folder.name: folder for folder in folders}
    return {
        name: (folder_of.get(name, parent / name), files.get(name))
        for name in sorted({*files, *folder_of, *listed})
    }


def _find_frames_folder(base):
    found = [base / name for name in _FRAMES if (base / name).is_dir()]
    if len(found) > 1:
        raise ValueError(
            f"{' and '.join(map(str, found))} may both hold frames; say which, such as "
            f"frames={found[0].name!r}."
        )
    return found[0] if found else None


def read_videos(videos, description, dataset, *, subset, group_by, frames, frames_per_video):
    """Make the Bunch of the frames of all videos of one part; warn about videos without frames.

    The video files are read if no video of any part has extracted frames, and if the caller named
    no folder of them: extracted frames may be crops of faces, which whole frames must not join.
    """
    check_choice("group_by", group_by, ("identity", "target", "video"))
    if frames_per_video is not None and (
        not isinstance(frames_per_video, Integral) or frames_per_video < 1
    ):
        raise ValueError(
            f"frames_per_video={frames_per_video!r}; accepted are integers from 1, or None for all."
        )
    groups = dict(zip(videos, _group_videos(videos, group_by, dataset), strict=True))
    chosen = [video for video in videos if subset in ("all", video.split)]
    if not chosen:
        raise FileNotFoundError(f"{dataset} holds no videos of subset={subset!r}.")
    if frames is not None or any(video.has_extracted_frames() for video in videos):
        images = [video.extracted_frames(frames_per_video) for video in chosen]
    else:
        images = _read_files(chosen, frames_per_video, dataset)
    faces = [
        Face(image, video.target, groups[video], video.split, video.generator, video.name)
        for video, of_video in zip(chosen, images, strict=True)
        for image in of_video
    ]
    missing = [video for video, of_video in zip(chosen, images, strict=True) if not of_video]
    if not faces:
        raise FileNotFoundError(
            f"None of the {len(chosen)} videos of {dataset} (subset={subset!r}) has extracted "
            f"frames. Looked for images in {missing[0].folder} and the like. {_remedy(missing)}"
        )
    if missing:
        warnings.warn(
            f"{len(missing)} of {len(chosen)} videos of {dataset} have no frames and are left out "
            f"(all are listed in videos_without_frames). The first is {missing[0].name}. "
            f"{_remedy(missing)}",
            IncompleteDatasetWarning,
            stacklevel=3,
        )
    bunch = as_bunch(faces, description)
    bunch.videos_without_frames = [video.name for video in missing]
    return bunch


def _read_files(videos, number, dataset):
    """Return the frames of the file of each video, none if there is no file."""
    try:
        return [video.frames_of_file(number) for video in videos]
    except ImportError as error:
        raise ImportError(
            f"{dataset} has videos but no extracted frames, and reading videos needs PyAV. Install "
            "it with: pip install 'skfakespot[video]'. Or do without it. "
            f"{_how_to_extract(videos)}"
        ) from error


def _choose_evenly(paths, number):
    """Return at most the given number of paths, evenly spaced; all of them for None."""
    if number is None or len(paths) <= number:
        return paths
    # The middles of equal stretches, because the first and the last frame may show no face.
    return [paths[int((2 * i + 1) * len(paths) / (2 * number))] for i in range(number)]


def _remedy(videos):
    """Say how to get the frames of some videos that have none."""
    if all(video.file is None for video in videos):
        return f"The videos are missing too: {videos[0].folder} is where its frames should be."
    return (
        "The video files are only read if no frames of the data set are extracted, and with "
        f"frames=None. {_how_to_extract(videos)}"
    )


def _how_to_extract(videos):
    video = next(video for video in videos if video.file is not None)
    folder, file = (shlex.quote(str(path)) for path in (video.folder, video.file))
    return (
        "Extract the frames of each video, for example one a second with ffmpeg (and crop them to "
        f"the face): mkdir -p {folder} && ffmpeg -i {file} -vf fps=1 "
        f"{shlex.quote(str(video.folder / '%04d.png'))}"
    )


def _group_videos(videos, group_by, dataset):
    """Return the name of the group of each video."""
    if group_by == "video":
        names = [video.name for video in videos]
    elif group_by == "target":
        names = [video.people[0] for video in videos]
    else:
        names = _first_of_connected_people(videos, dataset)
    return [f"{dataset.lower()}:{name}" for name in names]


def _first_of_connected_people(videos, dataset):
    """Return for each video the first of all people whom a chain of fakes connects.

    It warns if most fakes are in one group, of more than the two people of a single fake.
    """
    pairs = [(video.people[0], video.people[-1]) for video in videos]
    people, pairs = np.unique(pairs, return_inverse=True)
    pairs = pairs.reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(people), len(people)))
    _, component = connected_components(graph, directed=False)
    component_of_video = component[pairs[:, 0]]
    n_fakes = np.bincount(component_of_video[[len(video.people) > 1 for video in videos]])
    if 2 * n_fakes.max(initial=0) > n_fakes.sum():
        n_people = np.count_nonzero(component == n_fakes.argmax())
        if n_people > 2:
            warnings.warn(
                f"Each fake joins two people, and in this way {n_fakes.max()} of {n_fakes.sum()} "
                f"fake videos of {dataset} and {n_people} people become one group: a split by such "
                "groups can't be balanced. Pass group_by='target' to group by the person in the "
                "scene (the other face of a fake may then be on both sides) or group_by='video'.",
                UserWarning,
                stacklevel=5,
            )
    # The people are sorted, so the first row of a component is the first of its people.
    _, first = np.unique(component, return_index=True)
    return people[first[component_of_video]]
