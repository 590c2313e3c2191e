# SPDX-License-Identifier: BSD-3-Clause
"""What X may be."""

import io
import pickle
from collections import deque
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from pictures import SIZE, decoder_threads, read
from PIL import Image
from scipy import sparse

from skfakespot.images import ImageError, as_samples


def containers(paths, pictures):
    images = [Image.fromarray(pixels) for pixels in pictures]
    arrays = np.empty(len(pictures), dtype=object)
    arrays[:] = list(pictures)
    text = [str(path) for path in paths]
    contents = [path.read_bytes() for path in paths]
    return {
        "list of str": text,
        "tuple of Path": tuple(paths),
        "str array": np.array(text),
        "object array": np.array(paths, dtype=object),
        "str column array": np.array(text).reshape(-1, 1),
        "nested list": [[path] for path in text],
        "Series": pd.Series(text).rename(lambda position: position + 5),
        "object Series": pd.Series(paths, dtype=object),
        "categorical Series": pd.Series(text, dtype="category"),
        "DataFrame": pd.DataFrame({"path": text}),
        "PIL images": images,
        "Series of PIL images": pd.Series(images),
        "list of arrays": list(pictures),
        "object array of arrays": arrays,
        "list of float arrays": list(pictures.astype(np.float32)),
        "PIL images and arrays": [*images[:5], *pictures[5:]],
        "list of bytes": contents,
        "deque of BytesIO": deque(map(io.BytesIO, contents)),
        "Series of bytes": pd.Series(contents, dtype=object),
        "object array of bytes": np.array(contents, dtype=object),
        "bytes, BytesIO and arrays": [
            *contents[:3],
            *map(io.BytesIO, contents[3:5]),
            *pictures[5:],
        ],
    }


@pytest.mark.parametrize("container", containers([], np.empty((0, 12, 10, 3))))
def test_sequences(picture_files, container):
    paths, pictures = picture_files
    samples = as_samples(containers(paths, pictures)[container])
    assert (samples.kind, samples.shape, len(samples)) == ("sequence", None, 10)
    data, indices = read(samples)
    assert_array_equal(data, pictures)
    assert_array_equal(indices, range(10))
    assert data.dtype == np.uint8
    assert indices.dtype == np.intp


def test_a_BytesIO_is_read_whole_and_its_position_does_not_change(picture_files):
    paths, pictures = picture_files
    streams = [io.BytesIO(path.read_bytes()) for path in paths]
    for position, stream in enumerate(streams):
        stream.seek(7 * position)
    samples = as_samples(streams * 3)
    assert_array_equal(read(samples, n_threads=8).data, [*pictures] * 3)
    assert samples.digests() == as_samples(paths * 3).digests()
    assert [stream.tell() for stream in streams] == [7 * position for position in range(10)]


def test_tensors(picture_files):
    torch = pytest.importorskip("torch")
    pictures = picture_files[1]
    tensor = torch.tensor(pictures)
    for X in (tensor, list(tensor), tensor.double()):
        assert_array_equal(read(X).data, pictures)
    assert as_samples(torch.ones(2, 5)).shape == (5,)
    channels_first = tensor.permute(0, 3, 1, 2)
    with pytest.raises(ValueError, match=r"X\.permute\(0, 2, 3, 1\) of a torch tensor"):
        as_samples(channels_first)
    with pytest.raises(ImageError, match=r"image 0 of X: .*image\.permute\(1, 2, 0\) of a torch"):
        read(list(channels_first))
    # A tensor without data is refused by torch as one in the memory of a GPU is.
    shape = 2, 8, 8, 3
    for tensor in (
        torch.ones(shape, requires_grad=True),
        torch.ones(shape, device="meta"),
        torch.ones(shape, dtype=torch.bfloat16),
    ):
        for X in (tensor, list(tensor)):
            with pytest.raises(TypeError, match=r"Convert .* tensor\.detach\(\)\.cpu\(\)\.numpy"):
                read(X)


def test_polars(picture_files):
    polars = pytest.importorskip("polars")
    paths, pictures = picture_files
    text, contents = [str(path) for path in paths], [path.read_bytes() for path in paths]
    for X in (polars.Series(text), polars.DataFrame({"path": text}), polars.Series(contents)):
        assert_array_equal(read(X).data, pictures)
    X = polars.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    assert_array_equal(read(X, None).data, [[1, 3], [2, 4]])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("image_size", [None, SIZE])
def test_array(picture_files, dtype, image_size):
    _, pictures = picture_files
    samples = as_samples(pictures.astype(dtype))
    assert (samples.kind, samples.shape, len(samples)) == ("array", (12, 10, 3), 10)
    for batch in samples.batches(image_size=image_size, batch_size=4):
        assert batch.data.dtype == np.uint8
        assert batch.data.flags.c_contiguous
        assert_array_equal(batch.data, pictures[batch.indices])
    assert not decoder_threads()


def test_array_of_any_layout(picture_files):
    _, pictures = picture_files
    for X in (pictures[::-1], np.asfortranarray(pictures), pictures[:, :, ::-1]):
        batch = read(X)
        assert batch.data.flags.c_contiguous
        assert_array_equal(batch.data, X)


def test_grey_stack(picture_files):
    grey = picture_files[1][..., 0]
    assert as_samples(grey).shape == (12, 10, 3)
    expected = np.stack([grey] * 3, axis=-1)
    assert_array_equal(read(grey).data, expected)
    assert_array_equal(read(list(grey)).data, expected)
    assert_array_equal(read(grey.tolist()).data, expected)


@pytest.mark.parametrize("X", [
    [[0, 1.5], [2, 3]],
    np.array([[0, 1.5], [2, 3]]),
    np.array([[0, 1.5], [2, 3]], dtype=object),
    [np.array([0, 1.5]), np.array([2, 3])],
    pd.DataFrame({"a": [0, 2], "b": [1.5, 3]}),
])  # fmt: skip
def test_vectors(X):
    samples = as_samples(X)
    assert (samples.kind, samples.shape, len(samples)) == ("vector", (2,), 2)
    batches = list(samples.batches(image_size=None, batch_size=1))
    assert [batch.data.tolist() for batch in batches] == [[[0, 1.5]], [[2, 3]]]
    assert [batch.indices.tolist() for batch in batches] == [[0], [1]]
    assert batches[0].data.dtype == np.float32


def test_one_numeric_column_is_a_vector():
    for X in (pd.DataFrame({"a": [1.0, 2.0]}), np.array([[1], [2]], dtype=object)):
        assert as_samples(X).shape == (1,)


@pytest.mark.parametrize(("value", "message"), [
    (np.nan, r"Input X contains NaN \(row 5\)"),
    (np.inf, r"Input X contains infinity .* \(row 5\)"),
    (1e300, r"Input X contains infinity .*float32.* \(row 5\)"),
])  # fmt: skip
@pytest.mark.parametrize("on_error", [None, print])
def test_vectors_that_are_not_finite(value, message, on_error):
    X = np.ones((7, 3))
    X[5, 1] = value
    with pytest.raises(ValueError, match=message):
        read(X, None, on_error=on_error)


def test_samples_are_an_immutable_view(picture_files):
    _, pictures = picture_files
    samples = as_samples(pictures)
    assert as_samples(samples) is samples
    (first, *_) = samples.batches(image_size=None, batch_size=4)
    assert np.shares_memory(first.data, pictures)
    with pytest.raises(ValueError, match="read-only"):
        first.data[0] = 0
    with pytest.raises(AttributeError):
        samples.kind = "vector"
    assert pictures.flags.writeable


@pytest.mark.parametrize("X", [["a.png", "b.png"], np.ones((2, 3)), np.ones((2, 4, 5))])
def test_samples_survive_pickle(X):
    samples = pickle.loads(pickle.dumps(as_samples(X)))
    assert repr(samples) == repr(as_samples(X))
    assert_array_equal(samples[1], as_samples(X)[1])


@pytest.mark.parametrize("kind", ["array", "vector", "sequence", "contents"])
def test_a_subset_is_read_as_those_samples_of_the_whole(picture_files, kind):
    paths, pictures = picture_files
    contents = [io.BytesIO(path.read_bytes()) for path in paths]
    X = {"array": pictures, "vector": pictures[:, 0, 0], "sequence": paths, "contents": contents}[
        kind
    ]
    image_size = SIZE if kind in ("sequence", "contents") else None
    samples, rows = as_samples(X), [7, 2, 2]
    subset = pickle.loads(pickle.dumps(samples.subset(np.array(rows))))
    assert (subset.kind, subset.shape, len(subset)) == (samples.kind, samples.shape, 3)
    assert subset.digests() == [samples.digests()[row] for row in rows]
    (part,) = subset.batches(image_size=image_size, batch_size=3)
    (selected,) = samples.batches(rows, image_size=image_size, batch_size=3)
    assert_array_equal(part.data, selected.data)
    assert_array_equal(part.indices, range(3))
    assert_array_equal(selected.indices, rows)


def test_failures_are_reported_where_a_batch_is_read(picture_files):
    paths, pictures = picture_files
    paths[5].write_bytes(b"")
    failures = {}
    (batch,) = as_samples(paths).batches(
        [4, 5, 6], image_size=SIZE, batch_size=9, on_error=failures.setdefault
    )
    assert_array_equal(batch.data, pictures[[4, 6]])
    assert str(failures.pop(5)) == f"{paths[5]}: the file is empty (0 bytes)"
    assert not failures


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_read_only_memmap_is_read_batch_by_batch(tmp_path, dtype):
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", dtype, (100, 8, 9, 3))
    X[:50] = 7
    if dtype == "float32":
        X[99] = np.nan
    X.flush()
    samples = as_samples(np.load(tmp_path / "X.npy", mmap_mode="r"))
    batches = samples.batches(image_size=None, batch_size=50)
    assert (next(batches).data == 7).all()
    if dtype == "float32":
        with pytest.raises(ImageError, match=r"image 99 of X: .*NaN"):
            next(batches)
    else:
        assert not next(batches).data.any()


@pytest.mark.parametrize(("X", "error", "message"), [
    ("face.png", TypeError, r"single path, 'face.png'; wrap it in a list: \['face.png'\]"),
    (Path("face.png"), TypeError, "wrap it in a list"),
    (Path(__file__).parent, TypeError, "skfakespot.datasets.load_face_folders"),
    (b"face.png", TypeError, r"of type bytes.* wrap it in a list: \[X\]"),
    (io.BytesIO(b"face"), TypeError, r"of type BytesIO.* wrap it in a list: \[X\]"),
    (bytearray(b"face"), TypeError, r"of type bytearray. Convert it with \[bytes\(X\)\]"),
    (memoryview(b"face"), TypeError, r"Convert it with \[bytes\(X\)\]"),
    (io.BufferedReader(io.BytesIO()), TypeError, r"an open file.* Read it: \[X.read\(\)\]"),
    (Image.new("RGB", (4, 4)), TypeError, "wrap it in a list"),
    ({"a.png"}, TypeError, "X is of type set. X may be an array"),
    ((path for path in ["a.png"]), TypeError, r"of type generator. Convert it with list\(X\)"),
    (map(str, ["a.png"]), TypeError, r"of type map. Convert it with list\(X\)"),
    ({"a": "a.png"}.values(), TypeError, r"Convert it with list\(X\)"),
    (None, TypeError, "of type NoneType"),
    (sparse.csr_matrix(np.eye(3)), TypeError, "sparse"),
    (sparse.coo_array(np.eye(3)), TypeError, "sparse"),
    ([], ValueError, r"0 sample\(s\) \(shape=\(0,\)\) while a minimum of 1 is required\."),
    (np.empty((0, 3)), ValueError, r"0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is"),
    (np.empty((0, 8, 8, 3)), ValueError, r"0 sample\(s\) \(shape=\(0, 8, 8, 3\)\)"),
    (pd.Series([], dtype=object), ValueError, r"0 sample\(s\)"),
    (np.empty((4, 0)), ValueError, r"0 feature\(s\) \(shape=\(4, 0\)\) while a minimum of 1 is"),
    (np.arange(4.0), ValueError, "Reshape your data"),
    (np.array([1, 2], dtype=object), ValueError, "Reshape your data"),
    (np.array(3), ValueError, "scalar array instead. Reshape your data"),
    ([1, 2], ValueError, "Reshape your data"),
    (pd.Series([1.0, 2.0]), ValueError, "Reshape your data"),
    (np.zeros((160, 160, 3)), ValueError, r"\(160, 160, 3\).*one image\? Then use X\[np.newaxis\]"),
    (np.zeros((160, 160, 4)), ValueError, r"one image.*X\[np.newaxis, \.\.\., :3\]"),
    (np.zeros((2, 8, 8, 1)), ValueError, r"\(2, 8, 8, 1\).*take X\[\.\.\., 0\]"),
    (np.zeros((2, 8, 8, 4)), ValueError, r"Drop the alpha channel with X\[\.\.\., :3\]"),
    (np.zeros((2, 3, 8, 8)), ValueError, r"np.moveaxis\(X, 1, -1\), or X.permute\(0, 2, 3, 1\)"),
    (np.zeros((2, 8, 8, 5)), ValueError, r"\(2, 8, 8, 5\)"),
    (np.zeros((1, 2, 8, 8, 3)), ValueError, r"\(1, 2, 8, 8, 3\); a stack of images is"),
    (np.zeros((2, 0, 8, 3)), ValueError, "no pixels"),
    (np.zeros((2, 8, 8), dtype=bool), ValueError, r"boolean pixels.*X.astype\('uint8'\) \* 255"),
    (np.zeros((2, 8, 8), dtype=complex), ValueError, "Complex data not supported"),
    (np.zeros((2, 8), dtype=complex), ValueError, "Complex data not supported"),
    (np.zeros((2, 8), dtype="datetime64[s]"), ValueError, "datetime64.*not numeric"),
    (np.zeros((2, 8, 8), dtype="datetime64[s]"), ValueError, "datetime64"),
    (np.array([[{"a": 1}, 2]], dtype=object), TypeError, "argument must be .* string.* number"),
    (np.array([["a", "b"]]), ValueError, r"shape \(1, 2\) and is not numeric"),
    (pd.DataFrame({"path": ["a"], "age": [3]}), TypeError, r"\('path', 'age'\).*X\[\['path'\]\]"),
    (["a.png", Path("b.png"), Image.new("L", (4, 4))], TypeError,
     r"X\[0\] is a path \(a str\), but X\[2\] is a Image"),
    ([np.zeros((4, 4)), "a.png"], TypeError,
     r"X\[0\] is an image \(a ndarray\), but X\[1\] is a str"),
    (["a.png", None], TypeError, r"but X\[1\] is a NoneType"),
    ([np.nan, "a.png"], TypeError, r"X\[0\] is of type float"),
    ([None, "a.png"], TypeError, r"X\[0\] is of type NoneType"),
    ([bytearray(b"a"), bytearray(b"b")], TypeError,
     r"X\[0\] is of type bytearray. Convert .* \[bytes\(content\) for content in X\]"),
    ([io.BufferedReader(io.BytesIO())], TypeError,
     r"X\[0\] is of type BufferedReader. Read .*: \[file.read\(\) for file in X\]"),
    ([io.BytesIO(b"a"), "a.png"], TypeError,
     r"X\[0\] is an image \(a BytesIO\), but X\[1\] is a str"),
    (np.array([b"a\0"]), TypeError, r"\|S2, .*cuts off the last bytes.* Give a list of bytes"),
    ([[1, 2], [3]], ValueError, "differ in shape"),
])  # fmt: skip
def test_what_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        as_samples(X)
