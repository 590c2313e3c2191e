# SPDX-License-Identifier: BSD-3-Clause
"""Files that change between the hashing of X, its decoding, `fit` and `transform`."""

import mmap
import os
import threading
import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pictures import picture
from PIL import Image

from skfakespot import NeuronCoverageTransformer
from skfakespot.augmentation import Perturbation
from skfakespot.faces import FaceCrop
from skfakespot.images import ImageError, PerturbedImage, UnreadableImageWarning, as_samples

# Uncompressed, so that another picture of the same size fits into the same file.
SUFFIX = ".bmp"


def write(path, seed):
    Image.fromarray(picture(seed)).save(path)


def in_place_with_old_times(path, seed):
    before = path.stat()
    replacement = path.with_name(f"other{SUFFIX}")
    write(replacement, seed)
    with path.open("r+b") as file:
        file.write(replacement.read_bytes())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def renamed_over(path, seed):
    before = path.stat()
    replacement = path.with_name(f"other{SUFFIX}")
    write(replacement, seed)
    os.utime(replacement, ns=(before.st_atime_ns, before.st_mtime_ns))
    replacement.replace(path)


def through_a_memory_map(path, seed):
    replacement = path.with_name(f"other{SUFFIX}")
    write(replacement, seed)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:] = replacement.read_bytes()


def another_target_of_the_link(path, seed):
    replacement = path.with_name(f"target{seed}{SUFFIX}")
    write(replacement, seed)
    path.unlink()
    path.symlink_to(replacement)


CHANGES = [in_place_with_old_times, renamed_over, through_a_memory_map, another_target_of_the_link]


@pytest.fixture
def old_files(tmp_path):
    """Eight files that were written an hour ago."""
    paths = [tmp_path / f"face{number}{SUFFIX}" for number in range(8)]
    for number, path in enumerate(paths):
        write(path, number)
        hour_ago = time.time() - 3600
        os.utime(path, (hour_ago, hour_ago))
    return paths


def truth(network, paths):
    """The features of what the files hold now, without anything that is known of them."""
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])
    return NeuronCoverageTransformer(network, threshold=0.1).fit_transform(pixels)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("memory", [False, True])
def test_what_is_known_of_a_file_is_not_used_after_a_change(
    exact, old_files, tmp_path, change, memory
):
    folder = tmp_path / "memory" if memory else None
    coverage = NeuronCoverageTransformer(exact, threshold=0.1, memory=folder).fit(old_files)
    before = coverage.transform(old_files)
    for number in (1, 4):
        change(old_files[number], 50 + number)
    after = coverage.transform(old_files)
    assert_array_equal(after, truth(exact, old_files))
    changed = (before != after).any(axis=1)
    assert_array_equal(np.flatnonzero(changed), [1, 4])
    assert_array_equal(coverage.transform(old_files), after)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_memory_map_that_stays_open(exact, old_files):
    """On Linux, only the first writing to a page changes the times of a file."""
    coverage = NeuronCoverageTransformer(exact, threshold=0.1)
    other = old_files[0].with_name(f"other{SUFFIX}")
    with old_files[2].open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        for seed in (70, 71, 72):
            write(other, seed)
            memory[:] = other.read_bytes()
            features = coverage.fit_transform(old_files)
            assert_array_equal(features, truth(exact, old_files))


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_relative_paths_after_a_change_of_folder(exact, old_files, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    for number, path in enumerate(old_files):
        write(other / path.name, 90 + number)
    names = [path.name for path in old_files]
    monkeypatch.chdir(tmp_path)
    coverage = NeuronCoverageTransformer(exact, threshold=0.1).fit(names)
    monkeypatch.chdir(other)
    assert_array_equal(coverage.transform(names), truth(exact, names))


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("recipe", [
    lambda path: path,
    lambda path: PerturbedImage(path, Perturbation("blur", 1.0), 0),
    lambda path: PerturbedImage(path, brighter, 0),
    lambda path: FaceCrop(PerturbedImage(path, brighter, 0), 5, 5, 7),
], ids=["file", "perturbed", "perturbed by a function", "crop"])  # fmt: skip
def test_a_change_between_hashing_and_decoding(old_files, change, recipe):
    X = [recipe(str(path)) for path in old_files]
    samples = as_samples(X)
    expecting = samples.expecting(samples.digests())
    change(old_files[3], 60)
    failures = {}
    (batch,) = expecting.batches(image_size=(12, 10), batch_size=8, on_error=failures.setdefault)
    assert_array_equal(batch.indices, [0, 1, 2, 4, 5, 6, 7])
    assert list(failures) == [3]
    assert "its content changed while X was being read" in failures[3].reason
    # Nothing is wrong with the content as it is now.
    again = samples.expecting(samples.digests())
    (batch,) = again.batches(image_size=(12, 10), batch_size=8)
    assert len(batch.indices) == 8


def brighter(pixels, seed):
    return pixels // 2 + np.uint8(100)


class Changing:
    """A perturbation that changes the file of another image, or waits until that is done."""

    def __init__(self, changed, path, change):
        self.identity = f"changes {path}"
        self.changed, self.path, self.change = changed, path, change

    def __call__(self, pixels, seed):
        if seed == 0:
            assert self.changed.wait(10)
        elif not self.changed.is_set():
            self.change(self.path, 70)
            self.changed.set()
        return pixels


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_while_the_transformer_reads(exact, old_files, change):
    """The changed image is missing, or it is what it was, and nothing wrong is kept."""
    expected = truth(exact, old_files)
    # `fit` reads the images in a random order, in which 2 is the first and 7 is the last.
    changing = Changing(threading.Event(), old_files[7], change)
    X = [PerturbedImage(str(path), changing, seed=0) for path in old_files]
    X[2] = PerturbedImage(X[2].source, changing, seed=1)
    X[7] = str(old_files[7])
    coverage = NeuronCoverageTransformer(exact, threshold=0.1, on_error="nan")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnreadableImageWarning)
        features = coverage.fit_transform(X)
    if np.isnan(features[7]).all():
        assert "content changed" in str(caught[-1].message)
        expected[7] = np.nan
    assert_array_equal(features, expected)
    # What is known of the content that the file had does not belong to the one that it has.
    write(old_files[7], 7)
    assert_array_equal(coverage.transform(old_files), truth(exact, old_files))


def test_with_raise_a_change_is_an_error(old_files):
    samples = as_samples(old_files)
    expecting = samples.expecting(samples.digests())
    renamed_over(old_files[2], 60)
    with pytest.raises(ImageError, match=f"{old_files[2].name}: its content changed"):
        list(expecting.batches(image_size=(12, 10), batch_size=8))
