# SPDX-License-Identifier: BSD-3-Clause
"""Images read in batches, ahead of their consumer, by threads."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pictures import SIZE, decoder_threads, picture, read
from PIL import Image

from skfakespot.images import ImageError, PerturbedImage, as_samples


@pytest.mark.parametrize(("parameters", "message"), [
    ({"image_size": None}, "image_size is None"),
    ({"image_size": 12}, r"image_size is 12; accepted is \(height, width\)"),
    ({"image_size": (12, 10, 3)}, r"accepted is \(height, width\)"),
    ({"image_size": (12, 0)}, "the width in image_size is 0"),
    ({"image_size": (1.5, 10)}, "the height in image_size is 1.5"),
    ({"image_size": (SIZE, None)}, "image_size is None"),
    ({"image_size": [SIZE, (12,)]}, r"image_size is \(12,\); accepted is \(height, width\)"),
    ({"batch_size": 0}, "batch_size is 0; accepted are integers from 1"),
    ({"batch_size": True}, "batch_size is True"),
    ({"n_threads": -1}, "n_threads is -1"),
    ({"on_error": "ignore"}, "on_error is 'ignore'; accepted are None and a callable"),
])  # fmt: skip
def test_parameters_are_checked_at_the_call(parameters, message):
    with pytest.raises(ValueError, match=message):
        as_samples(["a.png"]).batches(**{"image_size": SIZE, "batch_size": 1, **parameters})


def test_vectors_have_no_image_size():
    with pytest.raises(ValueError, match="X holds vectors"):
        as_samples([[1.0]]).batches(image_size=SIZE, batch_size=1)


@pytest.fixture(scope="module")
def mixed_files(tmp_path_factory):
    """Eleven files of differing sizes, two of them unreadable, and what is to come of them."""
    folder = tmp_path_factory.mktemp("mixed")
    paths = [folder / f"{number}.png" for number in range(11)]
    for number, path in enumerate(paths):
        Image.fromarray(picture(number, 10 + number, 20 - number)).save(path)
    paths[4].write_bytes(b"")
    paths[9].unlink()
    kept = [number for number in range(11) if number not in (4, 9)]
    data = [Image.open(paths[number]).resize((10, 12), Image.Resampling.BICUBIC) for number in kept]
    return paths, kept, np.stack([np.asarray(image) for image in data])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(batch_size=st.integers(1, 13), n_threads=st.one_of(st.none(), st.integers(1, 6)))
def test_batch_size_and_threads_never_change_the_data(mixed_files, batch_size, n_threads):
    paths, kept, expected = mixed_files
    failures = {}
    reading = as_samples(paths).batches(
        image_size=SIZE, batch_size=batch_size, n_threads=n_threads, on_error=failures.setdefault
    )
    batches = list(reading)
    assert list(failures) == [4, 9]
    assert all(0 < len(batch.data) == len(batch.indices) <= batch_size for batch in batches)
    assert_array_equal(np.concatenate([batch.data for batch in batches]), expected)
    assert_array_equal(np.concatenate([batch.indices for batch in batches]), kept)


class CountedPerturbation:
    """Counts how often an image is perturbed, which happens once it is decoded."""

    n_calls = 0

    def __call__(self, pixels, _seed):
        self.n_calls += 1
        return pixels[::-1]


@pytest.mark.parametrize("n_threads", [1, 4])
def test_several_sizes_are_each_stretched_from_the_image(mixed_files, n_threads):
    paths, kept, _ = mixed_files
    sizes, failures = ((12, 10), (31, 7), (12, 10)), {}
    parameters = {"batch_size": 4, "n_threads": n_threads, "on_error": failures.setdefault}
    batches = list(as_samples(paths).batches(image_size=sizes, **parameters))
    assert_array_equal(np.concatenate([batch.indices for batch in batches]), kept)
    assert list(failures) == [4, 9]
    for place, size in enumerate(sizes):
        of_size = np.concatenate([batch.data[place] for batch in batches])
        assert_array_equal(of_size, read([paths[number] for number in kept], size).data)


@pytest.mark.parametrize("X", [
    np.stack([picture(number) for number in range(9)]),
    np.stack([picture(number) * 0.99 for number in range(9)]),
    np.stack([picture(number)[..., 0] for number in range(9)]),
    [PerturbedImage(picture(number), CountedPerturbation(), None) for number in range(9)],
], ids=["uint8", "float", "grey", "perturbed"])  # fmt: skip
def test_several_sizes_of_images_in_memory(X):
    own = SIZE if isinstance(X, list) else None
    batches = list(as_samples(X).batches(image_size=[own, (31, 7)], batch_size=4))
    assert [len(batch.data) for batch in batches] == [2, 2, 2]
    for place, size in enumerate([SIZE, (31, 7)]):
        of_size = np.concatenate([batch.data[place] for batch in batches])
        assert_array_equal(of_size, read(X, size).data)


def test_an_array_of_the_right_size_is_not_copied():
    X = np.stack([picture(number) for number in range(9)])
    for batch in as_samples(X).batches(image_size=(None, SIZE), batch_size=4):
        assert all(np.shares_memory(data, X) for data in batch.data)


def test_vectors_are_given_for_each_of_several_sizes():
    X = np.arange(6.0).reshape(3, 2)
    (batch,) = as_samples(X).batches(image_size=(None, None), batch_size=4)
    for data in batch.data:
        assert_array_equal(data, X)
    with pytest.raises(ValueError, match="X holds vectors"):
        as_samples(X).batches(image_size=(None, SIZE), batch_size=4)


def test_each_image_is_decoded_once_for_several_sizes(picture_files):
    paths, pictures = picture_files
    counted = [CountedPerturbation() for _ in paths]
    X = [PerturbedImage(path, count, None) for path, count in zip(paths, counted, strict=True)]
    samples = as_samples(X)
    batches = list(samples.batches(image_size=(SIZE, (31, 7), (5, 6)), batch_size=4))
    assert_array_equal(np.concatenate([batch.data[0] for batch in batches]), pictures[:, ::-1])
    assert [count.n_calls for count in counted] == [1] * len(paths)


@pytest.mark.parametrize("n_threads", [1, 4])
def test_unreadable_files_are_left_out(picture_files, n_threads):
    paths, pictures = picture_files
    paths[2].write_bytes(b"")
    paths[7].unlink()
    kept = [0, 1, 3, 4, 5, 6, 8, 9]
    failures = {}
    data, indices = read(paths, on_error=failures.setdefault, n_threads=n_threads)
    assert_array_equal(indices, kept)
    assert_array_equal(data, pictures[kept])
    found = [(index, error.source, error.reason) for index, error in failures.items()]
    assert found == [
        (2, str(paths[2]), "the file is empty (0 bytes)"),
        (7, str(paths[7]), "no such file"),
    ]


def test_array_images_at_fault_are_left_out():
    X = np.full((7, 2, 2), 9.0)
    X[1, 0, 0], X[5] = np.nan, -5
    failures = {}
    data, indices = read(X, None, batch_size=3, on_error=failures.setdefault)
    assert_array_equal(indices, [0, 2, 3, 4, 6])
    assert (data == 9).all()
    assert list(failures) == [1, 5]


def test_no_batch_where_nothing_is_readable():
    samples, failures = as_samples(["absent0", "absent1"]), {}
    batches = samples.batches(image_size=SIZE, batch_size=1, on_error=failures.setdefault)
    assert list(batches) == []
    assert list(failures) == [0, 1]


@pytest.mark.parametrize("n_threads", [1, 8])
def test_first_error_in_order_is_raised(picture_files, n_threads):
    paths, _ = picture_files
    for number in (3, 4, 5, 8):
        paths[number].unlink()
    with pytest.raises(ImageError, match=r"face3.png"):
        read(paths, batch_size=10, n_threads=n_threads)
    assert not decoder_threads()


class WatchedPath(os.PathLike):
    """A path that notes that it was asked for, which happens when its file is read."""

    def __init__(self, path, asked, number, event=None):
        self.path, self.asked, self.number, self.event = path, asked, number, event

    def __fspath__(self):
        self.asked.add(self.number)
        if self.event is not None:
            self.event.set()
        return str(self.path)


def test_reading_is_lazy_and_read_ahead_is_bounded(picture_files):
    paths, pictures = picture_files
    asked, read_ahead = set(), threading.Event()
    X = [
        WatchedPath(paths[number % 10] if number < 500 else "absent.png", asked, number,
                    read_ahead if number == 11 else None)
        for number in range(1000)
    ]  # fmt: skip
    samples = as_samples(X)
    assert not asked
    batches = samples.batches(image_size=SIZE, batch_size=4, n_threads=3)
    assert not asked
    assert not decoder_threads()
    assert_array_equal(next(batches).data, pictures[:4])
    assert read_ahead.wait(60)
    assert max(asked) == 11
    next(batches)
    assert max(asked) <= 15
    with pytest.raises(ImageError, match=r"absent.png: no such file"):
        list(batches)
    assert max(asked) <= 512
    assert not decoder_threads()


def leave(batches):
    for _ in batches:
        break


def fail(batches):
    for _ in batches:
        raise KeyboardInterrupt


@pytest.mark.parametrize("interruption", [leave, fail])
def test_leaving_early_leaves_no_threads(picture_files, interruption):
    samples = as_samples(picture_files[0] * 50)
    batches = samples.batches(image_size=SIZE, batch_size=2, n_threads=4)
    next(batches)
    assert len(decoder_threads()) > 0
    try:
        interruption(batches)
    except KeyboardInterrupt:
        pass
    finally:
        batches.close()
    assert not decoder_threads()
    assert list(batches) == []


def test_abandoned_iterator_leaves_no_threads(picture_files):
    for _ in as_samples(picture_files[0] * 50).batches(image_size=SIZE, batch_size=2):
        assert decoder_threads()
        break
    assert not decoder_threads()


def test_an_error_of_the_callable_ends_the_threads(picture_files):
    def refuse(index, error):
        raise RuntimeError(f"{index}: {error}")

    paths = [*picture_files[0][:3], Path("absent.png"), *picture_files[0]]
    batches = as_samples(paths).batches(image_size=SIZE, batch_size=2, on_error=refuse)
    with pytest.raises(RuntimeError, match=r"3: absent.png"):
        list(batches)
    assert not decoder_threads()


def test_one_unloaded_pil_image_at_many_positions(tmp_path):
    pixels = picture(0, 300, 200)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    with Image.open(tmp_path / "face.png") as image:
        data = read([image] * 30, (300, 200), n_threads=8).data
    assert (data == pixels).all()
