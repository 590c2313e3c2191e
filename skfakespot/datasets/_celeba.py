# SPDX-License-Identifier: BSD-3-Clause
"""The reader of CelebA."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from .._regular_files import read_csv_rows, read_text_file
from ._listing import (
    REAL,
    Face,
    IncompleteDatasetWarning,
    as_bunch,
    assign_part,
    check_root,
    check_subset,
    find,
    is_image,
)

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from .._typing import FilePath, Subset

_IMAGES = (
    "img_align_celeba/img_align_celeba",
    "Img/img_align_celeba",
    "img_align_celeba",
    "Img/img_align_celeba_png",
    "img_align_celeba_png",
)
_PARTITION = tuple(
    f"{folder}list_eval_partition.{suffix}" for suffix in ("txt", "csv") for folder in ("", "Eval/")
)
_IDENTITY = ("identity_CelebA.txt", "Anno/identity_CelebA.txt")
_PARTS = {"0": "train", "1": "validation", "2": "test"}
_DESCRIPTION = """CelebA: faces of celebrities, aligned and cropped to 178 x 218 pixels; all real.

The three parts are those of list_eval_partition.txt, the groups those of identity_CelebA.txt.
For non-commercial research only.

Liu, Z., Luo, P., Wang, X. and Tang, X. (2015). Deep learning face attributes in the wild. ICCV."""


def load_celeba(root: FilePath, *, subset: Subset = "all") -> Bunch:
    r"""List the images of CelebA, all of them real.

    It reads the names of the images in ``img_align_celeba`` (in `root` or in ``Img``, JPEG or
    PNG), and the lists ``list_eval_partition.txt`` (in `root` or in ``Eval``, or Kaggle's
    ``.csv``) and ``identity_CelebA.txt`` (in `root` or in ``Anno``). It downloads and decodes
    nothing.

    .. versionadded:: 0.1

    Parameters
    ----------
    root : str or path-like
        The folder of the data set.
    subset : {"all", "train", "validation", "test"}, default="all"
        The part to read.

    Returns
    -------
    faces : sklearn.utils.Bunch
        See `load_face_folders`; ``target`` is 0 and ``generator`` empty everywhere, ``groups`` are
        ``"celeba:"`` and the person's number, and ``split`` is empty without the list of the parts.

    Raises
    ------
    FileNotFoundError
        If `root` has no images, or no list of the parts although `subset` needs it.
    NotADirectoryError
        If `root` is not a folder.
    ValueError
        If a line of a list cannot be read, or an image is in two parts.

    Warns
    -----
    IncompleteDatasetWarning
        If images of the list of the parts are missing, images are not in this list, or there is
        no list of identities.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skfakespot.datasets import load_celeba
    >>> with tempfile.TemporaryDirectory() as root:
    ...     root = pathlib.Path(root)
    ...     (root / "img_align_celeba").mkdir()
    ...     for number in (1, 2):
    ...         (root / "img_align_celeba" / f"00000{number}.jpg").touch()
    ...     _ = (root / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 2\n")
    ...     _ = (root / "identity_CelebA.txt").write_text("000001.jpg 2880\n000002.jpg 2937\n")
    ...     faces = load_celeba(root, subset="test")
    >>> faces.groups
    array(['celeba:2937'], dtype='<U11')
    """
    root = check_root(root)
    check_subset(subset, "CelebA")
    folder = find(root, _IMAGES, "CelebA images")
    paths = sorted(path for path in folder.iterdir() if is_image(path.name))
    if not paths:
        raise FileNotFoundError(f"{folder} holds no images.")
    what = f"list of the parts, which subset={subset!r} needs"
    partition_file = find(root, _PARTITION, what, required=subset != "all")
    parts = {}
    if partition_file:
        parts = _read_partition(partition_file)
        # The PNG version is listed by the names of the JPEG files, so only the stems are compared.
        _warn_of_differences({path.stem for path in paths}, parts.keys(), folder, partition_file)
        paths = [path for path in paths if path.stem in parts]
    identities = _read_identities(root)
    faces = [
        Face(
            str(path),
            REAL,
            group=f"celeba:{identities.get(path.stem, path.name)}",
            split=parts.get(path.stem, ""),
        )
        for path in paths
    ]
    return as_bunch(faces, _DESCRIPTION, subset=subset)


def _read_pairs(file):
    """Yield the place in the list, the image's stem and its value from each line but a header."""
    if file.suffix == ".csv":
        rows = read_csv_rows(file)
    else:
        rows = map(str.split, read_text_file(file, kind="a list").splitlines())
    for number, row in enumerate(rows, start=1):
        if not row or (number == 1 and row[0] == "image_id"):
            continue
        if len(row) != 2:
            raise ValueError(f"{file}, line {number}: {row} is not an image and a number.")
        yield f"{file}, line {number}", row[0].rsplit(".", 1)[0], row[1]


def _read_partition(file):
    parts = {}
    for place, stem, code in _read_pairs(file):
        if code not in _PARTS:
            raise ValueError(f"{place}: the part {code!r} is not 0, 1 or 2.")
        assign_part(parts, stem, _PARTS[code], f"{place}: {stem} is")
    return parts


def _warn_of_differences(on_disk, listed, folder, file):
    for stems, problem in (
        (listed - on_disk, f"of {file} are not in {folder}"),
        (on_disk - listed, f"in {folder} are not in {file}"),
    ):
        if stems:
            warnings.warn(
                f"{len(stems)} images {problem}; they are left out. The first is {min(stems)}.",
                IncompleteDatasetWarning,
                stacklevel=3,
            )


def _read_identities(root):
    file = find(root, _IDENTITY, "list of identities", required=False)
    if file is None:
        warnings.warn(
            f"{root} has no list of identities (looked for {' and '.join(_IDENTITY)}), so each "
            "image is a group of its own, and a split may have a person on both sides. Get "
            "identity_CelebA.txt from the authors of CelebA.",
            IncompleteDatasetWarning,
            stacklevel=3,
        )
        return {}
    return {stem: identity for _, stem, identity in _read_pairs(file)}
