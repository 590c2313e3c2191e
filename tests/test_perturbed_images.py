# SPDX-License-Identifier: BSD-3-Clause
"""PerturbedImage as an element of X."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from skfakespot.augmentation import Perturbation, perturb
from skfakespot.images import (
    ImageError,
    PerturbedImage,
    as_samples,
    load_image,
)


def recipe(source="face.png", level=2.0, seed=7, **options):
    return PerturbedImage(source, Perturbation("blur", level, **options), seed)


@pytest.fixture
def paths(tmp_path):
    random = np.random.default_rng(0)
    paths = [str(tmp_path / f"{number}.png") for number in range(5)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(path)
    return paths


def test_it_stands_beside_its_sources(paths):
    noisy = perturb(paths, "noise", 0.02, random_state=0)
    mixed = [*paths, *noisy]
    for X in (mixed, pd.Series(mixed, dtype=object)):
        batches = list(as_samples(X).batches(image_size=(20, 24), batch_size=3))
        pixels = np.concatenate([batch.data for batch in batches])
        assert_array_equal(pixels[:5], [load_image(path) for path in paths])
        assert_array_equal(pixels[5:], [load_image(image) for image in noisy])
        assert (pixels[:5] != pixels[5:]).any(axis=(1, 2, 3)).all()


def test_it_is_perturbed_before_it_is_stretched(paths):
    blurred = recipe(paths[0], 3.0, kernel_size=None)
    (batch,) = as_samples([blurred]).batches(image_size=(10, 10), batch_size=1)
    expected = Image.fromarray(load_image(blurred)).resize((10, 10), Image.Resampling.BICUBIC)
    assert_array_equal(batch.data[0], np.asarray(expected))


def test_a_perturbed_image_may_be_perturbed_again(paths):
    twice = PerturbedImage(recipe(paths[0]), Perturbation("compression", 50), 0)
    expected = perturb(load_image(recipe(paths[0]))[None], "compression", 50)[0]
    assert_array_equal(load_image(twice), expected)
    assert as_samples([paths[0], twice]).name(1) == f"{paths[0]} (blur 2) (compression 50)"


def test_images_and_paths_stay_apart():
    with pytest.raises(TypeError, match=r"X\[0\] is a path .*, but X\[1\] is a PerturbedImage"):
        as_samples(["a.png", recipe(np.zeros((4, 4, 3), dtype=np.uint8))])
    with pytest.raises(TypeError, match="PerturbedImage"):
        as_samples([recipe(3)])


def test_an_unreadable_source_is_named(paths):
    X = [*paths, recipe("gone.png")]
    with pytest.raises(ImageError, match=r"gone.png \(blur 2\): no such file"):
        list(as_samples(X).batches(image_size=(8, 8), batch_size=4))
    failures = {}
    batches = as_samples(X).batches(image_size=(8, 8), batch_size=4, on_error=failures.setdefault)
    assert sum(len(batch.indices) for batch in batches) == 5
    assert str(failures.pop(5)).startswith("gone.png (blur 2)")
    assert not failures


def test_a_path_object_becomes_text(tmp_path):
    image = recipe(tmp_path / "face.png")
    assert image.source == str(tmp_path / "face.png")
    assert hash(image) == hash(recipe(str(tmp_path / "face.png")))


def test_it_is_pickled_in_few_bytes():
    image = recipe(kernel_size=None)
    assert pickle.loads(pickle.dumps(image)) == image
    assert copy.deepcopy(image) == image
    assert len(pickle.dumps(image)) < 500
    many = perturb([f"{number}.png" for number in range(1000)], "noise", 0.01)
    assert len(pickle.dumps(many)) < 200_000


def test_it_is_hashed_by_content():
    first = recipe(level=2.0, kernel_size=None)
    again = recipe(level=4.0 / 2, kernel_size=None)
    assert first.perturbation is not again.perturbation
    # Two images that share a perturbation, and two that do not: the same content.
    shared = [first, PerturbedImage("b.png", first.perturbation, 1)]
    apart = [again, PerturbedImage("b.png", copy.deepcopy(first.perturbation), 1)]
    assert joblib.hash(shared) == joblib.hash(apart)
    assert joblib.hash(pickle.loads(pickle.dumps(shared))) == joblib.hash(apart)
    for other in (
        recipe(level=2.0),
        recipe(level=2.5, kernel_size=None),
        recipe(seed=8, kernel_size=None),
        recipe("other.png", kernel_size=None),
    ):
        assert other != first
        assert joblib.hash(other) != joblib.hash(first)


def test_perturbations_are_equal_by_content():
    assert Perturbation("blur", 2, kernel_size=3) == Perturbation("blur", 2.0)
    assert repr(Perturbation("noise", 5, unit="std")) == "Perturbation('noise', 5.0, unit='std')"
    assert len({Perturbation("compression", 50), Perturbation("compression", 50.0)}) == 1
    with pytest.raises(AttributeError):
        Perturbation("blur", 2).level = 3


def test_a_perturbed_image_is_recognised_without_being_read(tmp_path):
    path, other = tmp_path / "face.png", tmp_path / "other.png"
    for file, level in ((path, 10), (other, 20)):
        Image.fromarray(np.full((9, 9, 3), level, np.uint8)).save(file)
    blur, noise = Perturbation("blur", 1.0), Perturbation("noise", 0.01)
    recipes = [
        PerturbedImage(path, blur, 0),
        PerturbedImage(path, noise, 0),
        PerturbedImage(path, noise, 1),
        PerturbedImage(path, Perturbation("noise", 0.02), 0),
        PerturbedImage(path, Perturbation("blur", 1.0, kernel_size=5), 0),
        PerturbedImage(other, blur, 0),
        PerturbedImage(path, lambda pixels, seed: pixels // 2, 0),
    ]
    digests = as_samples([*recipes, path]).digests()
    array = np.full((9, 9, 3), 10, np.uint8)
    digests += as_samples([PerturbedImage(array, blur, 0), array]).digests()
    assert len(set(digests)) == len(digests)
    assert None not in digests
    again = [PerturbedImage(str(path), Perturbation("blur", 1), 0)]
    assert as_samples(again).digests() == digests[:1]
    path.write_bytes(other.read_bytes())
    assert as_samples(again).digests() == digests[5:6]
    path.unlink()
    assert as_samples(again).digests() == [None]
