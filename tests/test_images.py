import io
import os
import pickle
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image, ImageOps
from scipy import sparse

import skfakespot
from skfakespot.images import (
    Batch,
    ImageError,
    UnreadableImageWarning,
    as_samples,
    iter_batches,
    load_image,
)

SIZE = (12, 10)


def picture(seed=0, height=12, width=10):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def read(X, image_size=SIZE, batch_size=4, **kwargs):
    """All of X, as one batch."""
    batches = list(
        iter_batches(as_samples(X), image_size=image_size, batch_size=batch_size, **kwargs)
    )
    return Batch(
        np.concatenate([batch.data for batch in batches]),
        np.concatenate([batch.indices for batch in batches]),
    )


def decoder_threads():
    return [thread for thread in threading.enumerate() if "skfakespot" in thread.name]


@pytest.fixture
def files(tmp_path):
    """Ten PNG files and the pictures in them."""
    pictures = np.stack([picture(seed) for seed in range(10)])
    paths = [tmp_path / f"face{number}.png" for number in range(10)]
    for path, pixels in zip(paths, pictures, strict=True):
        Image.fromarray(pixels).save(path)
    return paths, pictures


# What X may be


def containers(paths, pictures):
    images = [Image.fromarray(pixels) for pixels in pictures]
    arrays = np.empty(len(pictures), dtype=object)
    arrays[:] = list(pictures)
    text = [str(path) for path in paths]
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
    }


@pytest.mark.parametrize("container", containers([], np.empty((0, 12, 10, 3))))
def test_sequences(files, container):
    paths, pictures = files
    samples = as_samples(containers(paths, pictures)[container])
    assert (samples.kind, samples.shape, len(samples)) == ("sequence", None, 10)
    data, indices = read(samples)
    assert_array_equal(data, pictures)
    assert_array_equal(indices, range(10))
    assert data.dtype == np.uint8
    assert indices.dtype == np.intp


def test_polars(files):
    polars = pytest.importorskip("polars")
    paths, pictures = files
    text = [str(path) for path in paths]
    for X in (polars.Series(text), polars.DataFrame({"path": text})):
        assert_array_equal(read(X).data, pictures)
    X = polars.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    assert_array_equal(read(X, None).data, [[1, 3], [2, 4]])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("image_size", [None, SIZE])
def test_array(files, dtype, image_size):
    _, pictures = files
    samples = as_samples(pictures.astype(dtype))
    assert (samples.kind, samples.shape, len(samples)) == ("array", (12, 10, 3), 10)
    for batch in iter_batches(samples, image_size=image_size, batch_size=4):
        assert batch.data.dtype == np.uint8
        assert batch.data.flags.c_contiguous
        assert_array_equal(batch.data, pictures[batch.indices])
    assert not decoder_threads()


def test_array_of_any_layout(files):
    _, pictures = files
    for X in (pictures[::-1], np.asfortranarray(pictures), pictures[:, :, ::-1]):
        batch = read(X)
        assert batch.data.flags.c_contiguous
        assert_array_equal(batch.data, X)


def test_grey_stack(files):
    grey = files[1][..., 0]
    assert as_samples(grey).shape == (12, 10, 3)
    expected = np.stack([grey] * 3, axis=-1)
    assert_array_equal(read(grey).data, expected)
    assert_array_equal(read(list(grey)).data, expected)
    assert_array_equal(read(grey.tolist()).data, expected)


def test_floats_are_rounded():
    X = np.array([0.4, 0.6, 99.5, 254.7]).reshape(1, 2, 2)
    assert_array_equal(read(X, None).data[0, ..., 0], [[0, 1], [100, 255]])


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
    batches = list(iter_batches(samples, image_size=None, batch_size=1))
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
@pytest.mark.parametrize("on_error", ["raise", "nan"])
def test_vectors_that_are_not_finite(value, message, on_error):
    X = np.ones((7, 3))
    X[5, 1] = value
    with pytest.raises(ValueError, match=message):
        read(X, None, on_error=on_error)


def test_samples_are_an_immutable_view(files):
    _, pictures = files
    samples = as_samples(pictures)
    assert as_samples(samples) is samples
    (first, *_) = iter_batches(samples, image_size=None, batch_size=4)
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


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_read_only_memmap_is_read_batch_by_batch(tmp_path, dtype):
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", dtype, (100, 8, 9, 3))
    X[:50] = 7
    if dtype == "float32":
        X[99] = np.nan
    X.flush()
    batches = iter_batches(
        as_samples(np.load(tmp_path / "X.npy", mmap_mode="r")), image_size=None, batch_size=50
    )
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
    (b"face.png", TypeError, "of type bytes"),
    (Image.new("RGB", (4, 4)), TypeError, "wrap it in a list"),
    ({"a.png"}, TypeError, "X is of type set. X may be an array"),
    ((path for path in ["a.png"]), TypeError, "of type generator"),
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
    (np.zeros((2, 3, 8, 8)), ValueError, r"np.moveaxis\(X, 1, -1\)"),
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
    ([b"a.png"], TypeError, r"X\[0\] is of type bytes"),
    ([[1, 2], [3]], ValueError, "differ in shape"),
])  # fmt: skip
def test_what_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        as_samples(X)


@pytest.mark.parametrize(("parameters", "message"), [
    ({"image_size": None}, "image_size is None"),
    ({"image_size": 12}, r"image_size is 12; accepted is \(height, width\)"),
    ({"image_size": (12, 10, 3)}, r"accepted is \(height, width\)"),
    ({"image_size": (12, 0)}, "the width in image_size is 0"),
    ({"image_size": (1.5, 10)}, "the height in image_size is 1.5"),
    ({"batch_size": 0}, "batch_size is 0; accepted are integers from 1"),
    ({"batch_size": True}, "batch_size is True"),
    ({"n_threads": -1}, "n_threads is -1"),
    ({"on_error": "ignore"}, "on_error is 'ignore'; accepted are 'raise', 'nan' and 'skip'"),
])  # fmt: skip
def test_parameters_are_checked_at_the_call(parameters, message):
    with pytest.raises(ValueError, match=message):
        iter_batches(as_samples(["a.png"]), **{"image_size": SIZE, "batch_size": 1, **parameters})


def test_vectors_have_no_image_size():
    with pytest.raises(ValueError, match="X holds vectors"):
        iter_batches(as_samples([[1.0]]), image_size=SIZE, batch_size=1)


# Pixels on the wrong scale


@pytest.mark.parametrize(("X", "message"), [
    (np.full((1, 2, 2), np.nan), "image 0 of X: the pixels contain NaN"),
    (np.full((1, 2, 2), -np.inf), "contain infinity; accepted are finite values from 0 to 255"),
    (np.array([[[-1.0, 1.0]]]), r"range from -1 to 1; .* 0 to 255. .*\(X \+ 1\) \* 127.5"),
    (np.array([[[-0.5, 255.5]]]), r"range from -0.5 to 255.5; .*np.clip\(X, 0, 255\)"),
    (np.array([[[-103.5, 130.0]]]), "Undo any preprocessing"),
    (np.array([[[-3, 130]]]), "range from -3 to 130"),
    (np.array([[[0, 65535]]], dtype=np.uint16), "divide them by 257"),
])  # fmt: skip
@pytest.mark.parametrize("as_container", [np.asarray, list])
def test_pixels_off_the_scale(X, message, as_container):
    with pytest.raises(ImageError, match=message):
        read(as_container(X), image_size=X.shape[1:])


@pytest.mark.parametrize("as_container", [np.asarray, list])
def test_scale_from_0_to_1_is_warned_of_once(as_container):
    X = as_container(np.linspace(0, 1, 6 * 4).reshape(6, 2, 2))
    with pytest.warns(UserWarning, match="scale is 0 to 255: multiply X by 255") as caught:
        read(X, (2, 2), batch_size=2)
    assert len(caught) == 1


@pytest.mark.parametrize("X", [np.zeros((3, 2, 2)), np.ones((3, 2, 2), int), np.eye(2)[None] * 2])
def test_scale_is_not_warned_of_without_reason(X):
    read(X, (2, 2))


def test_array_images_at_fault_are_left_out():
    X = np.full((7, 2, 2), 9.0)
    X[1, 0, 0], X[5] = np.nan, -5
    with pytest.warns(UnreadableImageWarning) as caught:
        data, indices = read(X, None, batch_size=3, on_error="nan")
    assert_array_equal(indices, [0, 2, 3, 4, 6])
    assert (data == 9).all()
    assert [warning.message.index for warning in caught] == [1, 5]


@pytest.mark.parametrize(("source", "error", "message"), [
    (np.zeros((4, 4, 1)), ImageError, r"image: .*\(4, 4, 1\).*image\[\.\.\., 0\]"),
    (np.zeros((4, 4, 4)), ImageError, r"drop the alpha channel with image\[\.\.\., :3\]"),
    (np.zeros((2, 4, 4, 3)), ImageError, r"\(2, 4, 4, 3\) is not an image"),
    (np.zeros((0, 4, 3)), ImageError, "no pixels"),
    (np.zeros((4, 4), dtype=bool), ImageError, "boolean pixels"),
    (np.zeros((4, 4), dtype=complex), ImageError, "Complex data not supported"),
    (np.zeros((4, 4), dtype=object), ImageError, "dtype object"),
    (3, TypeError, "image is of type int"),
])  # fmt: skip
def test_load_image_refuses(source, error, message):
    with pytest.raises(error, match=message):
        load_image(source)


# Decoding


def encoded(image, image_format, **kwargs):
    buffer = io.BytesIO()
    image.save(buffer, image_format, **kwargs)
    return buffer.getvalue()


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats(tmp_path, image_format):
    path = tmp_path / "no-extension"
    path.write_bytes(encoded(Image.fromarray(picture()), image_format))
    assert_array_equal(load_image(path), picture())
    assert_array_equal(load_image(str(path)), picture())


def colour_modes():
    """Images of two colours in each mode, and the RGB that they stand for."""
    red, blue = (200, 10, 30), (5, 90, 250)
    both = [red, blue]

    def image(mode, *pixels):
        made = Image.new(mode, (2, 1))
        made.putdata(pixels) if not hasattr(made, "set_flattened_data") else (
            made.set_flattened_data(pixels)
        )
        return made

    palette = image("P", 3, 1)
    palette.putpalette([0, 0, 0, *blue, 9, 9, 9, *red])
    transparent = palette.copy()
    transparent.info["transparency"] = bytes([0, 128, 255, 77])
    grey_with_transparency = image("L", 7, 250)
    grey_with_transparency.info["transparency"] = 7
    rgb_with_transparency = image("RGB", red, blue)
    rgb_with_transparency.info["transparency"] = red
    return {
        "RGB": (image("RGB", red, blue), both, "PNG"),
        "RGB tRNS": (rgb_with_transparency, both, "PNG"),
        "RGBA": (image("RGBA", (*red, 0), (*blue, 128)), both, "PNG"),
        "P": (palette, both, "PNG"),
        "P transparency": (transparent, both, "PNG"),
        "P GIF": (palette, both, "GIF"),
        "L": (image("L", 7, 250), [(7,) * 3, (250,) * 3], "PNG"),
        "L tRNS": (grey_with_transparency, [(7,) * 3, (250,) * 3], "PNG"),
        "LA": (image("LA", (7, 0), (250, 9)), [(7,) * 3, (250,) * 3], "PNG"),
        "1": (image("1", 0, 255), [(0,) * 3, (255,) * 3], "PNG"),
        "CMYK": (
            image("CMYK", (0, 255, 255, 0), (255, 255, 0, 0)), [(255, 0, 0), (0, 0, 255)], "TIFF"
        ),
        "I;16 PNG": (image("I;16", 257 * 100, 65535), [(100,) * 3, (255,) * 3], "PNG"),
        "I;16 TIFF": (image("I;16", 257 * 100, 65535), [(100,) * 3, (255,) * 3], "TIFF"),
        "I;16 PGM": (image("I;16", 257 * 100, 65535), [(100,) * 3, (255,) * 3], "PPM"),
        "I;16 rounds": (image("I;16", 128, 129), [(0,) * 3, (1,) * 3], "PNG"),
    }  # fmt: skip


@pytest.mark.parametrize("mode", colour_modes())
def test_colour_modes_become_rgb(tmp_path, mode):
    image, expected, image_format = colour_modes()[mode]
    path = tmp_path / "face"
    path.write_bytes(encoded(image, image_format))
    assert_array_equal(load_image(path), [expected])
    info = dict(image.info)
    assert_array_equal(load_image(image), [expected])
    assert image.info == info


@pytest.mark.parametrize("mode", ["PA", "La", "RGBa", "RGBX", "YCbCr", "HSV", "LAB"])
def test_uncommon_modes_become_rgb(mode):
    assert load_image(Image.new(mode, (3, 2))).shape == (2, 3, 3)


def test_cmyk_jpeg(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "red.jpg")
    assert np.abs(load_image(tmp_path / "red.jpg") - np.array([255.0, 0, 0])).max() < 5


@pytest.mark.parametrize("mode", ["I", "F"])
def test_images_without_scale_are_refused(tmp_path, mode):
    path = tmp_path / "face.tif"
    Image.new(mode, (4, 4)).save(path)
    for source in (path, Image.new(mode, (4, 4))):
        with pytest.raises(ImageError, match=f"mode '{mode}'.*no agreed scale"):
            load_image(source)


@pytest.mark.parametrize("image_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_frame_of_animations(tmp_path, image_format):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    path = tmp_path / "face"
    options = {"lossless": True} if image_format == "WEBP" else {}
    path.write_bytes(
        encoded(frames[0], image_format, save_all=True, append_images=frames[1:], **options)
    )
    assert_array_equal(load_image(path)[0, 0], [255, 0, 0])


INVERSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", INVERSE)
@pytest.mark.parametrize(
    "options",
    [
        {"format": "PNG"},
        {"format": "TIFF"},
        {"format": "TIFF", "compression": "tiff_lzw"},
        {"format": "WEBP", "lossless": True},
        {"format": "JPEG", "quality": 100, "subsampling": 0},
    ],
    ids=lambda options: options.get("compression", options["format"]),
)
def test_exif_orientation(tmp_path, orientation, options):
    upright = Image.fromarray(picture(height=9, width=6)).resize((48, 72))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "face"
    upright.transpose(INVERSE[orientation]).save(path, exif=exif, **options)
    pixels = load_image(path)
    tolerance = 12 if options["format"] == "JPEG" else 0
    assert np.abs(pixels - np.asarray(upright, dtype=float)).max() <= tolerance
    with Image.open(path) as image:
        assert_array_equal(pixels, np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
    with Image.open(path) as image:
        assert_array_equal(load_image(image), pixels)


def test_grey_16_bit_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    values = (np.arange(6, dtype=np.uint16) * 257).reshape(2, 3)
    Image.fromarray(values).save(tmp_path / "face.png", exif=exif)
    assert_array_equal(load_image(tmp_path / "face.png")[..., 0], np.rot90(values // 257, -1))


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("exif", [b"Exif\0\0no TIFF header", b"Exif\0\0II*\0\x08\0\0\0\x05"])
def test_damaged_exif_does_not_cost_the_pixels(tmp_path, image_format, exif):
    path = tmp_path / "face"
    path.write_bytes(encoded(Image.fromarray(picture()), image_format, exif=exif))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert load_image(path).shape == (12, 10, 3)


def test_images_are_stretched_to_the_size(tmp_path):
    pixels = picture(height=40, width=30)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    expected = np.asarray(Image.fromarray(pixels).resize((10, 12), Image.Resampling.BICUBIC))
    sources = [tmp_path / "face.png"], [Image.fromarray(pixels)], [pixels], pixels[np.newaxis]
    for X in sources:
        data = read(X).data
        assert data.flags.c_contiguous
        assert_array_equal(data[0], expected)
    # A checkerboard becomes grey where the filter is antialiased.
    checkerboard = np.indices((64, 64)).sum(axis=0) % 2 * 255
    assert np.abs(read(checkerboard[np.newaxis], (8, 8)).data[0, 1:-1, 1:-1] - 127.5).max() < 3


def test_images_of_differing_sizes():
    X = [picture(0, 12, 10), picture(1, 30, 20), picture(2, 5, 40)[..., 0]]
    assert read(X).data.shape == (3, 12, 10, 3)


# Files that cannot be read


def png_of_size(width, height, chunk_name=b"IEND"):
    """The beginning of a PNG file that claims to be so large."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(chunk_name, b"")
    )


BAD_FILES = {
    "missing": (None, "no such file"),
    "empty": (b"", r"the file is empty \(0 bytes\)"),
    "one byte": (b"P", "not an image of a format|damaged or truncated"),
    "text": (b"These are no pixels.", "not an image of a format that is read .*JPEG"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image of a format"),
    "png header": (encoded(Image.fromarray(picture()), "PNG")[:20], "damaged or truncated"),
    "png": (encoded(Image.fromarray(picture()), "PNG")[:200], "damaged or truncated"),
    "jpeg": (encoded(Image.fromarray(picture(0, 64, 64)), "JPEG")[:1500], "truncated"),
    "webp": (encoded(Image.fromarray(picture()), "WEBP")[:100], "damaged or truncated"),
    "gif": (encoded(Image.fromarray(picture()), "GIF")[:300], "damaged or truncated"),
    "tiff": (encoded(Image.fromarray(picture()), "TIFF")[:200], "damaged or truncated"),
    "bomb": (png_of_size(10_000, 10_000), "10000 x 10000 pixels.*MAX_IMAGE_PIXELS.*bomb"),
    "png chunk": (png_of_size(40, 40, chunk_name=b"\0\0\0\0"), "truncated .*broken PNG"),
    "larger bomb": (png_of_size(50_000, 50_000), "50000 x 50000 pixels.*MAX_IMAGE_PIXELS"),
}


@pytest.mark.parametrize("case", BAD_FILES)
@pytest.mark.parametrize("action", ["error", "default"])
def test_bad_files(tmp_path, case, action):
    Image.init()  # so that Pillow knows of every format that it could open
    content, reason = BAD_FILES[case]
    path = tmp_path / "face.png"
    if content is not None:
        path.write_bytes(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)
        with pytest.raises(ImageError, match=reason) as raised:
            load_image(path)
    assert not caught
    assert raised.value.source == str(path)
    assert str(raised.value) == f"{path}: {raised.value.reason}"

    with pytest.raises(ImageError) as raised_in_batch:
        read([path])
    assert str(raised_in_batch.value) == str(raised.value)


def test_folder_and_special_files(tmp_path):
    with pytest.raises(ImageError, match="it is a folder, not an image file"):
        load_image(tmp_path)
    with pytest.raises(ImageError, match="no such file"):
        load_image("")
    with pytest.raises(ImageError, match=r"cannot be opened .*null"):
        load_image("face\0.png")
    with pytest.raises(ImageError, match="cannot be opened"):
        load_image("x" * 5000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "face.png")
    with pytest.raises(ImageError, match="not a regular file"):
        load_image(tmp_path / "face.png")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_permission_denied(files):
    path = files[0][0]
    path.chmod(0)
    privileged = os.geteuid() == 0
    if privileged:
        os.seteuid(65534)
    try:
        with pytest.raises(ImageError, match="permission denied"):
            load_image(path)
    finally:
        if privileged:
            os.seteuid(0)


def test_limit_of_pixels_is_pillows(files, monkeypatch):
    paths, pictures = files
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 119)
    with pytest.raises(ImageError, match="12 pixels, more than the 119"):
        load_image(paths[0])
    for limit in (120, None):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert_array_equal(load_image(paths[0]), pictures[0])


def test_pil_image_whose_file_is_damaged(tmp_path):
    path = tmp_path / "face.png"
    path.write_bytes(BAD_FILES["png"][0])
    with Image.open(path) as image, pytest.raises(ImageError, match=r"image 1 of X: .*damaged"):
        read([Image.new("RGB", (4, 4)), image])


def test_name_replaces_the_path(tmp_path):
    with pytest.raises(ImageError, match=r"^the query: no such file$"):
        load_image(tmp_path / "absent.png", name="the query")


def test_errors_survive_pickle():
    error = pickle.loads(pickle.dumps(ImageError("a.png", "no such file")))
    assert isinstance(error, ValueError)
    assert (error.source, error.reason, str(error)) == (
        "a.png",
        "no such file",
        "a.png: no such file",
    )
    warning = pickle.loads(pickle.dumps(UnreadableImageWarning("a.png", "no such file", 4)))
    assert (warning.source, warning.reason, warning.index) == ("a.png", "no such file", 4)
    assert str(warning) == "a.png: no such file. Row 4 of the result is NaN."


@pytest.mark.parametrize("n_threads", [1, 4])
def test_unreadable_files_are_left_out(files, n_threads):
    paths, pictures = files
    paths[2].write_bytes(b"")
    paths[7].unlink()
    kept = [0, 1, 3, 4, 5, 6, 8, 9]
    with pytest.warns(UnreadableImageWarning) as caught:
        data, indices = read(paths, on_error="nan", n_threads=n_threads)
    assert_array_equal(indices, kept)
    assert_array_equal(data, pictures[kept])
    found = [(w.message.index, w.message.source, w.message.reason) for w in caught]
    assert found == [
        (2, str(paths[2]), "the file is empty (0 bytes)"),
        (7, str(paths[7]), "no such file"),
    ]


def test_no_batch_where_nothing_is_readable():
    samples = as_samples(["absent0", "absent1"])
    batches = iter_batches(samples, image_size=SIZE, batch_size=1, on_error="nan")
    with pytest.warns(UnreadableImageWarning) as caught:
        assert list(batches) == []
    assert len(caught) == 2


@pytest.mark.parametrize("n_threads", [1, 8])
def test_first_error_in_order_is_raised(files, n_threads):
    paths, _ = files
    for number in (3, 4, 5, 8):
        paths[number].unlink()
    with pytest.raises(ImageError, match=r"face3.png"):
        read(paths, batch_size=10, n_threads=n_threads)
    assert not decoder_threads()


@pytest.fixture(scope="module")
def fuzzed_file(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "face"


def originals():
    smooth = Image.fromarray(picture(0, 6, 5)).resize((25, 24))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a description"
    frames = {"save_all": True, "append_images": [smooth.rotate(90)]}
    return {
        "JPEG": encoded(smooth, "JPEG", exif=exif),
        "progressive JPEG": encoded(smooth, "JPEG", progressive=True),
        "MPO": encoded(smooth, "MPO", **frames),
        "PNG": encoded(smooth, "PNG", exif=exif),
        "palette PNG": encoded(smooth.quantize(8), "PNG", transparency=b"\0\x80"),
        "animated PNG": encoded(smooth, "PNG", **frames),
        "WEBP": encoded(smooth, "WEBP", exif=exif),
        "lossless WEBP": encoded(smooth, "WEBP", lossless=True),
        "GIF": encoded(smooth, "GIF", **frames),
        "TIFF": encoded(smooth, "TIFF", exif=exif),
        "TIFF LZW": encoded(smooth, "TIFF", compression="tiff_lzw"),
        "TIFF JPEG": encoded(smooth, "TIFF", compression="jpeg"),
        "TIFF 16 bit": encoded(Image.new("I;16", (9, 9), 70), "TIFF", compression="tiff_deflate"),
        "BMP": encoded(smooth, "BMP"),
        "PPM": encoded(smooth, "PPM"),
    }


ORIGINALS = originals()


@pytest.mark.parametrize("original", ORIGINALS)
@pytest.mark.parametrize("action", ["ignore", "error"])
def test_damaged_files_give_an_image_or_an_image_error(fuzzed_file, monkeypatch, original, action):
    content = ORIGINALS[original]
    # Damaged headers claim any size; this one keeps the test from decoding 90 million pixels.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    # Headers and trailers lie at the ends, and most of what can go wrong lies in headers.
    position = st.one_of(
        st.integers(0, min(120, len(content) - 1)), st.integers(0, len(content) - 1)
    )

    @settings(max_examples=60, deadline=None)
    @given(
        flips=st.dictionaries(position, st.integers(0, 255), max_size=6),
        length=st.one_of(st.just(len(content)), position),
    )
    def check(flips, length):
        damaged = bytearray(content)
        for index, value in flips.items():
            damaged[index] = value
        fuzzed_file.write_bytes(damaged[:length])
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            try:
                pixels = load_image(fuzzed_file)
            except ImageError:
                return
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
        assert pixels.shape[2] == 3

    check()


# Threads and laziness


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreadableImageWarning)
        batches = list(
            iter_batches(
                as_samples(paths),
                image_size=SIZE,
                batch_size=batch_size,
                n_threads=n_threads,
                on_error="nan",
            )
        )
    assert all(0 < len(batch.data) == len(batch.indices) <= batch_size for batch in batches)
    assert_array_equal(np.concatenate([batch.data for batch in batches]), expected)
    assert_array_equal(np.concatenate([batch.indices for batch in batches]), kept)


class WatchedPath(os.PathLike):
    """A path that notes that it was asked for, which happens when its file is read."""

    def __init__(self, path, asked, number, event=None):
        self.path, self.asked, self.number, self.event = path, asked, number, event

    def __fspath__(self):
        self.asked.add(self.number)
        if self.event is not None:
            self.event.set()
        return str(self.path)


def test_reading_is_lazy_and_read_ahead_is_bounded(files):
    paths, pictures = files
    asked, read_ahead = set(), threading.Event()
    X = [
        WatchedPath(paths[number % 10] if number < 500 else "absent.png", asked, number,
                    read_ahead if number == 11 else None)
        for number in range(1000)
    ]  # fmt: skip
    samples = as_samples(X)
    assert not asked
    batches = iter_batches(samples, image_size=SIZE, batch_size=4, n_threads=3)
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
def test_leaving_early_leaves_no_threads(files, interruption):
    samples = as_samples(files[0] * 50)
    batches = iter_batches(samples, image_size=SIZE, batch_size=2, n_threads=4)
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


def test_abandoned_iterator_leaves_no_threads(files):
    for _ in iter_batches(as_samples(files[0] * 50), image_size=SIZE, batch_size=2):
        assert decoder_threads()
        break
    assert not decoder_threads()


def test_warning_turned_error_ends_the_threads(files):
    paths = [*files[0][:3], Path("absent.png"), *files[0]]
    batches = iter_batches(as_samples(paths), image_size=SIZE, batch_size=2, on_error="nan")
    with pytest.raises(UnreadableImageWarning, match=r"absent.png"):
        list(batches)
    assert not decoder_threads()


def test_one_unloaded_pil_image_at_many_positions(tmp_path):
    pixels = picture(0, 300, 200)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    with Image.open(tmp_path / "face.png") as image:
        data = read([image] * 30, (300, 200), n_threads=8).data
    assert (data == pixels).all()


def test_files_are_closed(files):
    open_files = Path("/proc/self/fd")
    if not open_files.is_dir():
        pytest.skip("needs /proc")
    paths, _ = files
    paths[3].write_bytes(BAD_FILES["png"][0])
    paths[4].write_bytes(ORIGINALS["TIFF LZW"])
    paths[5].write_bytes(ORIGINALS["GIF"])
    paths[6].write_bytes(BAD_FILES["text"][0])
    before = len(list(open_files.iterdir()))
    with pytest.warns(UnreadableImageWarning):
        read(paths, on_error="nan")
    assert len(list(open_files.iterdir())) == before


def test_the_room_stands_alone():
    code = (
        "import sys, types; package = types.ModuleType('skfakespot'); "
        f"package.__path__ = [{str(Path(skfakespot.__file__).parent)!r}]; "
        "sys.modules['skfakespot'] = package; import skfakespot.images; "
        "print({'keras', 'tensorflow', 'sklearn', 'pandas', 'polars'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
