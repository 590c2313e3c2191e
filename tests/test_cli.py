# SPDX-License-Identifier: BSD-3-Clause

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import polars as pl
import pytest
import skops.io
from PIL import Image

from skfakespot import __version__, count_network_images, trusted_types
from skfakespot.cli import main

METRICS = ["precision", "recall", "f1", "accuracy", "ap", "auc", "fpr", "fnr"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Twenty real images, and twenty with a checkerboard over them."""
    root = tmp_path_factory.mktemp("faces")
    random = np.random.default_rng(0)
    for label in ("real", "fake"):
        (root / label).mkdir()
        for number in range(20):
            image = random.integers(60, 200, (4, 4, 3)).astype(np.uint8)
            image = image.repeat(16, axis=0).repeat(16, axis=1)
            if label == "fake":
                image += (20 * (np.indices((64, 64)).sum(axis=0) % 2)).astype(np.uint8)[:, :, None]
            Image.fromarray(image).save(root / label / f"{number:02}.png")
    return root


@pytest.fixture(scope="module")
def detector_file(folders, tmp_path_factory):
    file = tmp_path_factory.mktemp("detector") / "detector.skops"
    assert main(["train", *folder_options(folders), "--output", str(file)]) == 0
    return file


def folder_options(folders):
    return ["--real", str(folders / "real"), "--fake", str(folders / "fake")]


def test_evaluate_prints_eight_metrics_in_both_conventions(folders, capfd):
    assert main(["evaluate", *folder_options(folders)]) == 0
    captured = capfd.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].startswith("Trained on 30 images, tested on 10 others, seed 0")
    assert lines[2].split() == ["metric", "standard", "paper"]
    assert [line.split()[0] for line in lines[4:12]] == METRICS
    # No progress bars and no notes of TensorFlow's where stderr is no terminal.
    assert captured.err == ""


def test_evaluate_as_json_is_reproducible(folders, capsys):
    command = ["evaluate", *folder_options(folders), "--json", "--seed", "3", "--test-size", "0.5"]
    reports = []
    for _ in range(2):
        assert main(command) == 0
        reports.append(json.loads(capsys.readouterr().out))
        assert reports[-1].pop("seconds") > 0
    assert reports[0] == reports[1]
    assert list(reports[0]["standard"]) == list(reports[0]["paper"]) == METRICS
    assert (reports[0]["n_train"], reports[0]["n_test"], reports[0]["n_fake_in_test"]) == (
        20,
        20,
        10,
    )


def test_evaluate_with_the_statistics_of_two_networks(folders, capsys):
    command = ["evaluate", *folder_options(folders), "--json", "--recipe", "statistics"]
    command += ["--backbone", "dlib-resnet29", "dlib-resnet29", "--weights", "default", "random"]
    assert main(command) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["standard"]["auc"] == 1.0
    assert report["backbone"] == "dlib-resnet29 dlib-resnet29"
    assert (report["recipe"], report["features"]) == ("statistics", "channel")


def test_weights_are_one_for_each_backbone(folders, capsys):
    command = ["evaluate", *folder_options(folders), "--weights", "a.h5", "b.h5"]
    assert main(command) == 2
    assert "--weights names 2 files and --backbone 1 networks" in capsys.readouterr().err


def test_evaluate_keeps_groups_on_one_side(folders, tmp_path, capsys):
    """Five groups of eight: a quarter of the images is two of them at most."""
    file = tmp_path / "groups.csv"
    paths = sorted(folders.glob("*/*.png"))
    file.write_text("".join(f"{path},{int(path.stem) // 4}\n" for path in paths))
    assert main(["evaluate", *folder_options(folders), "--json", "--groups", str(file)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n_test"] % 8 == 0
    assert report["n_train"] + report["n_test"] == 40


@pytest.mark.parametrize("names", [{"real": "A", "fake": "B"}, {"real": "A", "fake": "A"}])
def test_groups_that_cannot_be_divided_are_refused(folders, tmp_path, capsys, names):
    file = tmp_path / "groups.csv"
    paths = sorted(folders.glob("*/*.png"))
    file.write_text("".join(f"{path},{names[path.parent.name]}\n" for path in paths))
    assert main(["evaluate", *folder_options(folders), "--groups", str(file)]) == 2
    message = capsys.readouterr().err
    assert "no 25% of the faces can be tested on" in message
    n_groups = len(set(names.values()))
    assert f"The number of groups is {n_groups}. Give more groups, or another" in message


def test_groups_may_be_relative_to_their_file(folders, capsys):
    file = folders / "groups.csv"
    paths = sorted(path.relative_to(folders) for path in folders.glob("*/*.png"))
    file.write_text("".join(f"{path},{path.stem}\n" for path in paths))
    assert main(["evaluate", *folder_options(folders), "--json", "--groups", str(file)]) == 0
    file.write_text(f"{paths[0]},a\n")
    assert main(["evaluate", *folder_options(folders), "--groups", str(file)]) == 2
    assert "gives no group for 39 of 40 images" in capsys.readouterr().err
    file.write_text("only one column\n")
    assert main(["evaluate", *folder_options(folders), "--groups", str(file)]) == 2
    assert "line 1" in capsys.readouterr().err


def load(file):
    return skops.io.load(file, trusted=trusted_types())


def table(text):
    """The lines of a CSV text."""
    return list(csv.DictReader(io.StringIO(text)))


def without_progress(text):
    """The lines of stderr other than the reports of progress."""
    return [line for line in text.splitlines() if not line.startswith("[skfakespot]")]


@pytest.fixture
def two_faces(folders):
    return [str(folders / "real" / "00.png"), str(folders / "fake" / "00.png")]


def test_a_detector_can_be_read_by_whoever_can_read_other_files(detector_file, tmp_path):
    (tmp_path / "file").touch()
    assert detector_file.stat().st_mode == (tmp_path / "file").stat().st_mode


def test_train_then_predict(two_faces, detector_file, capsys):
    assert main(["predict", str(detector_file), *two_faces]) == 0
    captured = capsys.readouterr()
    lines = table(captured.out)
    assert list(lines[0]) == ["path", "probability", "label", "error"]
    assert [line["path"] for line in lines] == two_faces
    expected = load(detector_file).predict_proba(two_faces)[:, 1]
    assert [float(line["probability"]) for line in lines] == pytest.approx(expected, abs=1e-4)
    assert [line["label"] for line in lines] == ["fake" if p >= 0.5 else "real" for p in expected]
    assert captured.err == ""


def test_predict_reports_unreadable_files_and_goes_on(two_faces, detector_file, tmp_path, capsys):
    broken, missing = str(tmp_path / "broken.jpg"), str(tmp_path / "missing, yet.jpg")
    Path(broken).write_bytes(b"no image")
    paths = [broken, two_faces[0], missing]
    assert main(["predict", str(detector_file), *paths]) == 2
    captured = capsys.readouterr()
    lines = table(captured.out)
    assert [line["path"] for line in lines] == paths
    assert [bool(line["error"]) for line in lines] == [True, False, True]
    assert (lines[2]["probability"], lines[2]["label"]) == ("", "")
    assert lines[2]["error"] == "no such file"
    assert [line.split(": ")[1] for line in captured.err.splitlines()] == [broken, missing]

    assert main(["predict", str(detector_file), *paths, "--json"]) == 2
    results = list(map(json.loads, capsys.readouterr().out.splitlines()))
    assert [result["path"] for result in results] == paths
    assert results[1]["probability"] == float(lines[1]["probability"])
    assert results[1]["error"] is None
    assert results[2] == {
        "path": missing,
        "probability": None,
        "label": None,
        "error": "no such file",
    }


def test_predict_with_a_threshold(two_faces, detector_file, capsys):
    for threshold, label in [("0.0001", "fake"), ("0.9999", "real")]:
        assert main(["predict", str(detector_file), two_faces[0], "--threshold", threshold]) == 0
        (line,) = table(capsys.readouterr().out)
        assert line["label"] == label


def test_predict_takes_folders_and_patterns(folders, tmp_path, detector_file, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b/deep/er/1.png", "b/0.PNG", "a[1].png", "c1.png", "c2.png", "b/.hidden.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folders / "real" / "00.png", name)
    Path("b/notes.txt").touch()

    def predicted(*images):
        assert main(["predict", str(detector_file), *images]) == 0
        return [line["path"] for line in table(capsys.readouterr().out)]

    in_b = [str(Path("b/0.PNG")), str(Path("b/deep/er/1.png"))]
    assert predicted("c1.png", "b", "a[1].png") == ["c1.png", *in_b, "a[1].png"]
    assert predicted("c?.png", "b/**") == ["c1.png", "c2.png", *in_b]
    assert predicted("**/*.png") == ["a[1].png", in_b[1], "c1.png", "c2.png"]
    Path("empty").mkdir()
    for argument, message in [
        ("x*.png", "No image matches 'x*.png'"),
        ("empty", "holds no images"),
    ]:
        assert main(["predict", str(detector_file), "c1.png", argument]) == 2
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.out == ""


@pytest.mark.parametrize(
    ("options", "end"), [([], "\n"), ([], "\r\n"), (["-0"], "\0"), (["--null"], "\0")]
)
def test_predict_takes_a_list_on_stdin(two_faces, detector_file, options, end, capsys, monkeypatch):
    other = str(Path(two_faces[0]).with_name("01.png"))
    for text in (end.join(two_faces) + end, end.join([two_faces[0], "", two_faces[1]])):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert main(["predict", str(detector_file), other, "-", *options]) == 0
        lines = table(capsys.readouterr().out)
        assert [line["path"] for line in lines] == [other, *two_faces]


def test_predict_prints_while_the_list_goes_on_and_a_closed_pipe_is_no_error(
    two_faces, detector_file
):
    command = [sys.executable, "-m", "skfakespot", "predict", str(detector_file), "-"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, **pipes, text=True) as process:
        process.stdin.write(f"{two_faces[0]}\n" * 257)
        process.stdin.flush()
        assert process.stdout.readline() == "path,probability,label,error\n"
        assert process.stdout.readline().startswith(two_faces[0])
        process.stdout.close()
        process.stdin.write(f"{two_faces[1]}\n")
        process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize("name", ["scores.csv", "scores.parquet"])
def test_predict_into_a_file_goes_on(two_faces, detector_file, tmp_path, capsys, name):
    output = tmp_path / name
    command = ["predict", str(detector_file), "--output", str(output)]
    assert main([*command, two_faces[0]]) == 0
    assert f"The scores are in {output}" in capsys.readouterr().out
    paths = [*two_faces, str(tmp_path / "missing.png")]
    assert main([*command, *paths, "--json"]) == 2
    captured = capsys.readouterr()
    counts = json.loads(captured.out)
    assert (counts["n_fake"] + counts["n_real"], counts["n_unreadable"]) == (2, 1)
    assert without_progress(captured.err) == [f"skfakespot: {paths[2]}: no such file"]
    read = pl.read_csv if name.endswith("csv") else pl.read_parquet
    assert read(output)["path"].to_list() == paths
    assert main([*command, two_faces[1]]) == 2
    assert "holds scores of other images" in capsys.readouterr().err


def test_predict_refuses_what_is_no_detector(tmp_path, capsys):
    file = tmp_path / "detector.joblib"
    command = ["predict", "--trust", str(file), "face.png"]
    assert main(command) == 2
    file.write_bytes(b"damaged")
    assert main(command) == 2
    joblib.dump({"a": 1}, file)
    assert main(command) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [
        name in error
        for name, error in zip(
            ("no such file", "cannot be loaded", "holds a dict"), errors, strict=True
        )
    ] == [True] * 3


def test_backbones(capsys):
    assert main(["backbones"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[2][:7] == ["dlib-resnet29", "30", "619,840", "150", "x", "150", "CC0-1.0"]
    assert main(["backbones", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "dlib-resnet29"


@pytest.mark.slow
def test_demo_says_that_its_fakes_are_simulated_and_draws(tmp_path, capsys):
    picture = tmp_path / "curve.png"
    assert main(["demo", "--output", str(picture)]) == 0
    output = capsys.readouterr().out
    assert "SIMULATED" in output
    assert all(f"\n{name} " in output for name in METRICS)
    with Image.open(picture) as image:
        assert image.size == (600, 480)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--real", "nowhere", "--fake", "."], "nowhere does not exist"),
        (
            ["train", "--real", ".", "--fake", ".", "--output", "no/such/folder.skops"],
            "there is no folder",
        ),
        (["demo", "--output", "no/such/folder.png"], "there is no folder"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.fixture
def damaged(folders, tmp_path):
    """The folders with unreadable files: three real ones and, without an end, 22 fake ones."""
    shutil.copytree(folders, tmp_path / "faces")
    for number in (3, 7, 11):
        (tmp_path / "faces" / "real" / f"{number:02}.png").write_bytes(b"")
    for number in range(22):
        (tmp_path / "faces" / "fake" / f"text{number:02}.png").write_text("no pixels")
    return tmp_path / "faces"


@pytest.mark.parametrize("command", ["train", "evaluate", "robustness"])
def test_all_unreadable_faces_are_named_before_the_training(command, damaged, tmp_path, capsys):
    output = tmp_path / "output.png"
    options = [] if command == "evaluate" else ["--output", str(output)]
    with count_network_images() as count:
        assert main([command, *folder_options(damaged), *options]) == 2
    assert count.n_images == 0
    assert not output.exists()
    first, *names, more, mend = without_progress(capsys.readouterr().err)
    assert first == "skfakespot: 25 of 62 images cannot be read:"
    assert [line.split(": ")[0].strip() for line in names] == [
        *(str(damaged / "real" / f"{number:02}.png") for number in (3, 7, 11)),
        *(str(damaged / "fake" / f"text{number:02}.png") for number in range(17)),
    ]
    assert "the file is empty" in names[0]
    assert more.strip() == "... and 5 more"
    assert "--on-error skip" in mend


def test_unreadable_faces_are_left_out_of_the_training(damaged, tmp_path, capsys):
    output = tmp_path / "detector.skops"
    command = ["train", *folder_options(damaged), "--output", str(output), "--on-error", "skip"]
    assert main([*command, "--json"]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert (report["n_real"], report["n_fake"]) == (17, 20)
    assert len(report["skipped"]) == 25
    assert report["skipped"][0]["path"] == str(damaged / "real" / "03.png")
    assert "the file is empty" in report["skipped"][0]["error"]
    assert without_progress(captured.err)[0] == (
        "skfakespot: 25 of 62 images cannot be read, and are left out:"
    )
    assert load(output)["coverage"].n_samples_seen_ == 37


def test_unreadable_faces_are_left_out_of_the_evaluation(damaged, folders, tmp_path, capsys):
    """With groups, which are those of the faces that are left."""
    groups = tmp_path / "groups.csv"
    paths = sorted(damaged.glob("*/*.png"))
    groups.write_text("".join(f"{path},{path.stem}\n" for path in paths))
    options = ["--json", "--on-error", "skip", "--groups", str(groups)]
    assert main(["evaluate", *folder_options(damaged), *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n_train"] + report["n_test"] == 37
    assert len(report["skipped"]) == 25
    assert report["format_audit"]["n_real"] == 17
    assert main(["evaluate", *folder_options(folders), "--json", "--on-error", "skip"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["skipped"] == []
    assert without_progress(captured.err) == []


def test_no_readable_face_of_one_kind_is_an_error(folders, tmp_path, capsys):
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "0.png").touch()
    command = ["evaluate", "--real", str(folders / "real"), "--fake", str(tmp_path / "fake")]
    assert main([*command, "--on-error", "skip"]) == 2
    assert "No image of one of the two folders can be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["evaluate"], ["predict"], [], ["evaluate", "--test-size", "2"]]
)
def test_wrong_arguments_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2


def test_the_module_is_the_command():
    run = subprocess.run(
        [sys.executable, "-m", "skfakespot", "--version"], capture_output=True, text=True
    )
    assert run.stdout == f"skfakespot {__version__}\n"


INTERRUPTED_WHILE_THE_NETWORK_RUNS = """
import os, signal, sys, threading, time

def interrupt():
    while not any("skfakespot-network" in thread.name for thread in threading.enumerate()):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
from skfakespot.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_ctrl_c_ends_with_130_and_one_line(folders, detector_file, command):
    faces = [str(path) for path in sorted(folders.glob("*/*.png"))]
    arguments = folder_options(folders) if command == "evaluate" else [str(detector_file), *faces]
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_THE_NETWORK_RUNS, command, *arguments],
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "skfakespot: interrupted\n")
