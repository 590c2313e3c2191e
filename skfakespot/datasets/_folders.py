# SPDX-License-Identifier: BSD-3-Clause
"""The reader of folders of real and of fake faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ._listing import (
    FAKE,
    REAL,
    Face,
    as_bunch,
    check_root,
    check_subset,
    list_images,
    visible_folders,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.utils import Bunch

    from .._typing import FilePath, Subset

_PART_NAMES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
_DESCRIPTION = "Real and fake faces in folders of their own, read from {where}."


def load_face_folders(
    root: FilePath | None = None,
    *,
    real: FilePath | None = None,
    fake: FilePath | None = None,
    subset: Subset = "all",
    groups: Literal["file", "folder", "name"] | Callable[[str], Any] = "file",
) -> Bunch:
    """List the images of folders of real and of fake faces.

    The folders ``real`` and ``fake``, or ``0_real`` and ``1_fake``, are looked for in `root`, then
    in its folders ``train``, ``val`` and ``test``. In each of these places they may also be in
    folders of generators, or of generators and categories, as in CNNDetection:
    ``test/stylegan/bedroom/1_fake``. The images are not decoded; the estimators read the files
    when they need them.

    .. versionadded:: 0.1

    Parameters
    ----------
    root : None, str or path-like, default=None
        The folder that holds the folders of real and fake faces.
    real, fake : None, str or path-like, default=None
        The folders of real and of fake faces, instead of `root`.
    subset : {"all", "train", "validation", "test"}, default="all"
        The part to read. Other parts than ``"all"`` are folders of `root`: ``train`` (or
        ``training``), ``val`` (``valid``, ``validation``), ``test`` (``testing``).
    groups : {"file", "folder", "name"} or callable, default="file"
        The groups of the images:

        - ``"file"``: each file is a group of its own;
        - ``"folder"``: the files of one subfolder of the real or fake folder, such as that of a
          person or a video, are a group. Real and fake subfolders of the same name are one group;
        - ``"name"``: files whose names differ only in the suffix are a group, for fakes that have
          the name of the real image that they were made from;
        - a callable takes a path (str) and returns the group.

    Returns
    -------
    faces : sklearn.utils.Bunch
        ``data`` : ndarray of shape (n_images,), object
            Paths as str: the real faces, then the fake ones, each in sorted order. Subfolders of
            any depth are searched; hidden files and files without the suffix of an image are left
            out.
        ``target`` : ndarray of shape (n_images,), int64
            0 for real, 1 for fake.
        ``groups`` : ndarray of shape (n_images,)
            See the parameter `groups`.
        ``split`` : ndarray of shape (n_images,), str
            ``"train"``, ``"validation"`` or ``"test"``; empty where there are no such folders.
        ``generator`` : ndarray of shape (n_images,), str
            The name of the generator's folder, for its real images too. Without such folders it
            is the name of the subfolder of the fake folder (``"unknown"`` without a subfolder),
            and empty for the real images.
        ``target_names``, ``DESCR``
            ``["real", "fake"]``, and a description of the data set.

    Raises
    ------
    NotADirectoryError
        If a folder does not exist.
    ValueError
        If a folder holds no images, the folders overlap, or the arguments are neither `root` nor
        both `real` and `fake`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skfakespot.datasets import load_face_folders
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("real/anna.png", "real/ben/1.jpg", "fake/stargan/1.jpg"):
    ...         path = pathlib.Path(root, name)
    ...         path.parent.mkdir(parents=True, exist_ok=True)
    ...         path.touch()
    ...     faces = load_face_folders(root)
    >>> faces.target
    array([0, 0, 1])
    >>> faces.generator.tolist()
    ['', '', 'stargan']
    """
    check_subset(subset, "folders")
    if not callable(groups) and groups not in ("file", "folder", "name"):
        raise ValueError(
            f"groups={groups!r}; accepted are 'file', 'folder', 'name' or a callable that takes "
            "a path."
        )
    faces = []
    for split, generator, pair in _find_pairs(root, real, fake, subset):
        for target, folder in zip((REAL, FAKE), pair, strict=True):
            for path in list_images(folder):
                subfolders = Path(path).relative_to(folder).parts[:-1]
                of_fakes = (*subfolders, "unknown")[0] if target == FAKE else ""
                group = _group(path, subfolders, groups)
                faces.append(Face(path, target, group, split, generator or of_fakes))
    return as_bunch(faces, _DESCRIPTION.format(where=root or f"{real} and {fake}"))


def _find_pairs(root, real, fake, subset):
    """Return part, generator (empty without its folder) and the two folders of each pair."""
    if root is not None and real is None and fake is None:
        return _search(check_root(root), subset)
    if root is not None or real is None or fake is None:
        raise ValueError("Give either root, or both real and fake.")
    if subset != "all":
        raise ValueError(f"subset={subset!r} needs root, with a folder for each part.")
    folders = [check_root(real), check_root(fake)]
    first, second = (folder.resolve() for folder in folders)
    if first.is_relative_to(second) or second.is_relative_to(first):
        raise ValueError(f"{folders[0]} and {folders[1]} overlap: a face would have both labels.")
    return [("", "", folders)]


def _search(root, subset):
    """Look for pairs of folders in the root, in its parts, and in folders of generators."""
    parts = []
    if not _pair(root):
        parts = [
            (part, root / name)
            for part, names in _PART_NAMES.items()
            for name in names
            if (root / name).is_dir()
        ]
    parts = parts or [("", root)]
    if subset != "all":
        parts = [(part, folder) for part, folder in parts if part == subset]
        if not parts:
            looked_for = ", ".join(str(root / name) for name in _PART_NAMES[subset])
            raise NotADirectoryError(f"subset={subset!r} needs a folder. Looked for {looked_for}.")
    found = [
        (part, generator, pair)
        for part, folder in parts
        for generator, pair in _pairs_under(folder)
    ]
    if not found:
        raise NotADirectoryError(
            f"{root} has neither the folders real and fake nor 0_real and 1_fake; nor have its "
            "folders train, val and test, or those of generators in them. Give the two folders as "
            "real=... and fake=..."
        )
    return found


def _pairs_under(folder):
    """Return generator and pair of the folder itself, or of those one or two levels below."""
    if _pair(folder):
        return [("", _pair(folder))]
    return [
        (generator.name, _pair(place))
        for generator in visible_folders(folder)
        for place in (generator, *visible_folders(generator))
        if _pair(place)
    ]


def _pair(folder):
    """Return the folders of real and fake faces in a folder, or None."""
    for names in (("real", "fake"), ("0_real", "1_fake")):
        pair = [folder / name for name in names]
        if all(half.is_dir() for half in pair):
            return pair
    return None


def _group(path, subfolders, groups):
    if callable(groups):
        return groups(path)
    if groups == "name":
        return Path(path).stem
    return "/".join(subfolders) if groups == "folder" and subfolders else path
