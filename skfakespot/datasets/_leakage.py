# SPDX-License-Identifier: BSD-3-Clause
"""A check of what a test set shares with the training set."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.fft import dctn
from sklearn.utils import Bunch, check_consistent_length, column_or_1d

from ..images import as_samples
from ._sources import source_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import Images

_PIXELS = 64
_FREQUENCIES = 16
_HASH_BITS = _FREQUENCIES**2
_SHOWN = 3
# Pairs whose bits are counted together; so many fit into a processor's cache.
_COMPARED_AT_ONCE = 200_000


class LeakedPair(NamedTuple):
    """An image of the test set, and its counterpart in the training set.

    .. versionadded:: 0.1

    Parameters
    ----------
    train, test : int
        Rows of the two images in their sets.
    train_name, test_name : str
        Paths of the two images, or positions such as "image 3 of X".
    distance : int
        Number of different bits of their perceptual hashes; 0 for the same content.

    Examples
    --------
    >>> from skfakespot.datasets import LeakedPair
    >>> LeakedPair(7, 0, "a.png", "b.png", 2).train_name
    'a.png'
    """

    train: int
    test: int
    train_name: str
    test_name: str
    distance: int


@dataclass(frozen=True)
class LeakageReport:
    """What a test set shares with the training set; ``print`` it for a summary.

    .. versionadded:: 0.1

    Parameters
    ----------
    same_content : list of LeakedPair
        A pair for each image of the test set whose file (or array) is also in the training set,
        byte by byte; with the first such training image. The file of a frame is its video, and
        that of a crop or of a perturbed image is the file of the image.
    near_duplicates : list of LeakedPair
        A pair for each other image of the test set that looks like an image of the training set;
        with the nearest training image.
    shared_groups : dict of object to (int, int)
        For each group on both sides, the number of its images in the training and the test set.
    n_train, n_test : int
        Number of images.
    checked : tuple of str
        The checks that were made: "same_content" and, if asked for, "near_duplicates" and
        "shared_groups".

    Examples
    --------
    >>> from skfakespot.datasets import LeakageReport
    >>> report = LeakageReport([], [], {}, 30, 10, ("same_content",))
    >>> print(report)
    30 images to train, 10 to test.
    Same content: 0 of the test images.
    Near-duplicates: not checked.
    Groups on both sides: not checked.
    >>> report.found
    False
    """

    same_content: list[LeakedPair]
    near_duplicates: list[LeakedPair]
    shared_groups: dict[Any, tuple[int, int]]
    n_train: int
    n_test: int
    checked: tuple[str, ...]

    @property
    def found(self) -> bool:
        """Whether anything is shared."""
        return bool(self.same_content or self.near_duplicates or self.shared_groups)

    @property
    def leaked(self) -> NDArray[np.intp]:
        """Rows of the test set that are in a pair, as a sorted ndarray."""
        return np.unique(
            [pair.test for pair in (*self.same_content, *self.near_duplicates)]
        ).astype(np.intp)

    def __str__(self):
        lines = [f"{self.n_train} images to train, {self.n_test} to test."]
        for title, field in (
            ("Same content", "same_content"),
            ("Near-duplicates", "near_duplicates"),
            ("Groups on both sides", "shared_groups"),
        ):
            found = getattr(self, field)
            if field not in self.checked:
                lines.append(f"{title}: not checked.")
            elif field == "shared_groups":
                n_images = sum(n_test for _, n_test in found.values())
                names = ", ".join(map(str, list(found)[:_SHOWN]))
                names += ", ..." if len(found) > _SHOWN else ""
                names = f": {names}" if found else "."
                lines.append(f"{title}: {len(found)}, with {n_images} of the test images{names}")
            else:
                lines.append(f"{title}: {len(found)} of the test images.")
                for pair in found[:_SHOWN]:
                    bits = f" ({pair.distance} bits differ)" if pair.distance else ""
                    lines.append(f"  {pair.test_name} is {pair.train_name}{bits}")
                if len(found) > _SHOWN:
                    lines.append(f"  and {len(found) - _SHOWN} more")
        return "\n".join(lines)


def check_leakage(
    train: Bunch | Images,
    test: Bunch | Images,
    *,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
    max_distance: int | None = 40,
) -> LeakageReport:
    """Look for images and groups that are both in the training and in the test set.

    It looks for images of the same bytes, near-duplicates and, if the groups are known, groups on
    both sides. For each image of the test set it reports the nearest image of the training set.

    Near-duplicates have similar perceptual hashes. A hash has 256 bits: the image is reduced to
    64 x 64 grey pixels, whatever its aspect ratio, and each of the 16 x 16 lowest frequencies of
    its discrete cosine transform is compared with their median. The hash changes little under
    compression, scaling, blur, noise and changes of brightness, but it changes under cropping,
    mirroring and rotating.

    .. versionadded:: 0.1

    Parameters
    ----------
    train, test : Bunch or array-like
        What a reader of this module returns, or images as the estimators take them.
    groups : tuple of (array-like, array-like), default=None
        Groups of the training and of the test images; None for those of the Bunches. The readers
        prefix groups with the name of their data set, so groups of two data sets are different.
    max_distance : int or None, default=40
        Images whose hashes differ in at most this many of the 256 bits are near-duplicates, from 0
        to 127. None skips the search for near-duplicates, which decodes all images. The user guide
        says what the default finds.

    Returns
    -------
    report : LeakageReport
        The pairs and groups that were found.

    Raises
    ------
    ImageError
        If an image cannot be read.
    ValueError
        If an argument is not accepted.

    Examples
    --------
    >>> from skfakespot.datasets import check_leakage, load_demo_faces
    >>> faces = load_demo_faces()
    >>> report = check_leakage(faces.data[:50], faces.data[49:60])
    >>> report.same_content[0].train, report.same_content[0].test
    (49, 0)
    """
    if max_distance is not None and (
        not isinstance(max_distance, Integral) or not 0 <= max_distance < _HASH_BITS // 2
    ):
        raise ValueError(
            f"max_distance={max_distance!r}; accepted are integers from 0 to "
            f"{_HASH_BITS // 2 - 1}, or None to look for the same content only."
        )
    samples = [as_samples(side.data if isinstance(side, Bunch) else side) for side in (train, test)]
    if any(side.kind == "vector" for side in samples):
        raise ValueError("train or test holds rows of numbers; give images.")
    groups = _check_groups(groups, train, test, samples)
    checked = ["same_content"]
    same_content = _same_content(*samples)
    near_duplicates, shared_groups = [], {}
    if max_distance is not None:
        checked.append("near_duplicates")
        near_duplicates = _near_duplicates(*samples, same_content, max_distance)
    if groups is not None:
        checked.append("shared_groups")
        n_train, n_test = (Counter(side.tolist()) for side in groups)
        shared_groups = {group: (n_train[group], n_test[group]) for group in n_train & n_test}
    sizes = {"n_train": len(samples[0]), "n_test": len(samples[1])}
    return LeakageReport(
        same_content, near_duplicates, shared_groups, **sizes, checked=tuple(checked)
    )


def _check_groups(groups, train, test, samples):
    if groups is None:
        if not all(isinstance(side, Bunch) and "groups" in side for side in (train, test)):
            return None
        groups = train.groups, test.groups
    if not isinstance(groups, tuple | list) or len(groups) != 2:
        raise ValueError("groups is a tuple of two: those of the training and of the test images.")
    groups = [column_or_1d(side) for side in groups]
    for side, images in zip(groups, samples, strict=True):
        check_consistent_length(side, range(len(images)))
    return groups


def _same_content(train, test):
    first_of = {}
    for row, digest in enumerate(_digests(train)):
        first_of.setdefault(digest, row)
    return [
        _pair(train, test, first_of[digest], row, 0)
        for row, digest in enumerate(_digests(test))
        if digest is not None and digest in first_of
    ]


def _digests(samples):
    """Digest the file (or array) that each image is made from."""
    if samples.kind == "sequence":
        samples = as_samples([source_of(element) for element in samples])
    return samples.digests()


def _near_duplicates(train, test, same_content, max_distance):
    rows = np.setdiff1d(np.arange(len(test)), [pair.test for pair in same_content])
    if not len(rows):
        return []
    nearest, distance = _nearest(_hashes(test, rows), _hashes(train, np.arange(len(train))))
    return [
        _pair(train, test, int(nearest[i]), int(rows[i]), int(distance[i]))
        for i in np.flatnonzero(distance <= max_distance)
    ]


def _nearest(hashes, others):
    """Return the row of the nearest other hash, and the number of different bits, of each hash."""
    nearest = np.empty(len(hashes), dtype=np.intp)
    distance = np.empty(len(hashes), dtype=int)
    step = max(1, _COMPARED_AT_ONCE // len(others))
    for start in range(0, len(hashes), step):
        block = slice(start, start + step)
        # The first bit is always the same, so at most 255 differ, which fits into a byte.
        differing = np.zeros((len(hashes[block]), len(others)), dtype=np.uint8)
        for word in range(hashes.shape[1]):
            differing += np.bitwise_count(hashes[block, word, np.newaxis] ^ others[:, word])
        nearest[block] = differing.argmin(axis=1)
        distance[block] = differing.min(axis=1)
    return nearest, distance


def _hashes(samples, rows):
    """Compute the perceptual hash of each image: four words of 64 bits."""
    hashes = []
    for batch in samples.batches(rows, image_size=(_PIXELS, _PIXELS), batch_size=256):
        # The weights that Pillow uses for its conversion to grey.
        grey = batch.data.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        frequencies = dctn(grey, axes=(1, 2), norm="ortho")[:, :_FREQUENCIES, :_FREQUENCIES]
        frequencies = frequencies.reshape(len(grey), _HASH_BITS)
        # The first frequency is the brightness of the image, which the hash leaves out.
        bits = frequencies > np.median(frequencies[:, 1:], axis=1, keepdims=True)
        bits[:, 0] = True
        hashes.append(np.packbits(bits, axis=1).view(np.uint64))
    return np.concatenate(hashes)


def _pair(train, test, train_row, test_row, distance):
    return LeakedPair(train_row, test_row, train.name(train_row), test.name(test_row), distance)
