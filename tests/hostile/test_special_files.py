# SPDX-License-Identifier: BSD-3-Clause
"""Pipes, devices, sockets and folders in the place of files that are read: errors, no waiting."""

import json

import numpy as np
import pytest
from hostile.special_files import KINDS, limits, make_special
from PIL import Image

from skfakespot.backbones import BackboneError, load_backbone
from skfakespot.cli import main
from skfakespot.datasets import load_celeb_df, load_celeba, load_dfdc, load_faceforensics
from skfakespot.scoring import iter_scores

# Keras is imported before memory is measured.
pytestmark = pytest.mark.usefixtures("network")
REAL_KINDS = KINDS[:-1]


@pytest.mark.parametrize("name", ["dlib-resnet29", "vggface-vgg16", "vggface2-mobilenet"])
@pytest.mark.parametrize("kind", KINDS)
def test_weights(tmp_path, name, kind):
    path = make_special(tmp_path / "faceres.json", kind)
    with limits(), pytest.raises(BackboneError, match=r"faceres\.json.*Accepted is"):
        load_backbone(name, weights=path)


def test_weights_of_another_size(tmp_path):
    path = tmp_path / "sparse.dat"
    path.touch()
    with path.open("r+b") as file:
        file.truncate(2**40)
    with limits(), pytest.raises(BackboneError, match="no more than 67,108,864 bytes"):
        load_backbone("dlib-resnet29", weights=path)
    with limits(), pytest.raises(BackboneError, match="damaged or of another network"):
        load_backbone("vggface-vgg16", weights=path)


@pytest.mark.parametrize("kind", REAL_KINDS)
def test_lists_of_data_sets(tmp_path, kind):
    """None is waited for; what is no regular file is an error that names it, or is not found."""
    frames = tmp_path / "Celeb-real" / "frames" / "id0_0000"
    for folder in ("YouTube-real", "Celeb-synthesis", "img_align_celeba", "train"):
        (tmp_path / folder).mkdir()
    frames.mkdir(parents=True)
    for path in (frames / "0.png", tmp_path / "img_align_celeba" / "000001.png"):
        Image.new("L", (2, 2)).save(path)
    names = ("List_of_testing_videos.txt", "list_eval_partition.txt", "metadata.json", "train.json")
    for name in names:
        make_special(tmp_path / name, kind)
    with limits():
        for load in (load_celeb_df, load_celeba):
            with pytest.raises(ValueError, match=r"List_of_testing|list_eval.*cannot be read"):
                load(tmp_path, subset="test")
        for load in (load_dfdc, load_faceforensics):
            with pytest.raises((ValueError, OSError)):
                load(tmp_path)


@pytest.mark.parametrize(
    "content", ["[", "[" * 100_000, "3", "null", '{"a.mp4": 3}', '{"a.mp4": {"label": []}}']
)
def test_lists_that_are_no_lists(tmp_path, content):
    (tmp_path / "metadata.json").write_text(content)
    with pytest.raises(ValueError, match=r"metadata\.json"):
        load_dfdc(tmp_path)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("kind", REAL_KINDS)
def test_files_of_scores(tmp_path, suffix, kind):
    pytest.importorskip("polars")
    path = make_special(tmp_path / f"scores.{suffix}", kind)
    with limits(), pytest.raises(ValueError, match="cannot hold scores: it is"):
        list(iter_scores(None, ["a.png"], output=path))


def test_a_file_of_scores_without_line_ends(tmp_path):
    path = tmp_path / "scores.csv"
    with path.open("wb") as file:
        file.write(b"path,probability,label,error\n")
        file.truncate(2**33)
    with limits(megabytes=100), pytest.raises(ValueError, match="has 1,048,576 bytes or more"):
        list(iter_scores(None, ["a.png"], output=path))
    assert path.stat().st_size == 2**33


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_the_command_line(tmp_path, capsys, kind):
    rng = np.random.default_rng(0)
    for label in ("real", "fake"):
        (tmp_path / label).mkdir()
        pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / label / "0.png")
    path = make_special(tmp_path / "groups.csv", kind)
    folders = [f"--real={tmp_path / 'real'}", f"--fake={tmp_path / 'fake'}"]
    with limits():
        assert main(["evaluate", *folders, "--groups", str(path), "--json"]) == 2
        assert "groups.csv cannot be read" in capsys.readouterr().err
        assert main(["predict", str(path), str(tmp_path / "real" / "0.png")]) == 2
        assert "groups.csv" in capsys.readouterr().err


def test_the_lists_themselves_are_read(tmp_path):
    frames = tmp_path / "train" / "a"
    frames.mkdir(parents=True)
    Image.new("L", (2, 2)).save(frames / "0.png")
    entry = {"a.mp4": {"label": "REAL", "split": "train"}}
    (tmp_path / "train" / "metadata.json").write_text(json.dumps(entry))
    assert len(load_dfdc(tmp_path).data) == 1
