# SPDX-License-Identifier: BSD-3-Clause
"""Readers of the video sets, each on a miniature of its layout."""

import json
import shlex
import shutil

import numpy as np
import pytest
from face_sets import touch
from sklearn.model_selection import StratifiedGroupKFold

from skfakespot.datasets import (
    IncompleteDatasetWarning,
    check_leakage,
    load_celeb_df,
    load_dfdc,
    load_faceforensics,
)


@pytest.fixture
def faceforensics(tmp_path):
    """Two pairs for each part, two methods, and actors; two frames of each video."""
    pairs = {"train": (("000", "003"), ("001", "870")), "val": (("720", "672"),)}
    pairs["test"] = (("953", "974"),)
    for part, some in pairs.items():
        (tmp_path / f"{part}.json").write_text(json.dumps(some))
        for first, second in some:
            for frame in ("0000.png", "0001.png"):
                for video in (first, second):
                    touch(tmp_path, f"original_sequences/youtube/c23/images/{video}/{frame}")
                for video in (f"{first}_{second}", f"{second}_{first}"):
                    for method in ("Deepfakes", "NeuralTextures"):
                        place = f"manipulated_sequences/{method}/c23/images/{video}/{frame}"
                        touch(tmp_path, place)
    touch(tmp_path, "manipulated_sequences/Deepfakes/c23/masks/000_003/0000.png")
    touch(tmp_path, "manipulated_sequences/Deepfakes/models/000_003/model.png")
    return tmp_path


@pytest.fixture
def dfdc(tmp_path):
    parts = {
        "dfdc_train_part_0": {
            "a.mp4": {"label": "REAL", "split": "train"},
            "b.mp4": {"label": "FAKE", "split": "train", "original": "a.mp4"},
        },
        "dfdc_train_part_1": {
            "c.mp4": {"label": "REAL", "split": "train", "original": None},
            "d.mp4": {"label": "FAKE", "split": "train", "original": "elsewhere.mp4"},
        },
    }
    for part, metadata in parts.items():
        for video in metadata:
            touch(tmp_path, f"{part}/{video}", f"{part}/frames/{video[0]}/0001.png")
        (tmp_path / part / "metadata.json").write_text(json.dumps(metadata))
    touch(tmp_path, "test/frames/e/1.png", "test/frames/f/1.png", "test/frames/unlisted/1.png")
    (tmp_path / "test/labels.csv").write_text("filename,label\ne.mp4,0\nf.mp4,1\n")
    return tmp_path


CELEB_DF_VIDEOS = {
    "Celeb-real": ("id0_0000", "id1_0000", "id2_0003", "id3_0000"),
    "YouTube-real": ("00000", "00170"),
    "Celeb-synthesis": ("id0_id1_0000", "id1_id0_0000", "id2_id3_0003", "id3_id2_0001"),
}


@pytest.fixture
def celeb_df(tmp_path):
    for folder, names in CELEB_DF_VIDEOS.items():
        for name in names:
            touch(tmp_path, f"{folder}/{name}.mp4")
            touch(tmp_path, *(f"{folder}/frames/{name}/frame{i}.jpg" for i in range(12)))
    (tmp_path / "List_of_testing_videos.txt").write_text(
        "1 Celeb-real/id2_0003.mp4\n1 YouTube-real/00170.mp4\n\n"
        "0 Celeb-synthesis/id2_id3_0003.mp4\n"
    )
    return tmp_path


# FaceForensics++


def test_faceforensics_has_its_official_parts(faceforensics):
    faces = load_faceforensics(faceforensics)
    assert (faces.target == 0).sum() == 16
    assert (faces.target == 1).sum() == 32
    assert set(faces.generator[faces.target == 1]) == {"Deepfakes", "NeuralTextures"}
    assert faces.videos_without_frames == []
    # Of two videos that were made into each other all frames are one group, in one part.
    groups = dict(zip(faces.video, faces.groups, strict=True))
    assert groups["manipulated_sequences/Deepfakes/003_000"] == "faceforensics++:000"
    assert groups["original_sequences/youtube/003"] == "faceforensics++:000"
    assert len(set(groups.values())) == 4
    parts = {part: load_faceforensics(faceforensics, subset=part) for part in set(faces.split)}
    assert {part: len(bunch.data) for part, bunch in parts.items()} == {
        "train": 24,
        "validation": 12,
        "test": 12,
    }
    report = check_leakage(parts["train"], parts["test"], max_distance=None)
    assert report.shared_groups == {}


def test_faceforensics_reads_what_is_asked_for(faceforensics):
    some = load_faceforensics(faceforensics, methods=["NeuralTextures"], frames_per_video=1)
    assert set(some.generator) == {"", "NeuralTextures"}
    assert len(some.data) == 16
    by_target = load_faceforensics(faceforensics, group_by="target", methods=["Deepfakes"])
    groups = dict(zip(by_target.video, by_target.groups, strict=True))
    assert groups["manipulated_sequences/Deepfakes/003_000"] == "faceforensics++:003"
    by_video = load_faceforensics(faceforensics, group_by="video")
    assert len(set(by_video.groups)) == len(set(by_video.video)) == 24
    for arguments, message in (
        ({"methods": ["Deepfake"]}, "methods=.*'Deepfakes'"),
        ({"methods": "Deepfakes"}, "accepted is a list"),
        ({"compression": "c2"}, "compression='c2'; accepted are 'raw'"),
        ({"group_by": "person"}, "group_by='person'; accepted are 'identity'"),
        ({"frames_per_video": 0}, "frames_per_video=0; accepted are integers from 1"),
    ):
        with pytest.raises(ValueError, match=message):
            load_faceforensics(faceforensics, **arguments)
    with pytest.raises(FileNotFoundError, match=r"Looked for .*FaceSwap/c23"):
        load_faceforensics(faceforensics, methods=["FaceSwap"])
    with pytest.raises(FileNotFoundError, match="no manipulations with compression='c40'"):
        load_faceforensics(faceforensics, compression="c40")


def test_faceforensics_of_actors_is_in_no_part(faceforensics):
    videos = {
        "original_sequences/actors": ("01__kitchen_pan", "02__kitchen_pan", "03__meeting"),
        "manipulated_sequences/DeepFakeDetection": (
            "01_02__kitchen_pan__YVGY8LOK",
            "02_03__meeting__480LQD1C",
            "03_01__kitchen_pan__AAAAAAAA",
            "01_03__kitchen_pan__AAAAAAAB",
        ),
    }
    for folder, names in videos.items():
        touch(faceforensics, *(f"{folder}/c23/images/{name}/0000.png" for name in names))
    both = load_faceforensics(faceforensics)
    actors = np.char.startswith(both.groups.astype(str), "faceforensics++:actor")
    assert actors.sum() == 7
    assert set(both.groups[actors]) == {"faceforensics++:actor-01"}
    assert set(both.split[actors]) == {""}
    assert len(load_faceforensics(faceforensics, subset="test").data) == 12
    with pytest.warns(UserWarning, match=r"4 of 4 fake videos .* 3 people become one group"):
        alone = load_faceforensics(faceforensics, methods=["DeepFakeDetection"])
    assert len(alone.data) == 7
    by_target = load_faceforensics(faceforensics, methods=["DeepFakeDetection"], group_by="target")
    assert len(set(by_target.groups)) == 3


def test_faceforensics_lists_may_be_absent_or_wrong(faceforensics):
    (faceforensics / "splits").mkdir()
    for name in ("train", "val", "test"):
        (faceforensics / f"{name}.json").rename(faceforensics / f"splits/{name}.json")
    assert len(load_faceforensics(faceforensics, subset="validation").data) == 12
    (faceforensics / "splits/val.json").write_text('[["720", "672"], ["953", "974"]]')
    with pytest.raises(ValueError, match=r"test\.json: the video 953 is in two parts"):
        load_faceforensics(faceforensics)
    (faceforensics / "splits/val.json").unlink()
    assert set(load_faceforensics(faceforensics).split) == {""}
    with pytest.raises(FileNotFoundError, match=r"get it from https://github\S+splits\)\. Looked"):
        load_faceforensics(faceforensics, subset="train")


def test_videos_of_faceforensics_that_lack_frames_are_warned_of(faceforensics):
    lacking = faceforensics / "manipulated_sequences/Deepfakes/c23/images/000_003"
    for frame in lacking.iterdir():
        frame.unlink()
    shutil.rmtree(faceforensics / "original_sequences/youtube/c23/images/974")
    touch(faceforensics, "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4")
    with pytest.warns(IncompleteDatasetWarning, match=r"2 of 24 videos") as caught:
        faces = load_faceforensics(faceforensics)
    assert faces.videos_without_frames == [
        "original_sequences/youtube/974",
        "manipulated_sequences/Deepfakes/000_003",
    ]
    assert len(faces.data) == 48 - 4
    assert f"mkdir -p {lacking} && ffmpeg -i" in str(caught[0].message)
    with pytest.warns(IncompleteDatasetWarning, match="1 of 12 videos"):
        load_faceforensics(faceforensics, subset="train")


# DFDC


def test_dfdc_groups_fakes_with_their_original(dfdc):
    faces = load_dfdc(dfdc)
    videos = [f"dfdc_train_part_0/{name}" for name in "ab"]
    videos += [f"dfdc_train_part_1/{name}" for name in "cd"]
    groups = dict(zip(faces.video, faces.groups, strict=True))
    assert [groups[video] for video in videos] == [
        f"dfdc:{name}" for name in ("a", "a", "c", "elsewhere")
    ]
    assert faces.target.tolist() == [0, 0, 0, 1, 1, 1]
    assert sorted(set(faces.generator)) == ["", "DFDC"]
    assert load_dfdc(dfdc, subset="test").video.tolist() == ["test/e", "test/f"]
    assert len(load_dfdc(dfdc, subset="train").data) == 4
    with pytest.raises(FileNotFoundError, match="no videos of subset='validation'"):
        load_dfdc(dfdc, subset="validation")


def test_dfdc_may_be_one_part_or_be_in_a_folder_train(dfdc):
    assert len(load_dfdc(dfdc / "dfdc_train_part_1").data) == 2
    (dfdc / "train").mkdir()
    for part in ("dfdc_train_part_0", "dfdc_train_part_1"):
        (dfdc / part).rename(dfdc / "train" / part)
    assert len(load_dfdc(dfdc).data) == 6


def test_dfdc_lists_are_checked(dfdc):
    file = dfdc / "dfdc_train_part_0/metadata.json"
    text = file.read_text()
    file.write_text(text.replace("FAKE", "FORGED"))
    with pytest.raises(ValueError, match=r"b\.mp4 has the label 'FORGED'"):
        load_dfdc(dfdc)
    file.write_text(text.replace('"FAKE", "split": "train"', '"FAKE", "split": "test"'))
    with pytest.raises(ValueError, match="The video a and its fakes are in two parts"):
        load_dfdc(dfdc)
    file.write_text(text)
    (dfdc / "test/labels.csv").write_text("filename,label\na.mp4,0\n")
    with pytest.raises(ValueError, match=r"The video a is in .*part_0 and in .*test"):
        load_dfdc(dfdc)
    (dfdc / "test/labels.csv").write_text("filename,label\ne.mp4,real\n")
    with pytest.raises(ValueError, match="a label of 0"):
        load_dfdc(dfdc)


def test_dfdc_frames_may_be_beside_the_videos(dfdc):
    part = dfdc / "dfdc_train_part_0"
    for name in "ab":
        (part / "frames" / name).rename(part / name)
    (part / "frames").rmdir()
    assert len(load_dfdc(part).data) == 2
    shutil.rmtree(part / "b")
    with pytest.warns(IncompleteDatasetWarning, match=f"1 of 2 videos .* mkdir -p {part / 'b'} "):
        assert load_dfdc(part).videos_without_frames == ["dfdc_train_part_0/b"]


# Celeb-DF


def test_celeb_df_list_calls_real_one(celeb_df):
    test = load_celeb_df(celeb_df, subset="test", frames_per_video=1)
    assert dict(zip(test.video, test.target.tolist(), strict=True)) == {
        "Celeb-real/id2_0003": 0,
        "YouTube-real/00170": 0,
        "Celeb-synthesis/id2_id3_0003": 1,
    }
    train = load_celeb_df(celeb_df, subset="train", frames_per_video=1)
    assert len(train.data) == 7
    assert not set(train.video) & set(test.video)
    assert set(train.generator[train.target == 1]) == {"Celeb-DF"}


def test_celeb_df_keeps_both_people_of_a_fake_together(celeb_df):
    faces = load_celeb_df(celeb_df)
    groups = dict(zip(faces.video, faces.groups, strict=True))
    assert groups["Celeb-real/id1_0000"] == groups["Celeb-synthesis/id0_id1_0000"] == "celeb-df:id0"
    assert groups["Celeb-real/id3_0000"] == groups["Celeb-synthesis/id3_id2_0001"] == "celeb-df:id2"
    assert groups["YouTube-real/00000"] != groups["YouTube-real/00170"]
    for train, test in StratifiedGroupKFold(2).split(faces.data, faces.target, faces.groups):
        people = [
            {part for video in faces.video[rows] for part in video.split("/")[1].split("_")[:-1]}
            for rows in (train, test)
        ]
        assert not people[0] & people[1]
    by_target = load_celeb_df(celeb_df, group_by="target")
    groups = dict(zip(by_target.video, by_target.groups, strict=True))
    assert groups["Celeb-synthesis/id1_id0_0000"] == groups["Celeb-real/id1_0000"] == "celeb-df:id1"


def test_celeb_df_warns_if_the_fakes_join_everybody(celeb_df):
    touch(celeb_df, "Celeb-synthesis/frames/id1_id2_0000/1.png")
    with pytest.warns(UserWarning, match=r"5 of 5 fake videos of Celeb-DF and 4 people") as caught:
        faces = load_celeb_df(celeb_df)
    assert "group_by='target'" in str(caught[0].message)
    assert caught[0].filename == __file__
    joined = np.char.startswith(faces.video.astype(str), "Celeb-")
    assert set(faces.groups[joined]) == {"celeb-df:id0"}


def test_celeb_df_frames_are_in_order_and_evenly_spaced(celeb_df):
    faces = load_celeb_df(celeb_df, frames_per_video=3)
    rows = faces.video == "Celeb-real/id0_0000"
    names = [path.rsplit("/", 1)[1] for path in faces.data[rows]]
    assert names == ["frame2.jpg", "frame6.jpg", "frame10.jpg"]
    every = load_celeb_df(celeb_df)
    names = [path.rsplit("/", 1)[1] for path in every.data[every.video == "Celeb-real/id0_0000"]]
    assert names == [f"frame{i}.jpg" for i in range(12)]


def test_celeb_df_without_frames_says_how_to_extract_them(celeb_df):
    for folder in CELEB_DF_VIDEOS:
        shutil.rmtree(celeb_df / folder / "frames")
    with pytest.raises(FileNotFoundError, match="None of the 10 videos of Celeb-DF") as error:
        load_celeb_df(celeb_df, frames="frames")
    words = shlex.split(str(error.value).split("mkdir", 1)[1])
    folder = celeb_df / "Celeb-real/frames/id0_0000"
    assert words[1] == str(folder)
    assert words[words.index("-i") + 1] == str(celeb_df / "Celeb-real/id0_0000.mp4")
    assert words[-1] == str(folder / "%04d.png")
    # What the command makes is what is read.
    touch(folder, "0001.png")
    with pytest.warns(IncompleteDatasetWarning, match="9 of 10 videos"):
        assert len(load_celeb_df(celeb_df).data) == 1


def test_celeb_df_videos_of_the_list_may_be_absent(celeb_df):
    with (celeb_df / "List_of_testing_videos.txt").open("a") as file:
        file.write("0 Celeb-synthesis/id7_id8_0000.mp4\n")
    shutil.rmtree(celeb_df / "YouTube-real")
    message = r"2 of 4 videos .* YouTube-real/00170\. The videos are missing too"
    with pytest.warns(IncompleteDatasetWarning, match=message):
        faces = load_celeb_df(celeb_df, subset="test", frames_per_video=1)
    assert faces.videos_without_frames == [
        "YouTube-real/00170",
        "Celeb-synthesis/id7_id8_0000",
    ]


def test_celeb_df_list_is_checked(celeb_df):
    file = celeb_df / "List_of_testing_videos.txt"
    file.write_text("0 Celeb-real/id0_0000.mp4\n")
    with pytest.raises(ValueError, match=r"line 1: .* in this list 1 means real"):
        load_celeb_df(celeb_df)
    file.write_text("Celeb-real/id0_0000.mp4\n")
    with pytest.raises(ValueError, match=r"is not such as '1 Celeb-real/x\.mp4'"):
        load_celeb_df(celeb_df)
    file.unlink()
    assert set(load_celeb_df(celeb_df).split) == {""}
    with pytest.raises(FileNotFoundError, match=r"Looked for .*List_of_testing_videos\.txt"):
        load_celeb_df(celeb_df, subset="test")


def test_two_folders_of_frames_are_ambiguous(celeb_df):
    for folder, names in CELEB_DF_VIDEOS.items():
        touch(celeb_df, *(f"{folder}/faces/{name}/1.png" for name in names))
    with pytest.raises(
        ValueError, match="may both hold frames; say which, such as frames='frames'"
    ):
        load_celeb_df(celeb_df)
    faces = load_celeb_df(celeb_df, frames="faces")
    assert len(faces.data) == 10
    with pytest.raises(FileNotFoundError, match=r"Looked for images in .*-real/crops/id0_0000"):
        load_celeb_df(celeb_df, frames="crops")
