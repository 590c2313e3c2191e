# SPDX-License-Identifier: BSD-3-Clause
"""The script of section 4.4, on miniature data sets."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from videos import write_video

from skfakespot.datasets import load_demo_faces
from skfakespot.images import UnreadableImageWarning

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def write_frames(folder, contrast, seed):
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for number in range(3):
        picture = random.normal(128, 40, (4, 4, 3)).repeat(8, axis=0).repeat(8, axis=1)
        picture += contrast * random.normal(size=picture.shape)
        picture = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
        picture.save(folder / f"{number}.png")


@pytest.fixture
def celeb_df(tmp_path):
    root, lines = tmp_path / "Celeb-DF-v2", []
    for number in range(8):
        real, fake = f"id{number}_0000", f"id{number}_id{number ^ 1}_0000"
        write_frames(root / "Celeb-real" / "frames" / real, 0, seed=number)
        write_frames(root / "Celeb-synthesis" / "frames" / fake, 60, seed=100 + number)
        if number < 4:
            lines += [f"1 Celeb-real/{real}.mp4", f"0 Celeb-synthesis/{fake}.mp4"]
    (root / "List_of_testing_videos.txt").write_text("\n".join(lines))
    return root


@pytest.fixture
def faceforensics(tmp_path):
    root = tmp_path / "FaceForensics++"
    for number in range(6):
        fake = f"{number:03}_{number ^ 1:03}"
        original = root / "original_sequences/youtube/c23/images" / f"{number:03}"
        write_frames(original, 0, seed=200 + number)
        write_frames(root / "manipulated_sequences/Deepfakes/c23/images" / fake, 60, 300 + number)
    pairs = [["000", "001"], ["002", "003"], ["004", "005"]]
    for name, pair in zip(("train", "val", "test"), pairs, strict=True):
        (root / f"{name}.json").write_text(json.dumps([pair]))
    return root


@pytest.mark.parametrize("trained_on", ["itself", "faceforensics", "folders"])
def test_the_aucs_of_frames_and_videos_stand_beside_the_papers(
    trained_on, celeb_df, faceforensics, monkeypatch, capsys
):
    monkeypatch.syspath_prepend(BENCHMARKS)
    arguments = [str(celeb_df), "--frames-per-video", "2"]
    if trained_on == "faceforensics":
        arguments += ["--faceforensics", str(faceforensics)]
    if trained_on == "folders":
        arguments += ["--real", str(faceforensics / "original_sequences")]
        arguments += ["--fake", str(faceforensics / "manipulated_sequences")]
    importlib.import_module("celebdf").main(arguments)
    text = capsys.readouterr().out
    n_train = {"itself": 16, "faceforensics": 8, "folders": 36}[trained_on]
    assert f"trained on {n_train} images; tested on 16 frames of 8 videos, 4 of them fake" in text
    assert ("Same content: 0 of the test images" in text) == (trained_on == "itself")
    rows = [line for line in text.splitlines() if line.startswith(("frames", "videos", "the p"))]
    assert len(rows) == 7
    assert rows[-1].split()[-1] == "0.668"
    assert all(0 <= float(row.split()[-1]) <= 1 for row in rows)
    ours, paper, *others = table_of(text)
    assert ours[:2] == ("this detector", float(rows[0].split()[-1]))
    assert ours[2].startswith({"itself": "Celeb-DF", "faceforensics": "Face"}.get(trained_on, "/"))
    assert paper[:2] == ("FakeSpotter (the paper)", 0.668)
    figures = [auc for _, auc, _ in others]
    assert figures == sorted(figures, reverse=True)
    assert len(others) == 13
    # The mean that the repository of Celeb-DF shows.
    assert round(np.mean(figures), 3) == 0.569
    assert all(training for _, _, training in others)


def table_of(text):
    """Name, AUC and training set of each row of the second table."""
    lines = text.split("trained on\n")[-1].split("\n\n")[0].splitlines()
    return [(line[:32].strip(), float(line[32:39]), line[39:]) for line in lines]


def write_faces(path, face, seed):
    """Write a video of a face before noise; of noise alone without a face."""
    random = np.random.default_rng(seed)
    pictures = random.integers(90, 160, (4, 128, 160, 3)).astype(np.uint8)
    if face is not None:
        pictures[:, 14:114, 30:130] = face
    path.parent.mkdir(exist_ok=True, parents=True)
    write_video(path, pictures)


def test_faces_are_cropped_from_video_files(tmp_path, monkeypatch, capsys):
    pytest.importorskip("av")
    faces, lines = load_demo_faces(), []
    for label, folder in enumerate(("Celeb-real", "Celeb-synthesis")):
        for number in range(6):
            name = f"id{number}_0000" if label == 0 else f"id{number}_id{number ^ 1}_0000"
            face = faces.data[faces.target == label][number] if number else None
            write_faces(tmp_path / folder / f"{name}.mp4", face, seed=10 * label + number)
            lines += [f"{1 - label} {folder}/{name}.mp4"] * (number < 3)
    (tmp_path / "Celeb-synthesis/id2_id3_0000.mp4").write_bytes(b"")
    (tmp_path / "List_of_testing_videos.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(BENCHMARKS)
    arguments = [str(tmp_path), "--faces", "--frames-per-video", "2"]
    with pytest.warns(UnreadableImageWarning) as caught:
        importlib.import_module("celebdf").main(arguments)
    named = " ".join(str(warning.message) for warning in caught)
    assert "id0_0000.mp4 at 0.040 s: no face was found in it" in named
    assert "id2_id3_0000.mp4: the file is empty" in named
    text = capsys.readouterr().out
    assert "trained on 12 images; tested on 6 frames of 3 videos, 1 of them fake" in text
    assert "left out: 5 frames that cannot be read or hold no face" in text
    assert len(table_of(text)) == 15


def test_half_a_pair_of_folders_is_refused(celeb_df, monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    for arguments in (["--real", "a"], ["--real", "a", "--fake", "b", "--faceforensics", "c"]):
        with pytest.raises(SystemExit, match="2"):
            importlib.import_module("celebdf").main([str(celeb_df), *arguments])
    assert "--real and --fake" in capsys.readouterr().err
