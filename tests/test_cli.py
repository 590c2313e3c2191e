import json
import shutil
import subprocess
import sys

import joblib
import numpy as np
import pytest
from PIL import Image

from skfakespot import __version__
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
    file = tmp_path_factory.mktemp("detector") / "detector.joblib"
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


def test_train_then_predict(folders, detector_file, capsys):
    paths = [str(folders / "real" / "00.png"), str(folders / "fake" / "00.png")]
    assert main(["predict", str(detector_file), *paths]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == paths
    expected = joblib.load(detector_file).predict_proba(paths)[:, 1]
    assert [float(line[2]) for line in lines] == pytest.approx(expected, abs=1e-4)
    assert [line[1] for line in lines] == ["fake" if p >= 0.5 else "real" for p in expected]


def test_predict_reports_unreadable_files_and_goes_on(folders, detector_file, tmp_path, capsys):
    broken, missing = tmp_path / "broken.jpg", tmp_path / "missing.jpg"
    broken.write_bytes(b"no image")
    face = str(folders / "real" / "00.png")
    command = ["predict", str(detector_file), str(broken), face, str(missing), "--json"]
    assert main(command) == 2
    captured = capsys.readouterr()
    (result,) = map(json.loads, captured.out.splitlines())
    assert result["path"] == face
    assert 0 <= result["probability"] <= 1
    assert [line.split(": ")[1] for line in captured.err.splitlines()] == [
        str(broken),
        str(missing),
    ]


def test_predict_with_a_threshold(folders, detector_file, capsys):
    face = str(folders / "real" / "00.png")
    for threshold, label in [("0.0001", "fake"), ("0.9999", "real")]:
        assert main(["predict", str(detector_file), face, "--threshold", threshold]) == 0
        assert capsys.readouterr().out.split("\t")[1] == label


def test_predict_refuses_what_is_no_detector(tmp_path, capsys):
    file = tmp_path / "detector.joblib"
    assert main(["predict", str(file), "face.png"]) == 2
    file.write_bytes(b"damaged")
    assert main(["predict", str(file), "face.png"]) == 2
    joblib.dump({"a": 1}, file)
    assert main(["predict", str(file), "face.png"]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [
        name in error
        for name, error in zip(
            ("is no file", "cannot be loaded", "holds a dict"), errors, strict=True
        )
    ] == [True] * 3


def test_backbones(capsys):
    assert main(["backbones"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[2][:7] == ["dlib-resnet29", "30", "619,840", "150", "x", "150", "CC0-1.0"]
    assert main(["backbones", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "dlib-resnet29"


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
            ["train", "--real", ".", "--fake", ".", "--output", "no/such/folder.joblib"],
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


def test_an_unreadable_face_stops_the_training_and_is_named(folders, tmp_path, capsys):
    shutil.copytree(folders, tmp_path / "faces")
    (tmp_path / "faces" / "real" / "07.png").write_bytes(b"")
    command = ["train", *folder_options(tmp_path / "faces"), "--output", str(tmp_path / "d.joblib")]
    assert main(command) == 2
    assert "07.png" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.joblib*"))


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


def test_a_closed_pipe_is_no_error(folders, detector_file):
    faces = [str(path) for path in sorted(folders.glob("*/*.png"))]
    command = [sys.executable, "-m", "skfakespot", "predict", str(detector_file), *faces]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


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
