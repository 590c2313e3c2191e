import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

IMAGE_SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png"),
    *(".ppm", ".tif", ".tiff", ".webp"),
)
_FOLDER_NAMES = (("real", "fake"), ("0_real", "1_fake"))


def load_face_folders(root=None, *, real=None, fake=None):
    """List the images of a folder of real and a folder of fake faces.

    Nothing is decoded; the estimators read the files when they need them.

    Parameters
    ----------
    root : None, str or path-like, default=None
        A folder with the folders ``real`` and ``fake``, or ``0_real`` and ``1_fake``.
    real, fake : None, str or path-like, default=None
        The two folders themselves, instead of `root`.

    Returns
    -------
    faces : sklearn.utils.Bunch
        ``data`` : ndarray of shape (n_images,), object
            Paths as str: the real faces, then the fake ones, each in sorted order. Folders are
            searched to any depth; hidden files and files that are no images by their suffix
            are left out.
        ``target`` : ndarray of shape (n_images,), int64
            0 for real, 1 for fake.
        ``target_names`` : list of str
            ``["real", "fake"]``.

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
    ...     for name in ("real/anna.png", "real/ben/1.jpg", "fake/1.jpg"):
    ...         path = pathlib.Path(root, name)
    ...         path.parent.mkdir(parents=True, exist_ok=True)
    ...         path.touch()
    ...     faces = load_face_folders(root)
    >>> faces.target
    array([0, 0, 1])
    """
    folders = _find_folders(root, real, fake)
    files = [_list_images(folder) for folder in folders]
    paths = [path for part in files for path in part]
    data = np.empty(len(paths), dtype=object)
    data[:] = paths
    target = np.repeat(np.arange(2, dtype=np.int64), [len(part) for part in files])
    return Bunch(data=data, target=target, target_names=["real", "fake"])


def _find_folders(root, real, fake):
    if root is not None and real is None and fake is None:
        for names in _FOLDER_NAMES:
            folders = [Path(root, name) for name in names]
            if all(folder.is_dir() for folder in folders):
                return folders
        raise NotADirectoryError(
            f"{root} has neither the folders real and fake nor 0_real and 1_fake. Give the two "
            "folders as real=... and fake=..."
        )
    if root is not None or real is None or fake is None:
        raise ValueError("Give either root, or both real and fake.")
    folders = [Path(real), Path(fake)]
    for folder in folders:
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "does not exist"
            raise NotADirectoryError(f"{folder} {what}; a folder of images is needed.")
    first, second = (folder.resolve() for folder in folders)
    if first.is_relative_to(second) or second.is_relative_to(first):
        raise ValueError(f"{folders[0]} and {folders[1]} overlap: a face would have both labels.")
    return folders


def _list_images(folder):
    paths = []
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        paths += [
            str(Path(parent, name))
            for name in names
            if not name.startswith(".") and name.lower().endswith(IMAGE_SUFFIXES)
        ]
    if not paths:
        raise ValueError(
            f"{folder} holds no images. Accepted are files that end in {', '.join(IMAGE_SUFFIXES)}."
        )
    return sorted(paths)
