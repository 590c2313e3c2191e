# SPDX-License-Identifier: BSD-3-Clause
"""The reader of FaceForensics++."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from ._listing import (
    FAKE,
    REAL,
    assign_part,
    check_choice,
    check_root,
    check_subset,
    find,
    read_json,
)
from ._videos import Video, find_videos, read_videos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.utils import Bunch

    from .._typing import FilePath, GroupBy, Subset

_ACTORS = "DeepFakeDetection"
_METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter", _ACTORS)
_FILE_OF_PART = {"train": "train.json", "validation": "val.json", "test": "test.json"}
_LISTS = "https://github.com/ondyari/FaceForensics/tree/master/dataset/splits"
_DESCRIPTION = """FaceForensics++ ({compression}): frames of videos, and of manipulations of them.

The parts are the official ones: 720, 140 and 140 of the 1,000 videos. DeepFakeDetection, videos of
actors, is in none of them. For research only, see the set's terms of use.

Rössler, A., Cozzolino, D., Verdoliva, L., Riess, C., Thies, J. and Nießner, M. (2019).
FaceForensics++: learning to detect manipulated facial images. ICCV."""


def load_faceforensics(
    root: FilePath,
    *,
    subset: Subset = "all",
    compression: Literal["c23", "c40", "c0", "raw"] = "c23",
    methods: Sequence[str] | None = None,
    group_by: GroupBy = "identity",
    frames: str | None = None,
    frames_per_video: int | None = None,
) -> Bunch:
    """List the frames of the videos of FaceForensics++.

    The frames of ``manipulated_sequences/Deepfakes/c23/videos/000_003.mp4`` are images in
    ``manipulated_sequences/Deepfakes/c23/images/000_003`` (where the set's own script puts them),
    or in ``frames`` or ``faces`` instead of ``images``; those of the real videos are under
    ``original_sequences/youtube`` in the same way, and under ``original_sequences/actors`` for
    DeepFakeDetection. The official parts are read from ``train.json``, ``val.json`` and
    ``test.json``, in `root` or in its folder ``splits``. The reader downloads and extracts nothing.

    If no frames are extracted, the frames are those of the video files, which need PyAV. Their
    times are read from the files, and they are decoded when an estimator reads them. A video that
    cannot be read becomes one frame that cannot be read, with which an estimator does what its
    ``on_error`` says. If some videos have extracted frames, no video file is read, because
    extracted frames are often crops of faces, and those of the files are whole pictures.

    .. versionadded:: 0.1

    Parameters
    ----------
    root : str or path-like
        The folder that holds ``original_sequences`` and ``manipulated_sequences``.
    subset : {"all", "train", "validation", "test"}, default="all"
        The part to read.
    compression : {"c23", "c40", "c0", "raw"}, default="c23"
        The version to read.
    methods : list of str, default=None
        The manipulations to read, of ``"Deepfakes"``, ``"Face2Face"``, ``"FaceSwap"``,
        ``"NeuralTextures"``, ``"FaceShifter"`` and ``"DeepFakeDetection"``; None for those of
        which there is a folder of this compression.
    group_by : {"identity", "target", "video"}, default="identity"
        The groups of the images. A fake ``000_003`` is the scene of video 000 with the face (or
        the expression) of video 003:

        - ``"identity"``: videos that are in one fake, or linked by a chain of fakes, are one
          group;
        - ``"target"``: the scene, 000. The face of 003 may be on both sides;
        - ``"video"``: each video is a group of its own.
    frames : str, default=None
        Name of the folder that holds the folders of frames; None to look for ``"frames"``,
        ``"images"`` and ``"faces"``, and to take the video files if no frames are extracted.
    frames_per_video : int, default=None
        Largest number of frames to take from a video, evenly spaced, at least 1; None for all,
        which are hundreds if a video file is read.

    Returns
    -------
    faces : sklearn.utils.Bunch
        See `load_face_folders`; ``data`` are the frames, the real ones first, as paths of images
        or, of video files, as `skfakespot.video.VideoFrame`, ``split`` is empty
        without the lists of the parts, and for DeepFakeDetection, and ``generator`` is the
        manipulation, empty for the real frames. There are also:

        ``video`` : ndarray of shape (n_images,), str
            The video's folder and name, for scores of videos.
        ``videos_without_frames`` : list of str
            Names of the videos of this part that were left out, because they have no extracted
            frames, or no file if the video files are read.

    Raises
    ------
    FileNotFoundError
        If `root` lacks the folders, or the lists that `subset` needs, or if there are no frames
        (the message then says how to extract them).
    NotADirectoryError
        If `root` is not a folder.
    ImportError
        If video files are to be read and PyAV is not installed.
    ValueError
        If an argument is not accepted, a video is in two parts, or there are several folders of
        frames.

    Warns
    -----
    IncompleteDatasetWarning
        If some videos on disk or in the lists have neither frames nor a file that is read.
    UserWarning
        If ``group_by="identity"`` puts most fakes into one group.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skfakespot.datasets import load_faceforensics
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for video in (
    ...         "original_sequences/youtube/c23/images/000",
    ...         "manipulated_sequences/Deepfakes/c23/images/000_003",
    ...     ):
    ...         frame = pathlib.Path(root, video, "0000.png")
    ...         frame.parent.mkdir(parents=True)
    ...         frame.touch()
    ...     faces = load_faceforensics(root)
    >>> faces.generator.tolist(), faces.groups.tolist()
    (['', 'Deepfakes'], ['faceforensics++:000', 'faceforensics++:000'])
    """
    root = check_root(root)
    check_subset(subset, "FaceForensics++")
    check_choice("compression", compression, ("raw", "c0", "c23", "c40"))
    part_of_pair = _read_parts(root, required=subset != "all")
    videos = [
        video
        for method, folder in _find_sequences(root, methods, compression)
        for video in _list_videos(root, folder, method, part_of_pair, frames)
    ]
    description = _DESCRIPTION.format(compression=compression)
    return read_videos(
        videos,
        description,
        "FaceForensics++",
        subset=subset,
        group_by=group_by,
        frames=frames,
        frames_per_video=frames_per_video,
    )


def _find_sequences(root, methods, compression):
    """List the method (empty for real videos) and the folder of each sequence to read."""
    originals = find(root, ("original_sequences",), "folder of FaceForensics++")
    manipulated = find(root, ("manipulated_sequences",), "folder of FaceForensics++")
    if methods is None:
        methods = [method for method in _METHODS if (manipulated / method / compression).is_dir()]
        if not methods:
            raise FileNotFoundError(
                f"{manipulated} has no manipulations with compression={compression!r}. Looked for "
                f"{manipulated / _METHODS[0] / compression} and the like."
            )
    elif isinstance(methods, str) or not set(methods) <= set(_METHODS):
        raise ValueError(
            f"methods={methods!r}; accepted is a list of {', '.join(map(repr, _METHODS))}."
        )
    fakes = [
        (method, find(manipulated, (f"{method}/{compression}",), "such manipulation"))
        for method in methods
    ]
    sequences = []
    if set(methods) - {_ACTORS}:
        sequences.append(("", find(originals, (f"youtube/{compression}",), "real videos")))
    if _ACTORS in methods:
        sequences.append(("", find(originals, (f"actors/{compression}",), "videos of actors")))
    return sequences + fakes


def _read_parts(root, *, required):
    """Return the part of each pair of swapped videos; empty if a list is missing."""
    part_of_video, part_of_pair = {}, {}
    remedy = f"Download the lists from {_LISTS}."
    for part, name in _FILE_OF_PART.items():
        places = (name, f"splits/{name}")
        file = find(root, places, f"{name} (get it from {_LISTS})", required=required)
        if file is None:
            return {}
        for pair in read_json(file, list):
            if not (isinstance(pair, list) and [type(video) for video in pair] == [str, str]):
                raise ValueError(f"{file}: {pair!r} is not a pair of videos. {remedy}")
            part_of_pair[tuple(pair)] = part
            for video in pair:
                assign_part(part_of_video, video, part, f"{file}: the video {video} is", remedy)
    return part_of_pair


def _list_videos(root, folder, method, part_of_pair, frames):
    """Yield the videos of one sequence, on disk or in the lists."""
    sequence = folder.parent.relative_to(root).as_posix()
    part_of = {}
    # The videos of actors are in none of the parts.
    if folder.parent.name not in (_ACTORS, "actors"):
        for (first, second), part in part_of_pair.items():
            names = (f"{first}_{second}", f"{second}_{first}") if method else (first, second)
            part_of |= dict.fromkeys(names, part)
    for name, place in find_videos(folder, frames, part_of, default="images").items():
        yield Video(
            f"{sequence}/{name}",
            *place,
            FAKE if method else REAL,
            people=_people(name),
            split=part_of.get(name, ""),
            generator=method,
        )


def _people(name):
    """Return the actors of a video of DeepFakeDetection, or the videos that a fake combines."""
    # 01__kitchen_pan shows actor 01; 01_02__kitchen_pan__YVGY8LOK shows 01 with the face of 02.
    match = re.match(r"(\d+)(?:_(\d+))?__", name)
    if not match:
        return tuple(name.split("_"))
    return tuple(f"actor-{actor}" for actor in match.groups() if actor)
