# SPDX-License-Identifier: BSD-3-Clause
"""Audits of the facts of files, alone and in the command evaluate."""

import dataclasses
import json
import os
import warnings

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binom

from skfakespot.cli import main
from skfakespot.datasets import SuspectDataWarning, format_audit, load_face_folders
from skfakespot.images import ImageError, read_header


def write(folder, number, suffix=".jpg", seed=None, size=(48, 48), mode="RGB", **options):
    """Save a picture; the pictures of all calls are of one kind."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(number if seed is None else seed)
    pixels = random.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).convert(mode)
    image.save(folder / f"{number:03}{suffix}", **options)


def tree(root, real, fake, n=25):
    for label, (name, options) in enumerate({"real": real, "fake": fake}.items()):
        for number in range(n):
            write(root / name, number, seed=2 * number + label, **options)
    return load_face_folders(root)


@pytest.mark.parametrize(
    ("real", "fake", "fact"),
    [
        ({"quality": 90}, {"suffix": ".png"}, "format"),
        ({"quality": 90}, {"quality": 85}, "jpeg_tables"),
        ({"quality": 90}, {"quality": 60}, "bytes_per_pixel"),
        ({"subsampling": "4:4:4"}, {"subsampling": "4:2:0"}, "jpeg_subsampling"),
        ({"size": (48, 48)}, {"size": (48, 52)}, "height"),
        ({"suffix": ".png"}, {"suffix": ".png", "mode": "RGBA"}, "mode"),
    ],
)
def test_what_tells_the_classes_apart_is_found(tmp_path, real, fake, fact):
    faces = tree(tmp_path, real, fake)
    with pytest.warns(SuspectDataWarning, match="suspect") as caught:
        audit = format_audit(faces.data, faces.target)
    assert audit.suspect
    assert audit.auc == 1
    assert 0.8 < audit.auc_low < audit.auc_high == 1
    assert audit.facts[fact] > 0.9
    assert fact in str(caught[0].message)
    assert list(audit.facts.values()) == sorted(audit.facts.values(), reverse=True)
    assert (audit.n_real, audit.n_fake) == (25, 25)
    assert caught[0].filename == __file__


def test_one_pipeline_raises_no_alarm(tmp_path):
    faces = tree(tmp_path, {"quality": 75}, {"quality": 75}, n=60)
    audit = format_audit(faces.data, faces.target)
    assert not audit.suspect
    assert audit.auc_low < 0.55
    assert set(audit.facts) == {"file_size", "bytes_per_pixel"}
    assert "jpeg_tables" in audit.constant_facts
    assert "do not tell the classes apart" in str(audit)


def test_string_labels_are_the_same_and_the_audit_is_reproducible(tmp_path):
    faces = tree(tmp_path, {"quality": 75}, {"quality": 75})
    audit = format_audit(faces.data, faces.target)
    assert audit == format_audit(faces.data, np.array(["real", "fake"])[faces.target])
    assert dataclasses.asdict(audit)["facts"] == audit.facts


def test_the_limit_decides(tmp_path):
    faces = tree(tmp_path, {"quality": 90}, {"suffix": ".png"})
    assert not format_audit(faces.data, faces.target, limit=0.99).suspect
    with pytest.raises(ValueError, match=r"limit=0\.3; accepted are AUCs from 0.5"):
        format_audit(faces.data, faces.target, limit=0.3)


@pytest.mark.long
def test_small_samples_raise_few_false_alarms():
    """Facts that have nothing to do with the labels, in sets of 3 to 24 images a class."""
    random, alarms, n_audits = np.random.default_rng(0), 0, 40
    for _ in range(n_audits):
        n = random.integers(3, 25)
        shapes = random.integers(20, 90, (2 * n, 2))
        images = [np.zeros((*shape, 3), np.uint8) for shape in shapes]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SuspectDataWarning)
            alarms += format_audit(images, np.repeat([0, 1], n)).suspect
    assert alarms <= binom.ppf(0.999, n_audits, 0.03)


def test_frames_of_few_videos_are_no_large_sample():
    """Each video has a size of its own: without groups that looks like a cue."""
    random = np.random.default_rng(0)
    video, y = np.repeat(np.arange(8), 30), np.repeat([0, 1], 120)
    sides = random.permutation(np.arange(40, 48))[video]
    images = [np.zeros((side, 40), np.uint8) for side in sides]
    with pytest.warns(SuspectDataWarning):
        format_audit(images, y)
    audit = format_audit(images, y, groups=video)
    assert not audit.suspect
    assert audit.auc_high - audit.auc_low > 0.3


def test_images_in_memory_have_dimensions_and_what_pillow_knows(tmp_path):
    write(tmp_path, 0, quality=80)
    with Image.open(tmp_path / "000.jpg") as image:
        assert read_header(image)._replace(n_bytes=None) == read_header(
            tmp_path / "000.jpg"
        )._replace(n_bytes=None)
    assert read_header(np.zeros((3, 5)))[1:4] == ("L", 5, 3)
    audit = format_audit(np.zeros((20, 8, 9, 3), np.uint8), np.tile([0, 1], 10))
    assert (audit.auc, audit.facts, audit.suspect) == (0.5, {}, False)
    assert "width" in audit.constant_facts


def test_headers_are_facts_of_the_file(tmp_path):
    write(tmp_path, 1, quality=50, subsampling="4:2:2", size=(40, 24))
    write(tmp_path, 2, ".png", mode="L")
    write(tmp_path, 3, mode="L")
    header = read_header(tmp_path / "001.jpg")
    assert header[:4] == ("JPEG", "RGB", 40, 24)
    assert header.subsampling == "4:2:2"
    assert header.n_bytes == (tmp_path / "001.jpg").stat().st_size
    # The luminance table that the JPEG standard gives as an example is that of quality 50.
    assert header.quantization[0][:4] == (16, 11, 10, 16)
    assert read_header(str(tmp_path / "002.png"))[:2] == ("PNG", "L")
    assert read_header((tmp_path / "001.jpg").read_bytes()) == header
    assert read_header(tmp_path / "003.jpg").subsampling == "none"


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_a_file_that_is_no_image_is_named(tmp_path, content):
    faces = tree(tmp_path, {}, {}, n=3)
    broken = tmp_path / "real" / "001.jpg"
    broken.unlink()
    if content is not None:
        broken.write_bytes(content)
    with pytest.raises(ImageError, match=r"real/001\.jpg"):
        format_audit(faces.data, faces.target)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match=r"pipe\.jpg: it is not a regular file"):
        read_header(tmp_path / "pipe.jpg")


def test_what_cannot_be_audited_is_refused():
    images = [np.zeros((4, 4))] * 4
    with pytest.raises(ValueError, match="images of exactly two"):
        format_audit(images, [1, 1, 1, 1])
    with pytest.raises(ValueError, match="images of real and fake faces: 3 and 1"):
        format_audit(images, [0, 0, 0, 1])
    with pytest.raises(ValueError, match="groups of real and fake faces: 1 and 2"):
        format_audit(images, [0, 0, 1, 1], groups=[1, 1, 2, 3])
    with pytest.raises(ValueError, match="no fold with real and fake"):
        format_audit(images, [0, 0, 1, 1], groups=[1, 2, 1, 3])
    with pytest.raises(ValueError, match="rows of numbers"):
        format_audit(np.zeros((4, 5)), [0, 0, 1, 1])


def test_evaluate_says_whether_its_scores_are_suspect(tmp_path, capfd):
    tree(tmp_path, {"quality": 75}, {"suffix": ".png"}, n=12)
    command = ["evaluate", "--real", str(tmp_path / "real"), "--fake", str(tmp_path / "fake")]
    assert main(command) == 0
    printed = capfd.readouterr()
    assert "\n\nWARNING: these scores are suspect.\nFile facts alone reach" in printed.out
    # It is no Python warning, which would name a line of this package.
    assert printed.err == ""
    groups = tmp_path / "groups.csv"
    paths = sorted(tmp_path.glob("*/*.*"))
    groups.write_text("".join(f"{path},{path.stem[-1]}\n" for path in paths))
    assert main([*command, "--json", "--groups", str(groups)]) == 0
    audit = json.loads(capfd.readouterr().out)["format_audit"]
    assert audit["auc"] == 1
    assert audit["suspect"]
    assert audit["facts"]["format"] == 1
    assert audit["constant_facts"] == ["mode", "width", "height"]


def test_evaluate_goes_on_where_the_groups_allow_no_audit(tmp_path, capsys):
    people = {"real": (2, 3, 1, 4), "fake": (1, 2, 2, 2, 2, 2)}
    lines = []
    for label, some in people.items():
        for number, person in enumerate(some):
            write(tmp_path / label, number)
            lines.append(f"{label}/{number:03}.jpg,{person}\n")
    (tmp_path / "groups.csv").write_text("".join(lines))
    command = ["evaluate", "--real", str(tmp_path / "real"), "--fake", str(tmp_path / "fake")]
    command += ["--groups", str(tmp_path / "groups.csv")]
    assert main([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["format_audit"].startswith("not possible: The groups leave no fold")
    assert main(command) == 0
    assert "\nAudit of the files: not possible: The groups" in capsys.readouterr().out
