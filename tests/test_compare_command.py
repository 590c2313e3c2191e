# SPDX-License-Identifier: BSD-3-Clause
"""The command compare."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from skfakespot.cli import main
from skfakespot.comparison import compare_detectors, list_detectors, make_detectors
from skfakespot.datasets import load_face_folders

CHEAP = ["--methods", "saturation,cooccurrence"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Twelve real images, twelve fakes with bright pixels, and four more fakes."""
    root, random = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    for label, count in (("real", 12), ("fake", 12), ("others", 4)):
        (root / label).mkdir()
        for number in range(count):
            image = random.integers(0, 200, (12, 12, 3)).astype(np.uint8)
            if label != "real":
                image[: random.integers(1, 4)] = 255
            Image.fromarray(image).save(root / label / f"{number:02}.png")
    return root


@pytest.fixture
def command(folders):
    return ["compare", "--real", str(folders / "real"), "--fake", str(folders / "fake"), *CHEAP]


def test_the_table_is_that_of_the_function(command, folders, capfd):
    assert main([*command, "--folds", "3", "--seed", "7"]) == 0
    captured = capfd.readouterr()
    assert captured.err == ""
    faces = load_face_folders(folders, real=None, fake=None)
    expected = compare_detectors(
        make_detectors(["saturation", "cooccurrence"], random_state=7),
        faces.data,
        faces.target,
        cv=3,
        random_state=7,
    )
    # Without the times, which are the last columns of the first table.
    printed, computed = (
        [line.split(" ms")[0].rsplit(" ", 1)[0].rstrip() for line in str(text).splitlines()]
        for text in (captured.out, expected)
    )
    assert [line.rstrip("= ") for line in printed] == [line.rstrip("= ") for line in computed]


def test_json_and_figure(command, folders, tmp_path, capfd):
    picture = tmp_path / "bars.png"
    options = ["--json", "--folds", "2", "--figure", str(picture)]
    options += ["--zero-shot", str(folders / "others")]
    assert main([*command, *options]) == 0
    report = json.loads(capfd.readouterr().out)
    name = str(folders / "others")
    rows = report.pop("results")
    assert report == {
        "n_real": 12,
        "n_fake": 12,
        "n_folds": 2,
        "seed": 0,
        "perturbations": ["compression 50", "resize 0.5", "noise 0.006", "blur 1.5"],
        "zero_shot": [name],
        "figure": str(picture),
    }
    assert [row["detector"] for row in rows] == ["saturation", "cooccurrence"]
    columns = ["auc", "tpr_at_1_percent_fpr", "tpr_at_5_percent_fpr", "drop"]
    columns += [f"paper_{metric}" for metric in ("precision", "recall", "f1", "accuracy")]
    columns += [f"paper_{metric}" for metric in ("ap", "auc", "fpr", "fnr")]
    columns += [f"{name}_auc", f"{name}_tpr_at_1_percent_fpr", f"{name}_tpr_at_5_percent_fpr"]
    others = {"detector", "image_milliseconds", "n_features", "training_seconds", "n_missing"}
    assert set(rows[0]) == {*columns, *(f"{column}_std" for column in columns), *others, "error"}
    assert rows[0]["auc"] > 0.9
    assert rows[0][f"{name}_auc"] > 0.9
    assert rows[0]["n_features"] == 32
    with Image.open(picture) as image:
        assert image.size[0] == 800
        assert len(image.getcolors(maxcolors=2**20)) > 10


def test_a_detector_that_fails_has_a_row_and_status_1(command, capfd):
    methods = ["--methods", "residual-cooccurrence,saturation"]
    assert main([*command, *methods, "--folds", "2"]) == 1
    text = capfd.readouterr().out
    assert "residual-cooccurrence failed: ImageError: " in text
    assert "12 x 12 pixels" in text
    assert "\nsaturation " in text
    assert main([*command, *methods, "--folds", "2", "--json"]) == 1
    failed, other = json.loads(capfd.readouterr().out)["results"]
    assert failed["error"].startswith("ImageError: ")
    assert failed["auc"] is None
    assert other["error"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--methods", "saturatoin"], "'saturatoin' (did you mean 'saturation'?)"),
        (["--methods", ""], "There is no detector ''"),
        (["--folds", "13"], "13 folds of 12 real and 12 fake images"),
        (["--figure", "no/such/folder.png"], "there is no folder"),
        (["--zero-shot", "nowhere"], "nowhere"),
        (["--groups", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(
    command, options, message, monkeypatch, tmp_path, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main([*command, *options]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_wrong_name_lists_all_detectors(command, capsys):
    assert main([*command, "--methods", "xception"]) == 2
    assert ", ".join(list_detectors()) in capsys.readouterr().err


def test_faces_that_are_trained_on_are_not_tested_as_others(command, folders, capsys):
    assert main([*command, "--zero-shot", str(folders / "fake")]) == 2
    assert "holds 12 of the faces that are trained on" in capsys.readouterr().err


def test_further_faces_may_be_real_too(command, folders, tmp_path, capsys):
    shutil.copytree(folders / "others", tmp_path / "fake")
    shutil.copytree(folders / "real", tmp_path / "real")
    options = ["--folds", "2", "--json", "--zero-shot", str(tmp_path)]
    assert main([*command, *options]) == 0
    row, _ = json.loads(capsys.readouterr().out)["results"]
    assert row[f"{tmp_path}_auc"] == 1.0


def test_unreadable_faces_are_left_out(command, folders, tmp_path, capsys):
    shutil.copytree(folders / "real", tmp_path / "real")
    (tmp_path / "real" / "broken.png").write_bytes(b"")
    command[command.index("--real") + 1] = str(tmp_path / "real")
    assert main([*command, "--folds", "2"]) == 2
    assert "1 of 25 images cannot be read" in capsys.readouterr().err
    assert main([*command, "--folds", "2", "--json", "--on-error", "skip"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n_real"] == 12
    assert [each["path"] for each in report["skipped"]] == [str(tmp_path / "real" / "broken.png")]


def test_groups_are_kept_together(command, folders, tmp_path, capsys):
    """Two groups of each class cannot be divided among three folds."""
    groups = tmp_path / "groups.csv"
    paths = sorted((*folders.glob("real/*"), *folders.glob("fake/*")))
    groups.write_text("".join(f"{path},{int(path.stem) // 6}\n" for path in paths))
    options = ["--groups", str(groups), "--json", "--folds"]
    assert main([*command, *options, "3"]) == 2
    assert "3 folds of 2 real and 2 fake groups" in capsys.readouterr().err
    assert main([*command, *options, "2"]) == 0
    assert json.loads(capsys.readouterr().out)["n_folds"] == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for other processes")
def test_ctrl_c_ends_with_130_and_one_line(command, folders, tmp_path):
    """While the detectors are trained, of which one writes its features."""
    program = "import sys; from skfakespot.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", program, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        while not list(tmp_path.glob("*/features")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert (process.returncode, output, errors) == (130, "", "skfakespot: interrupted\n")
    assert not list(tmp_path.iterdir())
