# SPDX-License-Identifier: BSD-3-Clause
"""The command ``explain``."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from networks import small_network, varied_images
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skfakespot import NeuronCoverageTransformer
from skfakespot.cli import main
from skfakespot.cli._detectors import save_detector

IMAGES = varied_images(12)


@pytest.fixture(scope="module")
def detector_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("detector") / "detector.joblib"
    steps = [
        ("coverage", NeuronCoverageTransformer(small_network())),
        ("scale", StandardScaler()),
        ("classify", LogisticRegression()),
    ]
    save_detector(Pipeline(steps).fit(IMAGES, [0, 1] * 6), file, "joblib")
    return str(file)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("a/face.png", "b/face.PNG", "b/<b>&\"'$x$.png")):
        Path(name).parent.mkdir(exist_ok=True)
        Image.fromarray(IMAGES[number]).save(name)
    Path("b/broken.jpg").write_bytes(b"no image")
    Path("b/film.mp4").touch()
    return tmp_path


def test_each_image_has_a_picture_and_a_line(detector_file, photos, capsys):
    command = ["explain", detector_file, "a", "b", "--output", "new/out", "--trust", "--html"]
    assert main(command) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("skfakespot: b/broken.jpg: ")
    lines = list(csv.DictReader(io.StringIO(captured.out)))
    assert list(lines[0]) == ["path", "probability", "picture", "error"]
    pictures = {line["path"]: line["picture"] for line in lines}
    assert pictures == {
        "a/face.png": "new/out/face-explained.png",
        "b/<b>&\"'$x$.png": "new/out/<b>&\"'$x$-explained.png",
        "b/broken.jpg": "",
        "b/face.PNG": "new/out/face-explained-2.png",
    }
    for picture in filter(None, pictures.values()):
        with Image.open(picture) as drawn:
            assert drawn.size[0] == 600
    page = Path("new/out/index.html").read_text()
    assert re.findall('src="([^"]*)"', page) == [
        "face-explained.png",
        "%3Cb%3E%26%22%27%24x%24-explained.png",
        "face-explained-2.png",
    ]
    assert "<b>" not in page
    assert "<script" not in page
    assert "http" not in page
    assert "<li>b/broken.jpg: " in page
    files = {path.name for path in Path("new/out").iterdir()}
    assert files == {"index.html", *(Path(each).name for each in filter(None, pictures.values()))}


def test_json_and_a_second_run(detector_file, photos, capsys):
    command = ["explain", detector_file, "a/face.png", "--output", ".", "--trust", "--json"]
    for _ in range(2):
        assert main(command) == 0
        result = json.loads(capsys.readouterr().out)
        assert 0 < result.pop("probability") < 1
        assert result == {"path": "a/face.png", "picture": "face-explained.png", "error": None}
    assert not Path("index.html").exists()


def test_a_picture_never_replaces_an_image(detector_file, photos, capsys):
    Path("face-explained.png").write_bytes(Path("a/face.png").read_bytes())
    images = ["a/face.png", "face-explained.png"]
    command = ["explain", detector_file, *images, "--output", ".", "--trust", "--json"]
    assert main(command) == 0
    results = map(json.loads, capsys.readouterr().out.splitlines())
    assert [result["picture"] for result in results] == [
        "face-explained-2.png",
        "face-explained-explained.png",
    ]
    assert Path("face-explained.png").read_bytes() == Path("a/face.png").read_bytes()


def test_input_that_is_refused(detector_file, photos, capsys):
    command = ["explain", detector_file, "a/face.png", "--output"]
    assert main([*command, "out"]) == 2
    assert "--trust" in capsys.readouterr().err
    assert main([*command, "a/face.png", "--trust"]) == 2
    assert "a/face.png" in capsys.readouterr().err
    assert main(["explain", detector_file, "x*.png", "--output", "out", "--trust"]) == 2
    assert "No image matches" in capsys.readouterr().err


def test_without_matplotlib(detector_file, photos, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert main(["explain", detector_file, "a", "--output", "out", "--trust"]) == 1
    assert "pip install 'skfakespot[plot]'" in capsys.readouterr().err
