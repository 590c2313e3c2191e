"""What the readers of video sets share: frames of videos, and groups of the people in them."""

import shlex
import warnings
from collections import Counter
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ._listing import Face, IncompleteDatasetWarning, as_bunch, is_image, natural_order

_VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm")
_FRAMES = ("frames", "images", "faces")
GROUP_BY = ("identity", "target", "video")


@dataclass(frozen=True)
class Video:
    """One video, and what its data set says of it."""

    name: str
    folder: Path
    file: Path | None
    target: int
    people: tuple
    split: str = ""
    generator: str = ""

    def frames(self):
        """Paths of its frames, in order."""
        if not self.folder.is_dir():
            return []
        names = sorted((path.name for path in self.folder.iterdir()), key=natural_order)
        return [str(self.folder / name) for name in names if is_image(name)]


class VideoFolder:
    """A folder with videos, or with a folder of frames for each, or with both.

    The videos are in it or in its folder ``videos``. The folders of frames are in its folder
    `frames`; where that is None in the one there is of ``frames``, ``images`` and ``faces``, or
    else beside the videos.
    """

    def __init__(self, base, frames=None, *, default="frames"):
        places = [place for place in (base, base / "videos") if place.is_dir()]
        self.files = {
            path.stem: path
            for place in places
            for path in place.iterdir()
            if path.suffix.lower() in _VIDEO_SUFFIXES and not path.name.startswith(".")
        }
        own = base / frames if frames else _frames_folder(base)
        beside = [] if own else [path for place in places for path in _visible_folders(place)]
        beside = [path for path in beside if any(is_image(file.name) for file in path.iterdir())]
        self.folders = {path.name: path for path in (_visible_folders(own) if own else beside)}
        # One more folder of frames must not hide those that are there.
        self._extract_to = own or (beside[0].parent if beside else base / default)

    def names(self):
        """Names of the videos that are there, sorted."""
        return sorted(self.files.keys() | self.folders.keys())

    def place(self, name):
        """Folder where the frames of a video are, or should be, and its file if that is there."""
        return {
            "folder": self.folders.get(name, self._extract_to / name),
            "file": self.files.get(name),
        }


def _frames_folder(base):
    found = [base / name for name in _FRAMES if (base / name).is_dir()]
    if len(found) > 1:
        raise ValueError(
            f"{' and '.join(map(str, found))} may both hold frames; say which, such as "
            f"frames={found[0].name!r}."
        )
    return found[0] if found else None


def _visible_folders(place):
    if not place.is_dir():
        return []
    return [path for path in place.iterdir() if path.is_dir() and not path.name.startswith(".")]


def read_videos(videos, description, *, dataset, subset, group_by, frames_per_video):
    """Make the Bunch of the frames of the videos of one part."""
    if group_by not in GROUP_BY:
        raise ValueError(f"group_by={group_by!r}; accepted are {', '.join(map(repr, GROUP_BY))}.")
    if frames_per_video is not None and (
        not isinstance(frames_per_video, Integral) or frames_per_video < 1
    ):
        raise ValueError(
            f"frames_per_video={frames_per_video!r}; accepted are integers from 1, or None for all."
        )
    groups = _groups(videos, group_by, dataset)
    chosen = [
        (video, group)
        for video, group in zip(videos, groups, strict=True)
        if subset in ("all", video.split)
    ]
    faces, missing = [], []
    for video, group in chosen:
        paths = _evenly(video.frames(), frames_per_video)
        if not paths:
            missing.append(video)
        faces += [
            Face(path, video.target, group, video.split, video.generator, video.name)
            for path in paths
        ]
    if not faces:
        _refuse(missing, dataset, subset)
    if missing:
        warnings.warn(
            f"{len(missing)} of {len(chosen)} videos of {dataset} have no frames and are left out "
            f"(all are listed in videos_without_frames). The first is {missing[0].name}. "
            f"{_how_to_extract(missing)}",
            IncompleteDatasetWarning,
            stacklevel=3,
        )
    bunch = as_bunch(faces, description)
    bunch.videos_without_frames = [video.name for video in missing]
    return bunch


def _evenly(paths, number):
    """At most so many of them, evenly spaced."""
    if number is None or len(paths) <= number:
        return paths
    # The middles of as many equal stretches: no video begins or ends with a face for certain.
    return [paths[int((2 * i + 1) * len(paths) / (2 * number))] for i in range(number)]


def _refuse(missing, dataset, subset):
    if not missing:
        raise FileNotFoundError(f"{dataset} holds no videos of subset={subset!r}.")
    video = missing[0]
    raise FileNotFoundError(
        f"None of the {len(missing)} videos of {dataset} (subset={subset!r}) has extracted frames. "
        f"Looked for images in {video.folder} and the like. {_how_to_extract(missing)}"
    )


def _how_to_extract(videos):
    video = next((video for video in videos if video.file is not None), None)
    if video is None:
        return f"Neither are the videos there: {videos[0].folder} is where its frames should be."
    folder, file = (shlex.quote(str(path)) for path in (video.folder, video.file))
    return (
        "Extract the frames of each video, one a second, say, with ffmpeg (and crop them to the "
        f"face): mkdir -p {folder} && ffmpeg -i {file} -vf fps=1 "
        f"{shlex.quote(str(video.folder / '%04d.png'))}"
    )


def _groups(videos, group_by, dataset):
    """Group of each video; people whom a fake joins are in one."""
    prefix = dataset.lower().replace(" ", "-")
    if group_by == "video":
        return [f"{prefix}:{video.name}" for video in videos]
    if group_by == "target":
        return [f"{prefix}:{video.people[0]}" for video in videos]
    names, number = np.unique(
        [person for video in videos for person in video.people], return_inverse=True
    )
    people = iter(number)
    numbered = [[next(people) for _ in video.people] for video in videos]
    edges = np.array([(some[0], some[-1]) for some in numbered])
    size = len(names)
    graph = coo_array((np.ones(len(edges)), edges.T), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    members = Counter(component.tolist())
    # The first in order gives the group its name.
    name_of = dict(reversed([*zip(component, names, strict=True)]))
    labels = [component[some[0]] for some in numbered]
    _warn_of_one_group(videos, labels, members, dataset)
    return [f"{prefix}:{name_of[label]}" for label in labels]


def _warn_of_one_group(videos, labels, members, dataset):
    fakes = Counter(
        label for video, label in zip(videos, labels, strict=True) if len(video.people) > 1
    )
    if not fakes:
        return
    label, n_fakes = fakes.most_common(1)[0]
    if n_fakes > fakes.total() / 2 and members[label] > 2:
        warnings.warn(
            f"Each fake joins two people, and in this way {n_fakes} of {fakes.total()} fake videos "
            f"of {dataset} and {members[label]} people become one group: a split by such groups "
            "can't be balanced. Pass group_by='target' to group by the person in the scene (the "
            "other face of a fake may then be on both sides) or group_by='video'.",
            UserWarning,
            stacklevel=4,
        )
