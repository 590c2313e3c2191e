# SPDX-License-Identifier: BSD-3-Clause

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from sklearn.utils import Bunch

from skfakespot.datasets import check_leakage, load_demo_faces
from skfakespot.images import ImageError, load_image


def picture(seed, size=96):
    """A random picture whose frequencies fall off as those of photographs do."""
    noise = np.fft.rfft2(np.random.default_rng(seed).normal(size=(size, size)))
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))
    grey = np.fft.irfft2(noise / np.maximum(frequency, 1 / size), s=(size, size))
    grey = np.clip(128 + 45 * (grey - grey.mean()) / grey.std(), 0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def noisy(image, deviation):
    noise = np.random.default_rng(0).normal(0, deviation, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


CHANGES = {
    "none": lambda image: image,
    "compressed": lambda image: jpeg(image, 10),
    "scaled": lambda image: image.resize((40, 50)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "noisy": lambda image: noisy(image, 20),
    "darker": lambda image: image.point(lambda value: value * 0.6),
}


@pytest.fixture
def files(tmp_path):
    for number in range(6):
        picture(number).save(tmp_path / f"{number}.png")
    return tmp_path


def test_same_bytes_are_found_under_any_name(files):
    (files / "copy.png").write_bytes((files / "2.png").read_bytes())
    train = [files / f"{number}.png" for number in range(4)]
    report = check_leakage(train, [files / "5.png", files / "copy.png"], max_distance=None)
    assert report.found
    (pair,) = report.same_content
    assert pair[:2] == (2, 1)
    assert pair.train_name == str(files / "2.png")
    assert pair.test_name == str(files / "copy.png")
    assert report.leaked.tolist() == [1]
    assert "Near-duplicates: not checked." in str(report)
    assert f"  {files / 'copy.png'} is {files / '2.png'}" in str(report)
    # It is not counted once more as a near-duplicate.
    assert not check_leakage(train, [files / "copy.png"]).near_duplicates


@pytest.mark.parametrize("change", CHANGES)
def test_near_duplicates_are_found(change):
    train = [picture(seed) for seed in range(30)]
    report = check_leakage(train, [picture(99), CHANGES[change](picture(7))])
    pairs = report.same_content if change == "none" else report.near_duplicates
    assert [pair[:2] for pair in pairs] == [(7, 1)]
    assert bool(report.same_content) == (change == "none")
    assert pairs[0].distance <= 40


def test_what_is_different_is_not_found():
    report = check_leakage([picture(seed) for seed in range(40)], [picture(99), picture(98)])
    assert not report.found
    assert report.leaked.tolist() == []
    # Not a limit of the method that one would like, but the one that is documented.
    mirrored = picture(3).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert not check_leakage([picture(seed) for seed in range(40)], [mirrored]).found


def test_max_distance_is_a_number_of_bits():
    train, test = [picture(0)], [jpeg(picture(0), 5)]
    (pair,) = check_leakage(train, test).near_duplicates
    assert pair.distance > 0
    assert check_leakage(train, test, max_distance=pair.distance).found
    assert not check_leakage(train, test, max_distance=pair.distance - 1).found


@settings(max_examples=25)
@given(
    gain=st.floats(0.2, 0.9),
    offset=st.floats(0, 25),
    seed=st.integers(0, 2**20),
    other=st.booleans(),
)
def test_brightness_and_contrast_do_not_matter(gain, offset, seed, other):
    pixels = np.asarray(picture(seed))
    changed = np.rint(pixels * gain + offset).astype(np.uint8)
    train = np.stack([np.asarray(picture(seed + 1)), pixels])
    test = np.asarray(picture(seed + 2)) if other else changed
    report = check_leakage(train, test[np.newaxis])
    assert [pair.train for pair in report.near_duplicates] == ([] if other else [1])


@settings(max_examples=20)
@given(seed=st.integers(0, 2**20), n_train=st.integers(1, 30), n_test=st.integers(1, 12))
def test_the_nearest_is_reported_whatever_the_order(seed, n_train, n_test):
    random = np.random.default_rng(seed)
    train = np.stack([np.asarray(picture(seed + number)) for number in range(n_train)])
    chosen = random.integers(0, n_train, n_test)
    test = np.stack([np.asarray(jpeg(picture(seed + number), 30)) for number in chosen])
    report = check_leakage(train, test)
    assert [(pair.train, pair.test) for pair in report.near_duplicates] == [
        (number, row) for row, number in enumerate(chosen)
    ]
    order = random.permutation(n_train)
    shuffled = check_leakage(train[order], test)
    assert [order[pair.train] for pair in shuffled.near_duplicates] == chosen.tolist()


def test_groups_on_both_sides():
    images = np.stack([np.asarray(picture(seed)) for seed in range(6)])
    train = Bunch(data=images[:4], groups=np.array(["anna", "anna", "ben", "carl"]))
    test = Bunch(data=images[4:], groups=np.array(["dora", "anna"]))
    report = check_leakage(train, test)
    assert report.shared_groups == {"anna": (2, 1)}
    assert report.found
    assert "Groups on both sides: 1, with 1 of the test images: anna" in str(report)
    assert not check_leakage(train.data, test.data).found
    given_groups = check_leakage(train.data, test.data, groups=([1, 1, 2, 3], [4, 3]))
    assert given_groups.shared_groups == {3: (1, 1)}


def test_pairs_of_real_and_upsampled_faces_are_near_duplicates():
    faces = load_demo_faces()
    real, fake = (faces.data[faces.target == label] for label in (0, 1))
    report = check_leakage(real, fake)
    assert len(report.near_duplicates) == 100
    assert all(pair.train == pair.test for pair in report.near_duplicates)
    assert "and 97 more" in str(report)


def test_an_unreadable_image_is_named(files):
    (files / "broken.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"broken\.png"):
        check_leakage([files / "0.png"], [files / "broken.png"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_distance": 128}, "max_distance=128; accepted are integers from 0 to 127"),
        ({"max_distance": 1.5}, "max_distance=1.5"),
        ({"groups": [1, 2]}, "inconsistent|should be a 1d array|1d"),
        ({"groups": ([1],)}, "groups is a tuple of two"),
        ({"groups": ([1], [1, 2])}, "inconsistent numbers of samples"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    images = [load_image(np.asarray(picture(0)))]
    with pytest.raises(ValueError, match=message):
        check_leakage(images, images, **arguments)


def test_rows_of_numbers_are_refused():
    with pytest.raises(ValueError, match="rows of numbers"):
        check_leakage(np.zeros((3, 4)), np.zeros((2, 4)))
