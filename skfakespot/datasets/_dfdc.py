# SPDX-License-Identifier: BSD-3-Clause
"""The reader of the DeepFake Detection Challenge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .._regular_files import read_csv_rows
from ._listing import FAKE, REAL, assign_part, check_root, check_subset, read_json
from ._videos import Video, find_videos, read_videos

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from .._typing import FilePath, GroupBy, Subset

_METADATA = "metadata.json"
_LABELS = "labels.csv"
_LABEL = {"REAL": REAL, "FAKE": FAKE, "0": REAL, "1": FAKE}
_LABELLED_FOLDERS = {"validation": ("validation",), "test": ("test", "test_videos")}
_SPLITS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
_DESCRIPTION = """DeepFake Detection Challenge (DFDC): frames of videos of actors and of face swaps.

Some fakes have another voice and an unchanged face. The groups are the original videos with their
fakes; the set does not record who the actors are, so one may be on both sides of a split. See the
terms of the challenge.

Dolhansky, B. et al. (2020). The DeepFake Detection Challenge (DFDC) dataset. arXiv:2006.07397."""


def load_dfdc(
    root: FilePath,
    *,
    subset: Subset = "all",
    group_by: GroupBy = "identity",
    frames: str | None = None,
    frames_per_video: int | None = None,
) -> Bunch:
    """List the frames of the videos of the DeepFake Detection Challenge.

    `root` is one part (a folder with ``metadata.json``, such as ``dfdc_train_part_0`` or
    ``train_sample_videos``), or a folder that holds parts, directly or in its folder ``train``.
    The folders ``validation`` and ``test`` of the full set, with ``labels.csv``, are read too. The
    frames of ``dfdc_train_part_0/abc.mp4`` are images in ``dfdc_train_part_0/frames/abc``, in
    ``images`` or ``faces`` instead of ``frames``, or in ``dfdc_train_part_0/abc``. If no frames are
    extracted, it takes those of the video files, by PyAV; see `load_faceforensics`. It downloads
    and extracts nothing.

    .. versionadded:: 0.1

    Parameters
    ----------
    root : str or path-like
        The folder of the data set.
    subset : {"all", "train", "validation", "test"}, default="all"
        The part to read: the split in ``metadata.json`` ("train" in all files from Kaggle), or
        the folders ``validation`` and ``test``.
    group_by : {"identity", "target", "video"}, default="identity"
        The groups of the images: with ``"identity"`` and ``"target"`` an original video and the
        fakes made from it, with ``"video"`` each video by itself.
    frames, frames_per_video : default=None
        See `load_faceforensics`.

    Returns
    -------
    faces : sklearn.utils.Bunch
        See `load_faceforensics`; but ``split`` is never empty, and ``generator`` is ``"DFDC"`` for
        the fakes, because the set does not record the method. Fakes of the voice alone are fake
        too.

    Raises
    ------
    FileNotFoundError
        If there is neither ``metadata.json`` nor ``labels.csv``, or if there are no frames of
        `subset` (the message then says how to extract them).
    NotADirectoryError
        If `root` is not a folder.
    ImportError
        See `load_faceforensics`.
    ValueError
        If an argument is not accepted, an entry has no known label or split, a video is in two
        folders, an original has fakes in another part, or there are several folders of frames.

    Warns
    -----
    IncompleteDatasetWarning
        If some videos of the lists have neither frames nor a file that is read.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> from skfakespot.datasets import load_dfdc
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("real", "fake"):
    ...         frame = pathlib.Path(root, "frames", name, "0001.png")
    ...         frame.parent.mkdir(parents=True)
    ...         frame.touch()
    ...     metadata = {
    ...         "real.mp4": {"label": "REAL", "split": "train"},
    ...         "fake.mp4": {"label": "FAKE", "split": "train", "original": "real.mp4"},
    ...     }
    ...     _ = pathlib.Path(root, "metadata.json").write_text(json.dumps(metadata))
    ...     faces = load_dfdc(root)
    >>> faces.target, faces.groups.tolist()
    (array([0, 1]), ['dfdc:real', 'dfdc:real'])
    """
    root = check_root(root)
    check_subset(subset, "DFDC")
    entries = [*_read_metadata(root), *_read_labels(root)]
    if not entries:
        raise FileNotFoundError(
            f"{root} is not of DFDC. Looked for {_METADATA} in it, in its folders and in those of "
            f"its folder train, and for {_LABELS} in its folders validation and test."
        )
    _check_overlap(entries)
    listed = {}
    for folder, name, *_ in entries:
        listed.setdefault(folder, []).append(name)
    places = {folder: find_videos(folder, frames, names) for folder, names in listed.items()}
    videos = [
        Video(
            f"{folder.name}/{name}",
            extracted,
            file,
            target,
            people=(original,),
            split=split,
            generator="DFDC" if target == FAKE else "",
        )
        for folder, name, original, target, split in sorted(entries)
        for extracted, file in [places[folder][name]]
    ]
    return read_videos(
        videos,
        _DESCRIPTION,
        "DFDC",
        subset=subset,
        group_by=group_by,
        frames=frames,
        frames_per_video=frames_per_video,
    )


def _read_metadata(root):
    """Yield folder, name, original, target and split of each video of all files metadata.json."""
    files = [root / _METADATA, *root.glob(f"*/{_METADATA}"), *root.glob(f"train/*/{_METADATA}")]
    for file in sorted(file for file in set(files) if file.is_file()):
        for video, entry in read_json(file, dict).items():
            entry = entry if isinstance(entry, dict) else {}
            label, split = (str(entry.get(key)) for key in ("label", "split"))
            if label not in _LABEL or split not in _SPLITS:
                raise ValueError(
                    f"{file}: {video} has the label {label!r} and the split {split!r}; known are "
                    "the labels REAL and FAKE and the splits train, val, validation and test."
                )
            name = Path(video).stem
            original = Path(str(entry.get("original") or name)).stem
            yield file.parent, name, original, _LABEL[label], _SPLITS[split]


def _read_labels(root):
    """Yield the same from the files labels.csv, in which a fake does not name its original."""
    for split, names in _LABELLED_FOLDERS.items():
        for file in (root / name / _LABELS for name in names):
            if not file.is_file():
                continue
            header, *rows = read_csv_rows(file) or [[]]
            for row in (dict(zip(header, row, strict=False)) for row in rows if row):
                label = _LABEL.get(row.get("label"))
                if not row.get("filename") or label is None:
                    raise ValueError(
                        f"{file}: {row} does not have a filename and a label of 0 (real) or 1 "
                        "(fake)."
                    )
                name = Path(row["filename"]).stem
                yield file.parent, name, name, label, split


def _check_overlap(entries):
    """Raise ValueError if a video is in two folders, or an original and its fakes in two parts."""
    folder_of, part_of = {}, {}
    for folder, name, original, _, split in entries:
        if folder_of.setdefault(name, folder) != folder:
            raise ValueError(
                f"The video {name} is in {folder_of[name]} and in {folder}. Give a root with one "
                "of them."
            )
        assign_part(part_of, original, split, f"The video {original} and its fakes are")
