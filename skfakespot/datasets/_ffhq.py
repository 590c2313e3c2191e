# SPDX-License-Identifier: BSD-3-Clause
"""The reader of Flickr-Faces-HQ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ._listing import REAL, Face, as_bunch, check_choice, check_root, check_subset, list_images

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from .._typing import FilePath

_FOLDERS = ("images1024x1024", "thumbnails128x128", "in-the-wild-images")
# "we have appointed the first 60,000 images to be used for training"
_N_TRAINING = 60_000
_DESCRIPTION = """Flickr-Faces-HQ (FFHQ), {images}: photographs of faces from Flickr; all real.

The first 60,000 images are for training, the other 10,000 for validation. Each image is a group of
its own: who it shows is not recorded. The set is licensed CC BY-NC-SA 4.0, each photograph as
ffhq-dataset-v2.json says.

Karras, T., Laine, S. and Aila, T. (2019). A style-based generator architecture for generative
adversarial networks. CVPR."""


def load_ffhq(
    root: FilePath,
    *,
    subset: Literal["all", "train", "validation"] = "all",
    images: Literal[
        "images1024x1024", "thumbnails128x128", "in-the-wild-images"
    ] = "images1024x1024",
) -> Bunch:
    """List the images of FFHQ, all of them real.

    It lists files such as ``images1024x1024/00000/00000.png`` (or, in older downloads,
    ``images1024x1024/00000.png``). It downloads and decodes nothing, and does not need the
    metadata in ``ffhq-dataset-v2.json``, whose training category is the first 60,000 images.

    .. versionadded:: 0.1

    Parameters
    ----------
    root : str or path-like
        The folder that holds the folder `images`.
    subset : {"all", "train", "validation"}, default="all"
        The part to read. FFHQ has no test part.
    images : {"images1024x1024", "thumbnails128x128", "in-the-wild-images"}, \
            default="images1024x1024"
        The version to read. The in-the-wild version has a photograph once for each of its faces.

    Returns
    -------
    faces : sklearn.utils.Bunch
        See `load_face_folders`; ``target`` is 0 and ``generator`` empty everywhere, ``groups`` are
        ``"ffhq:"`` and the image's number, and ``split`` is ``"train"`` or ``"validation"``.

    Raises
    ------
    FileNotFoundError
        If `root` has no folder `images`, or this folder has no numbered images.
    NotADirectoryError
        If `root` is not a folder.
    ValueError
        If an argument is not accepted.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skfakespot.datasets import load_ffhq
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for number in (59999, 60000):
    ...         path = pathlib.Path(root, f"images1024x1024/{number // 1000}000/{number}.png")
    ...         path.parent.mkdir(parents=True)
    ...         path.touch()
    ...     faces = load_ffhq(root)
    >>> faces.split.tolist()
    ['train', 'validation']
    """
    root = check_root(root)
    check_subset(subset, "FFHQ", ("train", "validation"))
    check_choice("images", images, _FOLDERS, "of FFHQ there")
    folder = root / images
    if not folder.is_dir():
        others = [name for name in _FOLDERS if (root / name).is_dir()]
        hint = f" There is {' and '.join(others)}: pass images={others[0]!r}." if others else ""
        raise FileNotFoundError(f"{root} is not FFHQ. Looked for the folder {folder}.{hint}")
    paths = [Path(path) for path in list_images(folder)]
    numbered = [path for path in paths if path.stem.isascii() and path.stem.isdigit()]
    if not numbered:
        raise FileNotFoundError(
            f"{folder} has no numbered images. Looked for {folder}/00000/00000.png and the like."
        )
    faces = []
    for path in numbered:
        number = int(path.stem)
        part = "train" if number < _N_TRAINING else "validation"
        faces.append(Face(str(path), REAL, f"ffhq:{number:05}", part))
    return as_bunch(faces, _DESCRIPTION.format(images=images), subset=subset)
