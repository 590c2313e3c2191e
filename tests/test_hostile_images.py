# SPDX-License-Identifier: BSD-3-Clause
"""Image files that would take much memory or time: they are refused, or they take little."""

import json
import os
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import fuzz_image_headers
import numpy as np
import pytest
from hostile_images import (
    ATTACKS,
    SLOW,
    jpeg_of_scans,
    jpeg_of_size,
    png_file,
    tiff_file,
    webp_of_size,
)

import skfakespot
from skfakespot.images import ImageError, as_samples, load_image, read_header

SIZE = (150, 150)


def run(script, *arguments):
    """Run a script of this folder in a process of its own, and return what it prints."""
    script = Path(__file__).with_name(script)
    paths = [str(Path(skfakespot.__file__).parents[1]), str(script.parent)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, script, *arguments]
    return subprocess.check_output(command, env=environment, text=True)


def read(content):
    (batch,) = as_samples([content]).batches(image_size=SIZE, batch_size=1)
    return batch.data[0]


@pytest.mark.parametrize("attack", sorted(set(ATTACKS) - SLOW))
def test_what_is_refused(attack):
    make, reason = ATTACKS[attack]
    content = make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if reason is None:
            assert read(content).shape == (*SIZE, 3)
        else:
            with pytest.raises(ImageError, match=f"image 0 of X: .*{reason}"):
                read(content)


@pytest.mark.filterwarnings("ignore:Tag data larger than file", "ignore:Truncated File Read")
def test_a_tag_that_claims_more_than_the_file_holds_is_left_out():
    layout = {256: [4], 257: [4], 258: [8], 259: [1], 262: [1], 273: [8], 277: [1], 278: [4]}
    tags = {number: (4, values) for number, values in layout.items()} | {279: (4, [16])}
    content = tiff_file({**tags, 1001: (7, range(40))}, bytes(range(16)))
    entry = struct.pack("<HHI", 1001, 7, 40)
    assert entry in content
    claiming = content.replace(entry, struct.pack("<HHI", 1001, 7, 1 << 20))
    expected = np.repeat(np.arange(16, dtype=np.uint8).reshape(4, 4, 1), 3, axis=2)
    np.testing.assert_array_equal(load_image(claiming), expected)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_memory_and_time_of_all_attacks():
    output = run("measure_hostile_images.py")
    for attack, (seconds, megabytes, _) in json.loads(output.splitlines()[-1]).items():
        assert megabytes < 500, attack
        assert seconds < (60 if "16 pictures" in attack or "the same" in attack else 5), attack


def test_a_limit_can_be_raised(monkeypatch):
    content = webp_of_size(5000, 5000)
    with pytest.raises(ImageError, match="SKFAKESPOT_MAX_IMAGE_BYTES"):
        read(content)
    monkeypatch.setenv("SKFAKESPOT_MAX_IMAGE_BYTES", "800000000")
    assert read(content).shape == (*SIZE, 3)


@pytest.mark.parametrize("size", [(9504, 6336), (8688, 5792), (6000, 4000)])
def test_photographs_of_cameras_are_read(size):
    """60, 50 and 24 megapixels: Sony A7R IV, Canon 5DS, and most cameras."""
    assert read(jpeg_of_size(*size)).shape == (*SIZE, 3)


def test_progressive_photographs_are_read():
    assert read(jpeg_of_scans(8, 6000, 4000)).shape == (*SIZE, 3)


def test_time_is_limited(monkeypatch):
    content = jpeg_of_scans(87, 3900, 3900)
    monkeypatch.setenv("SKFAKESPOT_MAX_IMAGE_SECONDS", "0.1")
    with pytest.raises(ImageError, match=r"more than 0\.1 s of processor time"):
        load_image(content)


def test_the_header_of_an_image_that_is_not_decoded():
    assert read_header(webp_of_size(9400, 9400)).width == 9400
    with pytest.raises(ImageError, match="20000 segments"):
        read_header(ATTACKS["JPEG of 3,000,000 comments"][0]())


@pytest.mark.parametrize("n_threads", [1, 2, 16])
def test_images_wait_for_memory(monkeypatch, n_threads):
    """Each image alone takes nearly all of the memory that is allowed."""
    content = png_file(1000, 1000)
    monkeypatch.setenv("SKFAKESPOT_MAX_IMAGE_BYTES", "9000000")
    (batch,) = as_samples([content] * 20).batches(
        image_size=SIZE, batch_size=32, n_threads=n_threads
    )
    assert len(batch.indices) == 20


def test_large_images_at_their_own_size_are_in_order():
    large, small = png_file(1300, 1300), png_file(40, 30)
    shapes = [pixels.shape[:2] for _, pixels in as_samples([small, large, small, large]).images()]
    assert shapes == [(30, 40), (1300, 1300)] * 2


@pytest.mark.parametrize("tag", [258, 277, 278, 322, 323])
@pytest.mark.parametrize("kind", [2, 7])
def test_tiff_tags_that_are_no_numbers(tag, kind):
    """Found by fuzzing: the size of a strip was computed from bytes."""
    tags = {
        256: (4, [8]),
        257: (4, [8]),
        258: (3, [8]),
        262: (3, [1]),
        273: (4, [8]),
        279: (4, [64]),
    }
    content = tiff_file(tags | {tag: (kind, [8, 8])}, bytes(64))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ImageError, match="damaged or truncated"):
            load_image(content)


def test_damaged_headers():
    for seed in range(300):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fuzz_image_headers.read(fuzz_image_headers.damaged_file(seed))


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_damaged_headers_for_a_while():
    seconds = os.environ.get("SKFAKESPOT_FUZZ_SECONDS", "60")
    assert "no failure" in run("fuzz_image_headers.py", "--seconds", seconds)
