# SPDX-License-Identifier: BSD-3-Clause
"""Readers of the video sets on the video files as these sets are distributed, without frames."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from face_sets import touch
from networks import small_network
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from videos import number_of, write_video

from skfakespot import NeuronCoverageTransformer
from skfakespot.datasets import (
    IncompleteDatasetWarning,
    load_celeb_df,
    load_dfdc,
    load_faceforensics,
)
from skfakespot.images import UnreadableImageWarning, find_unreadable, load_image
from skfakespot.video import VideoClassifier
from skfakespot.video._av_reader import AvReader

pytest.importorskip("av")

FF_REAL, FF_FAKE = "original_sequences/youtube/c23", "manipulated_sequences/Deepfakes/c23"
PLACES = {
    load_celeb_df: {
        "Celeb-real/id0_0000.mp4": "Celeb-real/frames/id0_0000",
        "Celeb-real/id1_0000.mp4": "Celeb-real/frames/id1_0000",
        "YouTube-real/00170.mp4": "YouTube-real/frames/00170",
        "Celeb-synthesis/id0_id1_0000.mp4": "Celeb-synthesis/frames/id0_id1_0000",
    },
    load_faceforensics: {
        f"{FF_REAL}/videos/000.mp4": f"{FF_REAL}/images/000",
        f"{FF_REAL}/videos/003.mp4": f"{FF_REAL}/images/003",
        f"{FF_FAKE}/videos/000_003.mp4": f"{FF_FAKE}/images/000_003",
        f"{FF_FAKE}/videos/003_000.mp4": f"{FF_FAKE}/images/003_000",
        "original_sequences/actors/c23/videos/01__meeting.mp4": (
            "original_sequences/actors/c23/images/01__meeting"
        ),
        "manipulated_sequences/DeepFakeDetection/c23/videos/01_02__meeting__YVGY8LOK.mp4": (
            "manipulated_sequences/DeepFakeDetection/c23/images/01_02__meeting__YVGY8LOK"
        ),
    },
    load_dfdc: {
        "dfdc_train_part_0/a.mp4": "dfdc_train_part_0/frames/a",
        "dfdc_train_part_0/b.mp4": "dfdc_train_part_0/frames/b",
        "test/e.mp4": "test/frames/e",
        "test/f.mp4": "test/frames/f",
    },
}
METADATA = {
    "a.mp4": {"label": "REAL", "split": "train", "original": None},
    "b.mp4": {"label": "FAKE", "split": "train", "original": "a.mp4"},
}
LISTS = {
    load_celeb_df: {
        "List_of_testing_videos.txt": (
            "1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n"
        )
    },
    load_faceforensics: {
        "train.json": '[["000", "003"]]',
        "val.json": "[]",
        "test.json": "[]",
    },
    load_dfdc: {
        "dfdc_train_part_0/metadata.json": json.dumps(METADATA),
        "test/labels.csv": "filename,label\ne.mp4,0\nf.mp4,1\n",
    },
}
LOADERS = list(PLACES)


def write_lists(root, load):
    for name, text in LISTS[load].items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def write_set(tmp_path):
    """Write the videos of a set; the first shows the numbers from 0, the second from 100, ..."""

    def write(load, n_frames=12):
        for index, name in enumerate(PLACES[load]):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_video(path, range(100 * index, 100 * index + n_frames))
        write_lists(tmp_path, load)
        return tmp_path

    return write


@pytest.mark.parametrize("load", LOADERS)
def test_frames_of_videos_are_labelled_and_grouped_as_extracted_frames(load, write_set, tmp_path):
    extracted = tmp_path / "extracted"
    for folder in PLACES[load].values():
        touch(extracted, *(f"{folder}/{number:02}.png" for number in range(12)))
    write_lists(extracted, load)
    expected = load(extracted, frames_per_video=3)
    frames = load(write_set(load), frames_per_video=3)
    assert frames.keys() == expected.keys()
    for name in expected.keys() - {"data"}:
        assert np.array_equal(frames[name], expected[name]), name
    # The numbers that the pictures show are those in the names of the extracted frames.
    numbers = [number_of(load_image(frame)) % 100 for frame in frames.data]
    assert numbers == [int(Path(path).stem) for path in expected.data]
    videos = [frame.path for frame in frames.data]
    assert videos == [
        str(next(tmp_path / place for place in PLACES[load] if Path(place).stem == Path(name).name))
        for name in (video.rsplit("/", 1)[-1] for video in frames.video)
    ]


@pytest.mark.parametrize("load", LOADERS)
def test_reading_a_set_of_videos_decodes_no_frame(load, write_set, monkeypatch):
    root = write_set(load)
    monkeypatch.setattr(AvReader, "_frames_of", None)
    assert len(load(root, frames_per_video=2).data) == 2 * len(PLACES[load])


def test_a_short_video_has_each_frame_once(write_set):
    root = write_set(load_celeb_df, n_frames=3)
    every = load_celeb_df(root)
    assert len(every.data) == 3 * 4
    assert every.data.tolist() == load_celeb_df(root, frames_per_video=50).data.tolist()


def test_videos_are_not_mixed_with_extracted_frames(write_set):
    root = write_set(load_celeb_df)
    touch(root, "Celeb-real/frames/id0_0000/1.png")
    with pytest.warns(IncompleteDatasetWarning, match=r"3 of 4 .* only read if no frames of the"):
        faces = load_celeb_df(root)
    assert faces.data.tolist() == [str(root / "Celeb-real/frames/id0_0000/1.png")]
    # So that no one trains on crops of faces and tests on whole frames.
    with pytest.raises(FileNotFoundError, match=r"None of the 2 videos .* only read if no frames"):
        load_celeb_df(root, subset="test")
    with pytest.raises(FileNotFoundError, match=r"real/crops/id0_0000 .* and with frames=None"):
        load_celeb_df(root, frames="crops")


def test_videos_that_are_not_there_are_warned_of(write_set):
    root = write_set(load_dfdc)
    (root / "test/e.mp4").unlink()
    with pytest.warns(IncompleteDatasetWarning, match=r"1 of 4 videos .* test/e\. The videos are"):
        faces = load_dfdc(root, frames_per_video=1)
    assert faces.videos_without_frames == ["test/e"]
    assert len(faces.data) == 3


def test_videos_that_cannot_be_read_are_named_when_they_are(write_set):
    root = write_set(load_celeb_df)
    whole = (root / "YouTube-real/00170.mp4").read_bytes()
    (root / "YouTube-real/00170.mp4").write_bytes(whole[: len(whole) // 2])  # without its index
    (root / "Celeb-real/id1_0000.mp4").write_bytes(b"")
    (root / "Celeb-synthesis/id0_id1_0000.mp4").write_text("not found")
    faces = load_celeb_df(root, frames_per_video=2)
    assert faces.videos_without_frames == []
    broken = [row for row, frame in enumerate(faces.data) if "id0_0000" not in frame.path]
    assert [row for row, _ in find_unreadable(faces.data)] == broken == [2, 3, 4]
    coverage = NeuronCoverageTransformer(small_network(), on_error="nan")
    with pytest.warns(UnreadableImageWarning) as caught:
        features = coverage.fit_transform(faces.data)
    named = " ".join(str(warning.message) for warning in caught)
    assert np.flatnonzero(np.isnan(features).all(axis=1)).tolist() == broken
    for row in broken:
        assert f"{faces.data[row].path}: " in named
    assert "the file is empty (0 bytes)" in named


def test_without_pyav_there_is_one_error_with_the_line_for_pip(write_set):
    root = write_set(load_celeb_df)
    program = (
        "import sys; sys.modules['av'] = None\n"
        "from skfakespot.datasets import load_celeb_df\n"
        f"try: load_celeb_df({str(root)!r})\n"
        "except ImportError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'skfakespot[video]'" in run.stdout, run.stderr
    assert f"mkdir -p {root}/Celeb-real/frames/id0_0000 && ffmpeg -i" in run.stdout


def test_a_classifier_of_videos_takes_what_the_readers_return(write_set):
    faces = load_faceforensics(write_set(load_faceforensics), frames_per_video=4)
    coverage = NeuronCoverageTransformer(small_network())
    classifier = VideoClassifier(make_pipeline(coverage, LogisticRegression()))
    classifier.fit(faces.data, faces.target)
    probabilities = classifier.predict_proba(faces.data, groups=faces.video)
    assert probabilities.shape == (len(PLACES[load_faceforensics]), 2)
    assert not np.isnan(probabilities).any()
