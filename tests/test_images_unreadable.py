# SPDX-License-Identifier: BSD-3-Clause
"""Files that cannot be read, and damaged ones."""

import io
import os
import pickle
import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pictures import encoded, picture, read
from PIL import Image

from skfakespot.images import ImageError, UnreadableImageWarning, load_image


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
    "bomb": (
        png_of_size(10_000, 10_000),
        "10000 x 10000 pixels.*bomb.*SKFAKESPOT_MAX_IMAGE_PIXELS",
    ),
    "png chunk": (png_of_size(40, 40, chunk_name=b"\0\0\0\0"), "truncated .*broken PNG"),
    "larger bomb": (
        png_of_size(50_000, 50_000),
        "50000 x 50000 pixels.*MAX_IMAGE_PIXELS",
    ),
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


def test_the_same_files_in_memory():
    contents = [content for content, _ in BAD_FILES.values() if content]
    reasons = [reason for content, reason in BAD_FILES.values() if content]
    failures = {}
    good = encoded(Image.fromarray(picture()), "PNG")
    data, indices = read([*contents, good, b"", io.BytesIO()], on_error=failures.setdefault)
    assert_array_equal(data, picture()[np.newaxis])
    assert_array_equal(indices, [len(contents)])
    reasons += ["0 bytes", "0 bytes"]
    for (index, error), reason in zip(failures.items(), reasons, strict=True):
        assert error.source == f"image {index} of X"
        assert re.search(reason, error.reason)
    closed = io.BytesIO(good)
    closed.close()
    with pytest.raises(ImageError, match="closed"):
        load_image(closed)


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
def test_permission_denied(picture_files):
    path = picture_files[0][0]
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


def test_limit_of_pixels(picture_files, monkeypatch):
    paths, pictures = picture_files
    sources = [paths[0], paths[0].read_bytes(), Image.fromarray(pictures[0])]
    monkeypatch.setenv("SKFAKESPOT_MAX_IMAGE_PIXELS", "119")
    for source in sources:
        with pytest.raises(ImageError, match="12 pixels, more than the 119"):
            load_image(source)
    monkeypatch.setenv("SKFAKESPOT_MAX_IMAGE_PIXELS", "120")
    # Pillow's own limit has no influence.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 119)
    for source in sources:
        assert_array_equal(load_image(source), pictures[0])


@pytest.mark.parametrize("value", ["", "0", "-3", "many", "nan"])
@pytest.mark.parametrize("name", ["PIXELS", "BYTES", "SECONDS"])
def test_limits_that_are_no_numbers(picture_files, monkeypatch, name, value):
    monkeypatch.setenv(f"SKFAKESPOT_MAX_IMAGE_{name}", value)
    with pytest.raises(RuntimeError, match=f"SKFAKESPOT_MAX_IMAGE_{name} is '{value}'; accepted"):
        load_image(picture_files[0][0])


def test_limit_of_bytes(picture_files, monkeypatch):
    paths, pictures = picture_files
    monkeypatch.setenv("SKFAKESPOT_MAX_IMAGE_BYTES", "1000")
    with pytest.raises(ImageError, match=r"about \d+ bytes of memory, more than the 1000"):
        load_image(paths[0])
    monkeypatch.setenv("SKFAKESPOT_MAX_IMAGE_BYTES", "200")
    too_large = "an image file has no more than 200 bytes; set .*SKFAKESPOT_MAX_IMAGE_BYTES"
    with pytest.raises(ImageError, match=too_large):
        load_image(paths[0])
    # One after the other, they fit.
    monkeypatch.setenv("SKFAKESPOT_MAX_IMAGE_BYTES", "8000")
    assert_array_equal(read(paths, n_threads=4).data, pictures)


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


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("exif", [b"Exif\0\0no TIFF header", b"Exif\0\0II*\0\x08\0\0\0\x05"])
def test_damaged_exif_does_not_cost_the_pixels(tmp_path, image_format, exif):
    path = tmp_path / "face"
    path.write_bytes(encoded(Image.fromarray(picture()), image_format, exif=exif))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert load_image(path).shape == (12, 10, 3)


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
    monkeypatch.setenv("SKFAKESPOT_MAX_IMAGE_PIXELS", "100000")
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


def test_files_are_closed(picture_files):
    open_files = Path("/proc/self/fd")
    if not open_files.is_dir():
        pytest.skip("needs /proc")
    paths, _ = picture_files
    paths[3].write_bytes(BAD_FILES["png"][0])
    paths[4].write_bytes(ORIGINALS["TIFF LZW"])
    paths[5].write_bytes(ORIGINALS["GIF"])
    paths[6].write_bytes(BAD_FILES["text"][0])
    before = len(list(open_files.iterdir()))
    failures = {}
    read(paths, on_error=failures.setdefault)
    assert len(failures) >= 2
    assert len(list(open_files.iterdir())) == before
