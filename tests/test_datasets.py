# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skfakespot.datasets import load_demo_faces, load_face_folders


@pytest.fixture
def tree(tmp_path):
    names = [
        "real/b.jpg",
        "real/a.PNG",
        "real/deep/er/c.webp",
        "real/notes.txt",
        "real/.hidden.jpg",
        "real/.thumbnails/t.jpg",
        "fake/stylegan/1.jpeg",
        "fake/stylegan/0.jpeg",
    ]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_folders_are_read_to_any_depth_in_sorted_order(tree):
    faces = load_face_folders(tree)
    expected = ["real/a.PNG", "real/b.jpg", "real/deep/er/c.webp"]
    expected += ["fake/stylegan/0.jpeg", "fake/stylegan/1.jpeg"]
    assert faces.data.tolist() == [str(tree / name) for name in expected]
    assert_array_equal(faces.target, [0, 0, 0, 1, 1])
    assert faces.target_names == ["real", "fake"]
    assert faces.data.dtype == object


def test_two_folders_and_their_root_are_the_same_faces(tree):
    faces = load_face_folders(real=tree / "real", fake=str(tree / "fake"))
    assert_array_equal(faces.data, load_face_folders(tree).data)


def test_numbered_folders_are_found(tree):
    (tree / "real").rename(tree / "0_real")
    (tree / "fake").rename(tree / "1_fake")
    assert len(load_face_folders(tree).data) == 5


def test_wrong_folders_are_refused(tree, tmp_path):
    with pytest.raises(NotADirectoryError, match="nowhere does not exist"):
        load_face_folders(real=tmp_path / "nowhere", fake=tree / "fake")
    with pytest.raises(NotADirectoryError, match=r"a\.PNG is a file"):
        load_face_folders(real=tree / "real" / "a.PNG", fake=tree / "fake")
    with pytest.raises(NotADirectoryError, match="neither the folders real and fake"):
        load_face_folders(tree / "fake")
    with pytest.raises(ValueError, match="overlap"):
        load_face_folders(real=tree, fake=tree / "fake")
    with pytest.raises(ValueError, match="either root, or both"):
        load_face_folders(real=tree)
    (tree / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty holds no images. Accepted are files .* \.jpg"):
        load_face_folders(real=tree / "empty", fake=tree / "fake")


def test_demo_faces_come_in_pairs_that_differ_by_the_upsampling_alone():
    faces = load_demo_faces()
    real, fake = faces.data[faces.target == 0], faces.data[faces.target == 1]
    assert_array_equal(faces.groups[faces.target == 0], faces.groups[faces.target == 1])
    difference = real.astype(float) - fake
    # Same place and same brightness, else a detector could spot that instead of the artefact.
    assert abs(difference.mean()) < 1
    assert 0.5 < difference.std() < 15
    for axis in (1, 2):
        moved = np.abs(real - np.roll(fake.astype(float), 1, axis=axis)).mean()
        assert moved > np.abs(difference).mean()


def test_demo_faces_depend_on_the_seed_alone():
    assert_array_equal(load_demo_faces(random_state=3).data, load_demo_faces(random_state=3).data)
    assert (load_demo_faces(random_state=3).data != load_demo_faces(random_state=4).data).any()
