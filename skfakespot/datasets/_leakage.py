"""What a test set shares with the training set."""

from collections import Counter
from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy.fft import dctn
from sklearn.utils import Bunch, check_consistent_length, column_or_1d

from ..images import as_samples

_PIXELS = 64
_FREQUENCIES = 16
HASH_BITS = _FREQUENCIES**2
_SHOWN = 3
# Pairs whose bits are counted together: they fit into a processor's cache.
_COMPARED_AT_ONCE = 200_000


class LeakedPair(NamedTuple):
    """An image of the test set, and its counterpart in the training set.

    Parameters
    ----------
    train, test : int
        Their rows.
    train_name, test_name : str
        Their paths, or positions such as "image 3 of X".
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

    Parameters
    ----------
    same_content : list of LeakedPair
        For each image of the test set whose file (or array) is in the training set byte by byte,
        the first such one.
    near_duplicates : list of LeakedPair
        For each other image of the test set that looks like one of the training set, the nearest.
    shared_groups : dict of object to (int, int)
        For each group on both sides, the number of its images in the training and the test set.
    n_train, n_test : int
        Number of images.
    checked : tuple of str
        What was looked for: "same_content" and, as asked, "near_duplicates" and "shared_groups".

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

    same_content: list
    near_duplicates: list
    shared_groups: dict
    n_train: int
    n_test: int
    checked: tuple

    @property
    def found(self):
        """Whether anything is shared."""
        return bool(self.same_content or self.near_duplicates or self.shared_groups)

    @property
    def leaked(self):
        """Rows of the test set that share something other than a group, sorted, as ndarray."""
        return np.unique(
            [pair.test for pair in (*self.same_content, *self.near_duplicates)]
        ).astype(np.intp)

    def __str__(self):
        lines = [f"{self.n_train} images to train, {self.n_test} to test."]
        for title, field in (
            ("Same content", "same_content"),
            ("Near-duplicates", "near_duplicates"),
        ):
            pairs = getattr(self, field)
            if field not in self.checked:
                lines.append(f"{title}: not checked.")
                continue
            lines.append(f"{title}: {len(pairs)} of the test images.")
            lines += [_line(pair) for pair in pairs[:_SHOWN]]
            if len(pairs) > _SHOWN:
                lines.append(f"  and {len(pairs) - _SHOWN} more")
        lines.append(f"Groups on both sides: {self._groups()}")
        return "\n".join(lines)

    def _groups(self):
        if "shared_groups" not in self.checked:
            return "not checked."
        n_images = sum(n_test for _, n_test in self.shared_groups.values())
        names = ", ".join(str(group) for group in list(self.shared_groups)[:_SHOWN])
        more = ", ..." if len(self.shared_groups) > _SHOWN else ""
        names = f": {names}{more}" if names else "."
        return f"{len(self.shared_groups)}, with {n_images} of the test images{names}"


def check_leakage(train, test, *, groups=None, max_distance=40):
    """Look for images and groups that are both in the training and in the test set.

    Looked for are the same bytes, near-duplicates and, if the groups are known, the same groups.
    Of each image of the test set the nearest counterpart is reported.

    The perceptual hash has 256 bits: the image is reduced to 64 x 64 grey pixels, whatever its
    aspect ratio, and each of the 16 x 16 lowest frequencies of the discrete cosine transform is
    compared with their median. It survives compression, scaling, blur, noise and changes of
    brightness, but not cropping, mirroring or rotating.

    Parameters
    ----------
    train, test : Bunch or array-like
        What a reader of this module returns, or images as the estimators take them.
    groups : tuple of (array-like, array-like), default=None
        Groups of the training and of the test images; None for those of the Bunches. Groups of
        different data sets are told apart by the prefix that the readers give them.
    max_distance : int or None, default=40
        Images whose hashes differ in at most so many of the 256 bits are near-duplicates; None to
        skip the search, which decodes all images. See the user guide for what the default
        catches.

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
        not isinstance(max_distance, Integral) or not 0 <= max_distance < HASH_BITS // 2
    ):
        raise ValueError(
            f"max_distance={max_distance!r}; accepted are integers from 0 to "
            f"{HASH_BITS // 2 - 1}, or None to look for the same content only."
        )
    samples = [as_samples(side.data if isinstance(side, Bunch) else side) for side in (train, test)]
    if any(side.kind == "vector" for side in samples):
        raise ValueError("train or test holds rows of numbers; give images.")
    groups = _check_groups(groups, train, test, samples)
    checked = ["same_content"]
    same, twins = _same_content(*samples)
    near = []
    if max_distance is not None:
        checked.append("near_duplicates")
        near = _near_duplicates(*samples, twins, max_distance)
    shared = {}
    if groups is not None:
        checked.append("shared_groups")
        counts = [Counter(side.tolist()) for side in groups]
        shared = {
            group: (count, counts[1][group])
            for group, count in counts[0].items()
            if group in counts[1]
        }
    return LeakageReport(same, near, shared, *map(len, samples), tuple(checked))


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
    """Pairs, and for each test image whether it is in one."""
    first_of = {}
    for row, digest in enumerate(train.digests()):
        if digest is not None:
            first_of.setdefault(digest, row)
    partners = [first_of.get(digest) for digest in test.digests()]
    pairs = [
        _pair(train, test, partner, row, 0)
        for row, partner in enumerate(partners)
        if partner is not None
    ]
    return pairs, np.array([partner is not None for partner in partners])


def _near_duplicates(train, test, skipped, max_distance):
    rows = np.flatnonzero(~skipped)
    if not len(rows):
        return []
    nearest, distance = _nearest(_hashes(test, rows), _hashes(train, np.arange(len(train))))
    return [
        _pair(train, test, int(nearest[i]), int(rows[i]), int(distance[i]))
        for i in np.flatnonzero(distance <= max_distance)
    ]


def _nearest(hashes, others):
    """Row of the nearest other hash for each hash, and the number of bits that differ."""
    nearest = np.empty(len(hashes), dtype=np.intp)
    distance = np.empty(len(hashes), dtype=int)
    step = max(1, _COMPARED_AT_ONCE // len(others))
    for start in range(0, len(hashes), step):
        block = slice(start, start + step)
        # One bit is always the same, so that 255 is the most.
        differing = np.zeros((len(hashes[block]), len(others)), dtype=np.uint8)
        for word in range(hashes.shape[1]):
            differing += np.bitwise_count(hashes[block, word, np.newaxis] ^ others[:, word])
        nearest[block] = differing.argmin(axis=1)
        distance[block] = differing.min(axis=1)
    return nearest, distance


def _hashes(samples, rows):
    """Perceptual hash of each image: four words of 64 bits."""
    batches = samples.batches(rows, image_size=(_PIXELS, _PIXELS), batch_size=256)
    return np.concatenate([_hash(batch.data) for batch in batches])


def _hash(images):
    # The weights of Pillow's own conversion to grey.
    grey = images.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    frequencies = dctn(grey, axes=(1, 2), norm="ortho")[:, :_FREQUENCIES, :_FREQUENCIES]
    frequencies = frequencies.reshape(len(images), HASH_BITS)
    # The first is the brightness, which is no feature of the image.
    bits = frequencies > np.median(frequencies[:, 1:], axis=1, keepdims=True)
    bits[:, 0] = True
    return np.packbits(bits, axis=1).view(np.uint64)


def _pair(train, test, train_row, test_row, distance):
    return LeakedPair(train_row, test_row, train.name(train_row), test.name(test_row), distance)


def _line(pair):
    bits = f" ({pair.distance} bits differ)" if pair.distance else ""
    return f"  {pair.test_name} is {pair.train_name}{bits}"
