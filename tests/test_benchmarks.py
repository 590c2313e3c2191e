# SPDX-License-Identifier: BSD-3-Clause
"""The scripts that redo the paper's tables and figures, on a few small pictures."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from PIL import Image

from skfakespot.datasets import load_demo_faces

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Pictures of 2 x 12 "faces" a row, the fake ones with a fine pattern."""
    root, random = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    for row in ("PGGAN", "others"):
        for label, contrast in (("real", 0), ("fake", 60)):
            folder = root / row / label
            folder.mkdir(parents=True)
            for number in range(12):
                picture = random.normal(128, 40, (4, 4, 3)).repeat(8, axis=0).repeat(8, axis=1)
                picture += contrast * random.normal(size=picture.shape)
                picture = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
                picture.save(folder / f"{number}.png")
    return root


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the main function of a script here and return what it prints."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    # Workers that another test has started do not know this folder.
    get_reusable_executor().shutdown(wait=True)

    def run(script, *arguments):
        importlib.import_module(script).main([str(argument) for argument in arguments])
        return capsys.readouterr().out

    return run


@pytest.mark.long
def test_table2_prints_both_conventions_beside_the_papers_values(run, root):
    text = run("table2", "--root", root, "--folds", 2, "--groups", "folder", "--seed", 1)
    labels = [line[:34].strip() for line in text.splitlines() if "." in line]
    spread = "± standard deviation of 2"
    for row, paper in (("PGGAN", True), ("others", False)):
        start = labels.index(f"{row}, standard")
        expected = [f"{row}, standard", spread, f"{row}, the paper's", spread]
        assert labels[start : start + 4] == expected
        assert (f"{row}, Table 2 (FakeSpotter)" in labels) == paper
    assert "PGGAN: 12 real and 12 fake faces, 2 folds" in text


@pytest.mark.long
@pytest.mark.parametrize("script", ["figure3", "figure4"])
def test_figures_are_drawn(run, root, tmp_path, script):
    rows = []
    for name in ("PGGAN", "others"):
        rows += ["--row", name, root / name / "real", root / name / "fake"]
    picture = tmp_path / "figure.png"
    less = ["--kinds", "blur"] if script == "figure4" else []
    text = run(script, *rows, "--folds", 2, "--output", picture, *less)
    assert "PGGAN: " in text
    assert f"The curves are in {picture}" in text
    with Image.open(picture) as drawn:
        assert len(drawn.getcolors(maxcolors=2**20)) > 10


@pytest.fixture
def folders(root):
    """Options that name the folders of 12 real and 12 fake pictures."""
    return "--real", root / "PGGAN" / "real", "--fake", root / "PGGAN" / "fake"


@pytest.mark.long
def test_the_learning_curves_are_printed_and_drawn(run, folders, tmp_path):
    picture = tmp_path / "curve.png"
    options = ("--sizes", 14, 15, 16, "--folds", 3, "--output", picture)
    text = run("learning_curve", *folders, *options, "--memory", tmp_path)
    for name in ("layer counts", "feature-map counts", "statistics"):
        assert f"{name}: " in text
    curves = [line for line in text.splitlines() if "± " in line]
    assert [line.count("± ") for line in curves] == [3, 3, 3]
    assert "24 images through the network" in text
    with Image.open(picture) as drawn:
        assert len(drawn.getcolors(maxcolors=2**20)) > 10


@pytest.mark.long
def test_the_robustness_with_and_without_copies_is_printed(run, folders):
    text = run("robustness", *folders, "--copies", 0, 1, "--seeds", 0, 1, "--kinds", "blur")
    for n_copies in (0, 1):
        assert text.count(f", {n_copies} copies: mean drop ") == 2
        assert f"{n_copies} copies, mean of 2 seeds: clean AUC " in text
    assert text.count("clean 1.000, blur 0.5 ") == 4


@pytest.mark.long
@pytest.mark.parametrize("quality", [(), ("--quality", 95)])
def test_the_image_sizes_are_compared(run, folders, quality):
    text = run("image_sizes", *folders, "--sizes", 112, "--read-at", 150, "--folds", 2, *quality)
    for read_at in (112, 150, 224):
        assert f"dlib-resnet29, faces of 112 px read at {read_at} px: " in text


@pytest.mark.long
def test_crops_are_compared_on_the_same_pictures(run, tmp_path):
    faces = load_demo_faces()
    for label, name in enumerate(("real", "fake")):
        (tmp_path / name).mkdir()
        for number, face in enumerate(faces.data[faces.target == label][:6]):
            Image.fromarray(face).save(tmp_path / name / f"{number}.png")
    Image.new("RGB", (100, 100)).save(tmp_path / "fake" / "black.png")
    folders = ("--real", tmp_path / "real", "--fake", tmp_path / "fake")
    options = ("--min-size", 40, "--sizes", 60, "--folds", 2, "--repeats", 2, "--recipes", "paper")
    text = run("face_crops", *folders, *options)
    assert "6 real and 7 fake pictures; min_size 40\n" in text
    assert "without a face: 0 real and 1 fake, left out\n" in text
    assert "paper, dlib-resnet29, seed 0, 2 x 2 folds\n" in text
    rows = [line.split() for line in text.split("outside\n")[1].splitlines()]
    crops = (["none"], ["fixed", "0.25"], ["box", "0.25"], ["aligned", "0.25"], ["aligned", "0.5"])
    for number, crop in enumerate(crops):
        native, resampled = rows[2 * number : 2 * number + 2]
        assert native[: len(crop) + 1] == [*crop, "native"]
        assert resampled[: len(crop) + 2] == [*crop, "60", "px"]
    # The whole pictures lie in themselves, and the widest squares reach beyond all of them.
    assert [row[-1] for row in (*rows[:2], *rows[-2:])] == ["0%", "0%", "100%", "100%"]


@pytest.mark.long
def test_the_interval_coverage_is_printed(run):
    text = run("interval_coverage", "--repetitions", 2)
    assert "2 repetitions, intervals of 95 %" in text
    assert len(text.splitlines()) == 2 + 12
    text = run("interval_coverage", "--audit", "--repetitions", 2)
    assert "2 audits, intervals of 95 %" in text
    assert len(text.splitlines()) == 2 + 9


@pytest.mark.long
def test_searches_in_one_process_and_in_two_are_compared(run, folders):
    less = ("--images", 24, "--epochs", 1, "--repeats", 1, "--recipes", "paper")
    _, _, *lines = run("search_jobs", *folders, *less).splitlines()
    assert [line[:28].split() for line in lines] == [
        ["paper", memory, n_jobs] for memory in ("None", "folder") for n_jobs in ("None", "2")
    ]
    # Each image passes through the network once for all processes.
    assert [int(line.split()[-2]) for line in lines[1:]] == [24, 24, 24]


@pytest.mark.long
def test_unseen_generators_prints_a_table_of_each_question(run, root, tmp_path):
    row = root / "others"
    arguments = ["--real", row / "real", "--fake", row / "fake", "--memory", tmp_path]
    text = run("unseen_generators", *arguments, "--folds", 2)
    first, left_out, with_stylegan, without = text.split("\n\n")
    assert "12 real faces, 12 StyleGAN faces, 2 folds" in first
    for table, n_rows in ((left_out, 4), (with_stylegan, 7), (without, 6)):
        _, *lines = table.strip().splitlines()
        assert len(lines) == n_rows
        assert "nan" not in table
    # The fine pattern of these fakes is found where it was trained on.
    (line,) = (line for line in with_stylegan.splitlines() if line.startswith("nothing"))
    assert float(line[48:53]) > 0.9


@pytest.mark.long
def test_the_start_is_measured(monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    script = importlib.import_module("start_up")
    monkeypatch.setattr(script, "N_REPETITIONS", 1)
    script.main()
    header, *lines = capsys.readouterr().out.splitlines()
    assert "CPU seconds" in header
    ratios = {line[:32].strip(): float(line.split()[-2]) for line in lines}
    assert ratios["import tensorflow"] == 1
    assert ratios["skfakespot --help"] < ratios["skfakespot predict, paper"]


@pytest.mark.long
def test_the_search_for_faces_is_judged(run, faces):
    few = ("--judged", 12, "--others", 4, "--empty", 20)
    text = run("face_detection", "--faces", faces, *few)
    assert "truth in the aligned picture, from 4 other faces" in text
    assert "12 faces, IoU >= 0.7, 95 % interval (Wilson)" in text
    labels = [line[:20].strip() for line in text.splitlines()]
    for name in ("boxes", "squares", "boxes, own median", "squares, own median"):
        assert name in labels
    assert "fit on 6 photographs, 6 predicted" in text
    assert [line.split()[0] for line in text.splitlines()[-3:]] == ["0.0", "0.5", "1.0"]


@pytest.mark.long
def test_the_time_of_the_search_for_faces_is_printed(run, faces, monkeypatch):
    script = importlib.import_module("faces")
    monkeypatch.setattr(script, "SIZES", ((260, 300), (256, 256)))
    monkeypatch.setattr(script, "PREDICTED", ((256, 12),))
    text = run("faces", "--faces", faces / "real", "--repeats", 1, "--no-dlib")
    starts = [line.split()[:3] for line in text.splitlines() if line]
    assert starts[1:3] == [["260", "x", "300"], ["256", "x", "256"]]
    assert starts[-1] == ["256", "x", "256"]


def test_rivals_are_compared_beside_the_papers_values(run, root, folders, tmp_path):
    picture = tmp_path / "bars.png"
    options = ["--methods", "saturation", "cooccurrence", "--folds", 2, "--output", picture]
    text = run("rivals", *folders, *options, "--zero-shot", root / "others" / "fake")
    tables, table2 = text.split("The paper's Table 2, of its own faces:\n\n")
    for name in ("saturation", "cooccurrence"):
        assert tables.count(f"\n{name} ") == 3
    assert f"{root / 'others' / 'fake'}, never trained on:" in tables
    values = {line[:24].strip(): line[24:].split() for line in table2.splitlines()}
    assert values["AutoGAN, StyleGAN"][5] == "0.795"
    with Image.open(picture) as drawn:
        assert drawn.size[0] == 800


def test_rivals_need_both_folders(run, capsys):
    with pytest.raises(SystemExit):
        run("rivals", "--real", "photographs")
    assert "give --real DIR and --fake DIR, or --demo" in capsys.readouterr().err


def test_unseen_generators_takes_images_of_one_size(run, root, tmp_path):
    Image.new("RGB", (30, 30)).save(tmp_path / "small.png")
    arguments = ["--real", tmp_path, "--fake", root / "others" / "fake", "--memory", tmp_path]
    with pytest.raises(SystemExit, match="must have one size"):
        run("unseen_generators", *arguments)


@pytest.mark.parametrize("script", ["table2", "figure3", "figure4"])
def test_no_faces_is_an_error_that_tells_what_to_give(run, script, tmp_path):
    for arguments in ([], ["--root", tmp_path]):
        with pytest.raises(SystemExit, match="give --row NAME REAL FAKE"):
            run(script, *arguments)


def test_face_crops_needs_both_folders(run, capsys):
    with pytest.raises(SystemExit):
        run("face_crops", "--real", "photographs")
    assert "give --real DIR and --fake DIR, or --demo" in capsys.readouterr().err


def test_a_script_runs_as_a_command(root):
    command = [sys.executable, str(BENCHMARKS / "table2.py"), "--root", str(root / "PGGAN")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "No faces: give --row" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.long
def test_layer_importance_prints_and_draws_each_layer(run, root, tmp_path):
    folder, picture = root / "PGGAN", tmp_path / "layers.png"
    text = run(
        "layer_importance",
        *("--real", folder / "real", "--fake", folder / "fake"),
        *("--repeats", 1, "--output", picture),
    )
    assert text.count("6 images passed through the network") == 2
    assert text.count("\nstage") == 28
    with Image.open(picture) as image:
        assert image.size == (720, 648)


@pytest.mark.long
def test_feeding_prints_rates_and_how_long_devices_wait(run, root):
    options = ("--images", 4, "--repeats", 1, "--batch-size", 2, "--networks", "tiny")
    text = run("feeding", "--faces", root / "PGGAN" / "real", "--sizes", 40, *options)
    for name in ("file and digest", "all, 2 processes", "of the limit", "tiny"):
        assert f"\n{name}" in text or f" {name}" in text


@pytest.mark.long
def test_compiled_loops_are_compared_with_numpy(run):
    header, *rows = run("compiled_loops", "--repeats", 1).splitlines()
    assert header.split() == ["NumPy", "compiled", "ms"]
    assert len(rows) == 5
    assert all(float(number) > 0 for row in rows for number in row.split()[-2:])


@pytest.mark.long
def test_scale_prints_costs_of_images_and_of_records(run, root, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    for number in range(3):
        picture = np.random.default_rng(number).integers(0, 256, (256, 256, 3), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    text = run("scale", "--faces", tmp_path, "--images", 130, "--records", 20_000)
    assert "store KiB" in text
    assert "unknown us" in text
    assert [line.split()[0] for line in text.splitlines() if line[:12].strip()] == ["130", "20,000"]


@pytest.mark.long
def test_explanations_are_tested_for_faithfulness(run, folders):
    text = run("explanations", *folders, "--images", 2, "--detectors", "layers-linear")
    *_, linear, occlusion = text.splitlines()
    for line, method in ((linear, "linear"), (occlusion, "occlusion")):
        assert line.startswith(f"layers-linear, {method}: decision value ")
        assert line.count(" minus ") == 2
        assert line.endswith(" s an image")
