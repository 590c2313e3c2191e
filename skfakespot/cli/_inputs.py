# SPDX-License-Identifier: BSD-3-Clause
"""What the commands read: folders of faces, groups, files, patterns and lists of files."""

import os
import sys
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from .._paths import is_pattern
from .._regular_files import read_csv_rows
from ..images import VIDEO_SUFFIXES, find_unreadable, is_video

_N_NAMED = 20
_BYTES_AT_ONCE = 2**16


def load_faces(options):
    """Return the readable faces of the two folders, and what JSON says of the others.

    If some cannot be read, they are named on stderr with ``--on-error skip``, and otherwise in the
    ValueError.
    """
    from ..datasets import load_face_folders

    faces = load_face_folders(real=options.real, fake=options.fake)
    faces, skipped = _only_readable(faces, options)
    return faces, {"skipped": skipped} if options.on_error == "skip" else {}


def load_further_faces(folders, faces, options):
    """Return the readable faces of further folders, by folder; none may be among the first faces.

    All images of a folder are fakes, unless it holds folders of real and of fake faces.
    """
    from ..datasets import list_images, load_face_folders

    first = {Path(path).resolve() for path in faces.data}
    further = {}
    for folder in folders:
        try:
            own = load_face_folders(folder)
        except NotADirectoryError:
            paths = list_images(folder)
            own = Bunch(data=np.array(paths, dtype=object), target=np.ones(len(paths), dtype=int))
        in_both = first.intersection(Path(path).resolve() for path in own.data)
        if in_both:
            raise ValueError(
                f"{folder} holds {len(in_both)} of the faces that are trained on, such as "
                f"{min(in_both)}; give folders of other faces."
            )
        further[str(folder)], _ = _only_readable(own, options)
    return further


def _only_readable(faces, options):
    """Return the faces that can be read, and path and error of the others."""
    unreadable = find_unreadable(faces.data, verbose=int(sys.stderr.isatty()))
    skipped = [{"path": faces.data[row], "error": reason} for row, reason in unreadable]
    if skipped:
        problem = f"{len(skipped)} of {len(faces.data)} images cannot be read"
        lines = "".join(f"\n  {each['path']}: {each['error']}" for each in skipped[:_N_NAMED])
        if len(skipped) > _N_NAMED:
            lines += f"\n  ... and {len(skipped) - _N_NAMED} more"
        if options.on_error == "raise":
            raise ValueError(f"{problem}:{lines}\nReplace them, or give --on-error skip.")
        print(f"skfakespot: {problem}, and are left out:{lines}", file=sys.stderr)
        faces = _without(faces, [row for row, _ in unreadable])
    return faces, skipped


def _without(faces, rows):
    kept = {
        name: np.delete(value, rows) if isinstance(value, np.ndarray) else value
        for name, value in faces.items()
    }
    if len(np.unique(kept["target"])) < len(np.unique(faces.target)):
        raise ValueError("No image of one of the two folders can be read.")
    return Bunch(**kept)


def read_groups(file, paths):
    """Read the group of each path from a CSV file of lines PATH,GROUP; None without a file."""
    if file is None:
        return None
    group_of = {}
    for number, line in enumerate(read_csv_rows(file), start=1):
        if len(line) != 2:
            raise ValueError(f"{file}, line {number}: {line} is not PATH,GROUP.")
        group_of[(file.parent / line[0]).resolve()] = line[1]
    groups = [group_of.get(Path(path).resolve()) for path in paths]
    missing = [path for path, group in zip(paths, groups, strict=True) if group is None]
    if missing:
        raise ValueError(
            f"{file} gives no group for {len(missing)} of {len(paths)} images, the first of them "
            f"{missing[0]}. Relative paths start at {file.parent.resolve()}."
        )
    return np.array(groups)


def list_arguments(arguments, *, null, videos=True):
    """Return the paths that arguments stand for, and whether videos are among them.

    Without `videos`, those in folders and patterns are left out.

    The paths are a list, or an iterator if an argument is "-": a list of paths on stdin, which end
    with a null byte if `null`, and else with a line end. It may hold other videos.
    """
    # A wrong folder is an error before any image is scored.
    lists = [None if argument == "-" else _expand(argument, videos) for argument in arguments]
    has_videos = any(_has_video(paths) for paths in lists if paths is not None)
    if None not in lists:
        return [path for paths in lists for path in paths], has_videos
    paths = (path for paths in lists for path in (_read_list(null) if paths is None else paths))
    return paths, has_videos


def _expand(argument, videos):
    # pathlib raises an error if a name is too long.
    if not is_pattern(argument) and not os.path.isdir(argument):  # noqa: PTH112
        return [argument]
    from ..datasets import list_images

    return list_images(argument, videos=videos)


def _has_video(paths):
    """Whether videos are among the files of one argument."""
    # The files of a folder were listed by the ends of their names, and need not be opened.
    if len(paths) > 1:
        return any(path.lower().endswith(VIDEO_SUFFIXES) for path in paths)
    return is_video(paths[0])


def _read_list(null):
    """Yield the paths of the list on stdin as they arrive."""
    rest = b""
    while block := sys.stdin.buffer.read1(_BYTES_AT_ONCE):
        *names, rest = (rest + block).split(b"\0" if null else b"\n")
        yield from _decode(names, null)
    yield from _decode([rest], null)


def _decode(names, null):
    return [os.fsdecode(name if null else name.rstrip(b"\r")) for name in names if name.strip()]
