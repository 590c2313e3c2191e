"""The reader of CelebA."""

import csv
import warnings

from ._listing import (
    REAL,
    Face,
    IncompleteDatasetWarning,
    as_bunch,
    check_root,
    check_subset,
    find,
    find_optional,
    is_image,
)

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


def load_celeba(root, *, subset="all"):
    r"""List the images of CelebA, all of them real.

    It reads the names of the images in ``img_align_celeba`` (in `root` or in ``Img``, JPEG or
    PNG), and the lists ``list_eval_partition.txt`` (in `root` or in ``Eval``, or Kaggle's
    ``.csv``) and ``identity_CelebA.txt`` (in `root` or in ``Anno``). It downloads and decodes
    nothing.

    Parameters
    ----------
    root : str or path-like
        The folder of the data set.
    subset : {"all", "train", "validation", "test"}, default="all"
        The part to read.

    Returns
    -------
    faces : sklearn.utils.Bunch
        ``data`` : ndarray of shape (n_images,), object
            Paths as str, sorted.
        ``target`` : ndarray of shape (n_images,), int64
            0 everywhere.
        ``groups`` : ndarray of shape (n_images,), str
            ``"celeba:"`` and the person's number.
        ``split`` : ndarray of shape (n_images,), str
            ``"train"``, ``"validation"`` or ``"test"``; empty without the list of the parts.
        ``generator`` : ndarray of shape (n_images,), str
            Empty everywhere.
        ``target_names``, ``DESCR``
            ``["real", "fake"]``, and a description of the data set.

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
    names = sorted(path.name for path in folder.iterdir() if is_image(path.name))
    if not names:
        raise FileNotFoundError(f"{folder} holds no images.")
    if subset == "all":
        partition_file = find_optional(root, _PARTITION)
    else:
        partition_file = find(root, _PARTITION, f"list of the parts, which subset={subset!r} needs")
    parts = _read_partition(partition_file) if partition_file else None
    if parts is not None:
        names = _reconcile(names, parts, folder, partition_file)
    identities = _read_identities(root)
    faces = []
    for name in names:
        # The PNG version is listed by the names of the JPEG files.
        stem = name.rsplit(".", 1)[0]
        group = f"celeba:{identities.get(stem, name)}"
        faces.append(Face(str(folder / name), REAL, group, parts[stem] if parts else ""))
    return as_bunch(faces, _DESCRIPTION, subset=subset)


def _read_pairs(file):
    """Yield line number, image and value of each line of a list, without its header."""
    with file.open(newline="", encoding="utf-8") as lines:
        separated = csv.reader(lines) if file.suffix == ".csv" else (line.split() for line in lines)
        for number, line in enumerate(separated, start=1):
            if not line or (number == 1 and line[0] == "image_id"):
                continue
            if len(line) != 2:
                raise ValueError(f"{file}, line {number}: {line} is not an image and a number.")
            yield number, line[0].rsplit(".", 1)[0], line[1]


def _read_partition(file):
    parts = {}
    for number, stem, code in _read_pairs(file):
        part = _PARTS.get(code)
        if part is None:
            raise ValueError(f"{file}, line {number}: the part {code!r} is not 0, 1 or 2.")
        if parts.setdefault(stem, part) != part:
            raise ValueError(
                f"{file}, line {number}: {stem} is in two parts, {parts[stem]} and {part}; the "
                "test would not be on new images. Download the list again."
            )
    return parts


def _reconcile(names, parts, folder, file):
    """Return the names that are both on disk and in the list; warn about the others."""
    there = {name.rsplit(".", 1)[0] for name in names}
    missing, unknown = parts.keys() - there, there - parts.keys()
    for stems, problem in (
        (missing, f"of {file} are not in {folder}; they are left out"),
        (unknown, f"in {folder} are not in {file}; they are left out"),
    ):
        if stems:
            warnings.warn(
                f"{len(stems)} images {problem}. The first is {min(stems)}.",
                IncompleteDatasetWarning,
                stacklevel=3,
            )
    return [name for name in names if name.rsplit(".", 1)[0] in parts]


def _read_identities(root):
    file = find_optional(root, _IDENTITY)
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
