"""Helpers of the readers of video sets: frames of videos, and groups of people in them."""

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
_GROUP_BY = ("identity", "target", "video")


@dataclass(frozen=True)
class Video:
    """One video, and what its data set says about it."""

    name: str
    folder: Path
    file: Path | None
    target: int
    people: tuple
    split: str = ""
    generator: str = ""

    def frames(self):
        """Return the paths of its frames, in order."""
        if not self.folder.is_dir():
            return []
        names = sorted((path.name for path in self.folder.iterdir()), key=natural_order)
        return [str(self.folder / name) for name in names if is_image(name)]


class VideoFolder:
    """A folder that holds videos, or a folder of frames for each video, or both.

    The videos are in the folder itself or in its folder ``videos``. The folders of frames are in
    its folder `frames`. If `frames` is None, they are in its folder ``frames``, ``images`` or
    ``faces``, or else beside the videos.
    """

    def __init__(self, base, frames=None, *, default="frames"):
        places = [place for place in (base, base / "videos") if place.is_dir()]
        self.files = {
            path.stem: path
            for place in places
            for path in place.iterdir()
            if path.suffix.lower() in _VIDEO_SUFFIXES and not path.name.startswith(".")
        }
        parent = base / frames if frames else _find_frames_folder(base)
        beside = [] if parent else [path for place in places for path in _visible_folders(place)]
        beside = [path for path in beside if any(is_image(file.name) for file in path.iterdir())]
        folders = _visible_folders(parent) if parent else beside
        self.folders = {path.name: path for path in folders}
        # A new folder named `default` would hide folders of frames beside the videos.
        self._extract_to = parent or (beside[0].parent if beside else base / default)

    def names(self):
        """Return the sorted names of the videos on disk, as videos or as frames."""
        return sorted(self.files.keys() | self.folders.keys())

    def paths_of(self, name):
        """Return where the frames of a video are or should be, and the video file or None."""
        return {
            "folder": self.folders.get(name, self._extract_to / name),
            "file": self.files.get(name),
        }


def _find_frames_folder(base):
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
    """Make the Bunch of the frames of all videos of one part; warn about videos without frames."""
    _check_arguments(group_by, frames_per_video)
    groups = _group_videos(videos, group_by, dataset)
    chosen = [
        (video, group)
        for video, group in zip(videos, groups, strict=True)
        if subset in ("all", video.split)
    ]
    faces, missing = [], []
    for video, group in chosen:
        paths = _choose_evenly(video.frames(), frames_per_video)
        if not paths:
            missing.append(video)
        faces += [
            Face(path, video.target, group, video.split, video.generator, video.name)
            for path in paths
        ]
    if not faces:
        _raise_without_frames(missing, dataset, subset)
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


def _check_arguments(group_by, frames_per_video):
    if group_by not in _GROUP_BY:
        raise ValueError(f"group_by={group_by!r}; accepted are {', '.join(map(repr, _GROUP_BY))}.")
    if frames_per_video is not None and (
        not isinstance(frames_per_video, Integral) or frames_per_video < 1
    ):
        raise ValueError(
            f"frames_per_video={frames_per_video!r}; accepted are integers from 1, or None for all."
        )


def _choose_evenly(paths, number):
    """Return at most the given number of paths, evenly spaced; all of them for None."""
    if number is None or len(paths) <= number:
        return paths
    # The middles of equal stretches, because the first and the last frame may show no face.
    return [paths[int((2 * i + 1) * len(paths) / (2 * number))] for i in range(number)]


def _raise_without_frames(missing, dataset, subset):
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
        return f"The videos are missing too: {videos[0].folder} is where its frames should be."
    folder, file = (shlex.quote(str(path)) for path in (video.folder, video.file))
    return (
        "Extract the frames of each video, for example one a second with ffmpeg (and crop them to "
        f"the face): mkdir -p {folder} && ffmpeg -i {file} -vf fps=1 "
        f"{shlex.quote(str(video.folder / '%04d.png'))}"
    )


def _group_videos(videos, group_by, dataset):
    """Return the name of the group of each video."""
    prefix = dataset.lower().replace(" ", "-")
    if group_by == "video":
        return [f"{prefix}:{video.name}" for video in videos]
    if group_by == "target":
        return [f"{prefix}:{video.people[0]}" for video in videos]
    component_of = _connect_people(videos)
    _warn_of_large_group(videos, component_of, dataset)
    name_of = {}
    for person in sorted(component_of):
        name_of.setdefault(component_of[person], person)
    return [f"{prefix}:{name_of[component_of[video.people[0]]]}" for video in videos]


def _connect_people(videos):
    """Number the connected components of people, of whom two in one video are connected."""
    names = sorted({person for video in videos for person in video.people})
    number = {name: position for position, name in enumerate(names)}
    edges = [(number[video.people[0]], number[video.people[-1]]) for video in videos]
    rows, columns = np.array(edges, dtype=np.intp).reshape(-1, 2).T
    graph = coo_array((np.ones(len(edges)), (rows, columns)), shape=(len(names), len(names)))
    _, component = connected_components(graph, directed=False)
    return dict(zip(names, component.tolist(), strict=True))


def _warn_of_large_group(videos, component_of, dataset):
    """Warn if most fakes are in one group, of more than the two people of a single fake."""
    fakes = Counter(component_of[video.people[0]] for video in videos if len(video.people) > 1)
    if not fakes:
        return
    component, n_fakes = fakes.most_common(1)[0]
    n_people = list(component_of.values()).count(component)
    if n_fakes > fakes.total() / 2 and n_people > 2:
        warnings.warn(
            f"Each fake joins two people, and in this way {n_fakes} of {fakes.total()} fake videos "
            f"of {dataset} and {n_people} people become one group: a split by such groups "
            "can't be balanced. Pass group_by='target' to group by the person in the scene (the "
            "other face of a fake may then be on both sides) or group_by='video'.",
            UserWarning,
            stacklevel=5,
        )
