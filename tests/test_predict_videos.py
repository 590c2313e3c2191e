# SPDX-License-Identifier: BSD-3-Clause
"""The command predict with videos among the files."""

import csv
import io
import json
import sys

import polars as pl
import pytest
from PIL import Image
from skops.io import dump, load
from videos import numbered_picture, write_video

from skfakespot import count_network_images, make_fakespotter, trusted_types
from skfakespot.cli import main
from skfakespot.video import expand_videos, iter_video_scores, read_frames

pytest.importorskip("av")

COLUMNS = ["path", "probability", "label", "n_frames", "n_scored", "time", "error"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Videos of dark and bright stripes, an empty one and a picture."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "deep").mkdir()
    write_video(folder / "dark.mp4", [*range(30), 4000, *range(19)])
    write_video(folder / "deep" / "bright.AVI", range(4000, 4050))
    (folder / "empty.mkv").touch()
    Image.fromarray(numbered_picture(4001)).save(folder / "picture.png")
    return folder


@pytest.fixture(scope="module")
def detector_file(folder):
    """A detector for which bright stripes are fake."""
    bright = folder / "deep" / "bright.AVI"
    frames = expand_videos([folder / "dark.mp4", bright], ["real", "fake"], n=12)
    detector = make_fakespotter(recipe="statistics", on_error="nan")
    dump(detector.fit(frames.data, frames.target), folder / "detector.skops")
    return str(folder / "detector.skops")


@pytest.fixture
def predict(folder, detector_file, monkeypatch, capsys):
    """Run the command in the folder; return its status, and what it prints."""
    monkeypatch.chdir(folder)

    def predict(*arguments, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        status = main(["predict", detector_file, *map(str, arguments)])
        return status, *capsys.readouterr()

    return predict


def test_a_video_is_one_line(predict, folder):
    paths = ["picture.png", "dark.mp4", "empty.mkv", "missing.mp4"]
    status, output, errors = predict(*paths, "--frames", 50)
    assert status == 2
    picture, dark, empty, missing = lines = list(csv.DictReader(io.StringIO(output)))
    assert list(picture) == COLUMNS
    assert [line["path"] for line in lines] == paths
    assert [line["label"] for line in lines] == ["fake", "real", "", ""]
    assert (dark["n_frames"], dark["n_scored"]) == ("50", "50")
    assert float(dark["time"]) == 30 / 25  # of the only bright frame
    assert (picture["n_frames"], picture["n_scored"], picture["time"]) == ("1", "1", "")
    detector = load(folder / "detector.skops", trusted=trusted_types())
    of_frames = detector.predict_proba(read_frames("dark.mp4", 50).frames)[:, 0]
    assert float(dark["probability"]) == pytest.approx(of_frames.mean(), abs=1e-4)
    reason = "the file is empty (0 bytes)"
    assert (empty["n_frames"], empty["n_scored"], empty["error"]) == ("1", "0", reason)
    assert missing["error"] == "no such file"
    assert errors.splitlines() == [
        f"skfakespot: empty.mkv: {reason}",
        "skfakespot: missing.mp4: no such file",
    ]


def test_a_video_as_json(predict):
    status, output, _ = predict("deep/bright.AVI", "picture.png", "--json")
    assert status == 0
    video, picture = map(json.loads, output.splitlines())
    assert list(video) == list(picture) == COLUMNS
    assert (video["label"], video["n_frames"], video["error"]) == ("fake", 32, None)
    assert 0 <= video["time"] < 2
    assert picture["time"] is None


def test_folders_and_patterns_find_videos(predict):
    for argument, found in [
        (".", ["dark.mp4", "deep/bright.AVI", "empty.mkv", "picture.png"]),
        ("**/*.AVI", ["deep/bright.AVI"]),
        ("*r*", ["dark.mp4", "picture.png"]),
    ]:
        _, output, _ = predict(argument, "--frames", 1)
        paths = [line["path"] for line in csv.DictReader(io.StringIO(output))]
        assert paths == found, argument
    # Without videos the table is that of images.
    _, output, _ = predict("*.png")
    assert output.startswith("path,probability,label,error\n")


def test_videos_in_the_list_on_stdin_need_the_option(predict):
    status, output, errors = predict("-", stdin="picture.png\ndark.mp4\n")
    assert status == 2
    assert output.startswith("path,probability,label,error\n")
    assert errors.splitlines()[-1] == (
        "skfakespot: 1 of the files are videos. To score 32 frames of each, give --frames 32."
    )
    status, output, errors = predict("-", "--frames", 4, stdin="picture.png\ndark.mp4\n")
    assert (status, errors) == (0, "")
    assert [line["n_frames"] for line in csv.DictReader(io.StringIO(output))] == ["1", "4"]


@pytest.mark.parametrize("number", ["0", "-1", "few"])
def test_a_wrong_number_of_frames(predict, number):
    with pytest.raises(SystemExit) as exit_:
        predict("dark.mp4", "--frames", number)
    assert exit_.value.code == 2


@pytest.mark.parametrize("name", ["scores.csv", "scores.parquet"])
def test_an_interrupted_file_goes_on_after_the_last_video(predict, tmp_path, name):
    output = tmp_path / name
    options = ["--frames", 8, "--output", output]
    assert predict("empty.mkv", "dark.mp4", *options)[0] == 2
    with count_network_images() as count:
        status, text, errors = predict("empty.mkv", "dark.mp4", "picture.png", *options)
    assert status == 2
    assert text == (
        f"1 files are labelled fake and 1 real; 1 cannot be read. The scores are in {output}\n"
    )
    assert count.n_images <= 8 + 1
    read = pl.read_csv if name.endswith("csv") else pl.read_parquet
    table = read(output)
    assert table.columns == COLUMNS
    assert table["path"].to_list() == ["empty.mkv", "dark.mp4", "picture.png"]
    assert table["n_frames"].to_list() == [1, 8, 1]
    assert table["time"].is_null().to_list() == [True, False, True]
    for paths, changed, message in [
        (["dark.mp4"], [], "row 0 is of 'empty.mkv', and image 0 of X is 'dark.mp4'"),
        (["empty.mkv", "dark.mp4"], [], "scores of 3 images, but X has only 2"),
        (["empty.mkv", "dark.mp4"], ["--frames", 9], "8 frames of 'dark.mp4', and now 9"),
    ]:
        status, _, errors = predict(*paths, *options, *changed)
        assert status == 2
        assert message in errors.splitlines()[-1]


def test_a_file_of_images_is_refused(predict, tmp_path):
    output = tmp_path / "scores.csv"
    assert predict("picture.png", "--output", output)[0] == 0
    status, _, errors = predict("picture.png", "dark.mp4", "--output", output)
    assert status == 2
    assert "does not hold scores" in errors
    assert "n_frames" in errors


def test_each_score_comes_before_the_next_video_is_read(folder, detector_file):
    taken = []

    def paths():
        for name in ("dark.mp4", "deep/bright.AVI"):
            taken.append(name)
            yield folder / name

    scores = iter_video_scores(load(detector_file, trusted=trusted_types()), paths(), n=2)
    assert next(scores).label == "real"
    assert taken == ["dark.mp4"]
    assert [score.label for score in scores] == ["fake"]


def test_without_pyav_there_is_one_error(predict, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    status, output, errors = predict("picture.png", "dark.mp4")
    assert (status, output) == (1, "")
    (line,) = errors.splitlines()
    assert line.startswith("skfakespot: Reading videos needs PyAV.")
    assert "pip install 'skfakespot[video]'" in line
    assert predict("picture.png")[0] == 0
