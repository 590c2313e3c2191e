# SPDX-License-Identifier: BSD-3-Clause
"""Readers of the image sets and of folders, each on a miniature of its layout."""

import shutil

import numpy as np
import pytest
from face_sets import relative, touch
from numpy.testing import assert_array_equal
from sklearn.model_selection import LeaveOneGroupOut

from skfakespot.datasets import (
    IncompleteDatasetWarning,
    check_leakage,
    load_celeb_df,
    load_celeba,
    load_dfdc,
    load_face_folders,
    load_faceforensics,
    load_ffhq,
)

READERS = (load_celeb_df, load_celeba, load_dfdc, load_face_folders, load_faceforensics, load_ffhq)


@pytest.fixture
def celeba(tmp_path):
    names = [f"00000{number}.jpg" for number in range(1, 7)]
    touch(tmp_path, *(f"Img/img_align_celeba/{name}" for name in names), "Img/notes.txt")
    touch(tmp_path, "Img/img_align_celeba/.DS_Store", "Anno/list_attr_celeba.txt")
    (tmp_path / "Eval").mkdir()
    parts = zip(names, "000122", strict=True)
    (tmp_path / "Eval/list_eval_partition.txt").write_text(
        "".join(f"{name} {part}\n" for name, part in parts)
    )
    people = zip(names, (7, 7, 8, 9, 7, 10), strict=True)
    (tmp_path / "Anno/identity_CelebA.txt").write_text(
        "".join(f"{name} {person}\n" for name, person in people)
    )
    return tmp_path


@pytest.fixture
def ffhq(tmp_path):
    for folder in ("images1024x1024", "thumbnails128x128"):
        touch(tmp_path, *(f"{folder}/{n // 1000:02}000/{n:05}.png" for n in (0, 59999, 60000)))
        touch(tmp_path, f"{folder}/LICENSE.txt", f"{folder}/preview.png")
    return tmp_path


@pytest.mark.parametrize("load", READERS)
def test_a_root_that_is_no_folder_is_refused(load, tmp_path):
    with pytest.raises(NotADirectoryError, match="nowhere does not exist; a folder is needed"):
        load(tmp_path / "nowhere")
    touch(tmp_path, "file")
    with pytest.raises(NotADirectoryError, match="file is a file; a folder is needed"):
        load(tmp_path / "file")


@pytest.mark.parametrize(
    ("load", "looked_for"),
    [
        (load_celeba, "Img/img_align_celeba"),
        (load_celeb_df, "Celeb-real"),
        (load_dfdc, "metadata.json"),
        (load_faceforensics, "original_sequences"),
        (load_ffhq, "images1024x1024"),
    ],
)
def test_a_wrong_root_is_refused_with_what_was_looked_for(load, looked_for, tmp_path):
    touch(tmp_path, "real/1.png", "fake/1.png")
    with pytest.raises(FileNotFoundError, match=looked_for) as error:
        load(tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("load", READERS)
def test_an_unknown_part_is_refused(load, tmp_path):
    with pytest.raises(ValueError, match=r"subset='Train'; of .* there are 'all', 'train'"):
        load(tmp_path, subset="Train")


@pytest.mark.parametrize("load", [load_ffhq, load_celeb_df])
def test_a_part_that_a_set_does_not_have_is_refused(load, tmp_path):
    with pytest.raises(ValueError, match="subset="):
        load(tmp_path, subset="test" if load is load_ffhq else "validation")


# CelebA


def test_celeba_has_its_parts_and_people(celeba):
    faces = load_celeba(celeba)
    assert relative(celeba, faces) == [f"Img/img_align_celeba/00000{n}.jpg" for n in range(1, 7)]
    assert_array_equal(faces.target, np.zeros(6))
    assert faces.split.tolist() == ["train"] * 3 + ["validation"] + ["test"] * 2
    assert faces.groups.tolist() == [f"celeba:{n}" for n in (7, 7, 8, 9, 7, 10)]
    assert set(faces.generator) == {""}
    assert "6 real and 0 fake images of 4 groups" in faces.DESCR
    test = load_celeba(celeba, subset="test")
    assert relative(celeba, test) == [f"Img/img_align_celeba/00000{n}.jpg" for n in (5, 6)]
    report = check_leakage(load_celeba(celeba, subset="train"), test, max_distance=None)
    assert report.shared_groups == {"celeba:7": (2, 1)}


def test_celeba_of_kaggle_lacks_identities(celeba):
    shutil.rmtree(celeba / "Anno")
    (celeba / "Eval/list_eval_partition.txt").unlink()
    (celeba / "list_eval_partition.csv").write_text(
        "image_id,partition\n" + "".join(f"00000{n}.jpg,{n % 3}\n" for n in range(1, 7))
    )
    (celeba / "Img/img_align_celeba").rename(celeba / "inner")
    (celeba / "img_align_celeba").mkdir()
    (celeba / "inner").rename(celeba / "img_align_celeba/img_align_celeba")
    with pytest.warns(IncompleteDatasetWarning, match=r"no list of identities .* identity_CelebA"):
        faces = load_celeba(celeba, subset="train")
    assert faces.groups.tolist() == ["celeba:000003.jpg", "celeba:000006.jpg"]


def test_celeba_as_png_has_the_names_of_the_list(celeba):
    folder = (celeba / "Img/img_align_celeba").rename(celeba / "Img/img_align_celeba_png")
    for path in folder.glob("*.jpg"):
        path.rename(path.with_suffix(".png"))
    assert load_celeba(celeba, subset="validation").groups.tolist() == ["celeba:9"]


def test_celeba_warns_of_missing_and_unlisted_images(celeba):
    folder = celeba / "Img/img_align_celeba"
    (folder / "000002.jpg").rename(folder / "stranger.jpg")
    with pytest.warns(IncompleteDatasetWarning) as caught:
        faces = load_celeba(celeba)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert messages[0].startswith("1 images of")
    assert "000002" in messages[0]
    assert "stranger" in messages[1]
    assert len(faces.data) == 5


def test_celeba_refuses_an_overlap_of_its_parts(celeba):
    with (celeba / "Eval/list_eval_partition.txt").open("a") as file:
        file.write("000001.jpg 2\n")
    with pytest.raises(ValueError, match="line 7: 000001 is in two parts, train and test"):
        load_celeba(celeba)


def test_celeba_without_its_list_is_read_as_a_whole_only(celeba):
    file = celeba / "Eval/list_eval_partition.txt"
    text = file.read_text()
    file.write_text(text + "000009.jpg 3\n")
    with pytest.raises(ValueError, match="the part '3' is not 0, 1 or 2"):
        load_celeba(celeba)
    file.write_text("one two three\n")
    with pytest.raises(ValueError, match="line 1"):
        load_celeba(celeba)
    file.unlink()
    assert set(load_celeba(celeba).split) == {""}
    with pytest.raises(FileNotFoundError, match=r"subset='test' needs.*list_eval_partition\.txt"):
        load_celeba(celeba, subset="test")


# FFHQ


def test_ffhq_is_split_at_60000(ffhq):
    faces = load_ffhq(ffhq)
    assert faces.split.tolist() == ["train", "train", "validation"]
    assert faces.groups.tolist() == ["ffhq:00000", "ffhq:59999", "ffhq:60000"]
    small = load_ffhq(ffhq, subset="validation", images="thumbnails128x128")
    assert relative(ffhq, small) == ["thumbnails128x128/60000/60000.png"]


def test_ffhq_says_which_version_there_is(ffhq):
    shutil.rmtree(ffhq / "images1024x1024")
    with pytest.raises(FileNotFoundError, match="pass images='thumbnails128x128'"):
        load_ffhq(ffhq)
    with pytest.raises(ValueError, match="images='small'; of FFHQ there are 'images1024x1024'"):
        load_ffhq(ffhq, images="small")
    touch(ffhq, "images1024x1024/preview.png")
    with pytest.raises(FileNotFoundError, match="no numbered images"):
        load_ffhq(ffhq)


# Folders


def test_folders_of_parts_and_generators_as_in_cnndetection(tmp_path):
    touch(
        tmp_path,
        "train/airplane/0_real/1.png",
        "train/airplane/1_fake/1.png",
        "val/airplane/0_real/2.png",
        "val/airplane/1_fake/2.png",
        "test/progan/cat/0_real/3.png",
        "test/progan/cat/1_fake/3.png",
        "test/progan/dog/0_real/4.png",
        "test/progan/dog/1_fake/4.png",
        "test/stargan/0_real/5.png",
        "test/stargan/1_fake/5.png",
        "test/stargan/1_fake/a.txt",
        "test/empty/nothing.txt",
        "readme.png",
    )
    faces = load_face_folders(tmp_path)
    assert faces.target.tolist() == [0] * 5 + [1] * 5
    assert faces.split.tolist() == 2 * (["train", "validation"] + ["test"] * 3)
    assert faces.generator.tolist() == 2 * (["airplane"] * 2 + ["progan"] * 2 + ["stargan"])
    test = load_face_folders(tmp_path, subset="test")
    assert len(test.data) == 6
    folds = list(LeaveOneGroupOut().split(test.data, test.target, test.generator))
    assert [test.target[rows].tolist() for _, rows in folds] == [[0, 0, 1, 1], [0, 1]]
    # A part by itself has generators as well.
    assert load_face_folders(tmp_path / "test").generator.tolist() == test.generator.tolist()


def test_generators_inside_the_fake_folder(tmp_path):
    touch(tmp_path, "real/ffhq/1.png", "fake/stylegan/x/1.png", "fake/pggan/2.png", "fake/3.png")
    faces = load_face_folders(tmp_path)
    assert faces.generator.tolist() == ["", "unknown", "pggan", "stylegan"]
    assert set(faces.split) == {""}


def test_groups_of_folders(tmp_path):
    touch(tmp_path, "real/anna/1.png", "real/2.png", "fake/anna/7.jpg", "fake/2.jpg")
    groups = {kind: load_face_folders(tmp_path, groups=kind).groups for kind in ("file", "folder")}
    assert len(set(groups["file"])) == 4
    two, anna, fake_two, fake_anna = groups["folder"]
    assert (anna, fake_anna) == ("anna", "anna")
    assert two != fake_two
    assert load_face_folders(tmp_path, groups="name").groups.tolist() == ["2", "1", "2", "7"]
    lengths = load_face_folders(tmp_path, groups=len).groups
    assert lengths.tolist() == [len(path) for path in load_face_folders(tmp_path).data]
    with pytest.raises(ValueError, match="groups='person'; accepted are 'file'"):
        load_face_folders(tmp_path, groups="person")


def test_a_part_needs_its_folder(tmp_path):
    touch(tmp_path, "train/real/1.png", "train/fake/1.png")
    assert len(load_face_folders(tmp_path, subset="train").data) == 2
    with pytest.raises(NotADirectoryError, match=f"Looked for {tmp_path / 'val'}"):
        load_face_folders(tmp_path, subset="validation")
    folders = {name: tmp_path / "train" / name for name in ("real", "fake")}
    with pytest.raises(ValueError, match="subset='train' needs root"):
        load_face_folders(**folders, subset="train")
