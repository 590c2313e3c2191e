# SPDX-License-Identifier: BSD-3-Clause
"""expand_faces: a row for each face of the images in X."""

import numpy as np
import pandas as pd
import pytest
from networks import small_network
from numpy.testing import assert_array_equal
from photographs import read_face
from PIL import Image
from sklearn.tree import DecisionTreeClassifier

from skfakespot import make_fakespotter
from skfakespot.faces import FaceCrop, FaceCropper, MissingFace, NoFaceWarning, expand_faces
from skfakespot.images import ImageError
from skfakespot.video import UnscoredGroupWarning, VideoClassifier, aggregate_scores


@pytest.fixture(scope="module")
def pictures(faces):
    """Pictures with two faces, none, one and two, in this order; the larger face is right."""
    pictures = []
    for numbers in ((0, 1), (), (2,), (3, 4)):
        picture = Image.new("RGB", (420, 240), (90, 110, 100))
        for place, number in enumerate(numbers):
            picture.paste(read_face(faces, number, 170 + 40 * place), (10 + 190 * place, 10))
        pictures.append(picture)
    return pictures


@pytest.fixture(scope="module")
def paths(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [str(folder / f"{number}.png") for number in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        picture.save(path)
    return paths


def test_each_face_has_a_row_with_the_label_of_its_picture(paths):
    faces = expand_faces(paths, ["a", "b", "c", "d"], [3, 5, 3, 7])
    assert faces.image.tolist() == [0, 0, 1, 2, 3, 3]
    assert faces.target.tolist() == ["a", "a", "b", "c", "d", "d"]
    assert faces.groups.tolist() == [3, 3, 5, 3, 7, 7]
    assert faces.data[2] == MissingFace(paths[1])
    for row, of_image in zip((0, 2, 3, 4), FaceCropper().get_faces(paths), strict=True):
        rows = slice(row, row + len(of_image.boxes))
        assert list(faces.data[rows]) == of_image.crops
        for name in ("boxes", "scores", "landmarks"):
            assert_array_equal(faces[name][rows], of_image[name])
    assert [crop.x > 200 for crop in faces.data[:2]] == [True, False]
    for name, shape in (("boxes", (6, 4)), ("scores", (6,)), ("landmarks", (6, 5, 2))):
        assert (faces[name].shape, faces[name].dtype) == (shape, np.float64)
        assert np.isnan(faces[name][2]).all()


def test_without_labels_each_picture_is_a_group(paths):
    faces = expand_faces(paths)
    assert "target" not in faces
    assert_array_equal(faces.groups, faces.image)


@pytest.mark.parametrize(
    "make",
    [tuple, np.array, pd.Series, lambda X: pd.DataFrame({"path": X})],
    ids=["tuple", "array", "Series", "DataFrame"],
)
def test_every_container_is_expanded(paths, make):
    expected = expand_faces(paths)
    faces = expand_faces(make(paths), pd.Series([0, 1, 0, 1]))
    assert list(faces.data) == list(expected.data)
    assert faces.target.tolist() == [0, 0, 1, 0, 1, 1]


def test_arrays_and_pil_images_are_expanded(pictures):
    expected = expand_faces(pictures)
    faces = expand_faces(np.stack(pictures))
    assert_array_equal(faces.boxes, expected.boxes)
    assert isinstance(faces.data[0], FaceCrop)


def test_the_cropper_decides_what_is_found_and_cut_out(paths):
    faces = expand_faces(paths, cropper=FaceCropper(crop="box", margin=0.5, size=64))
    assert {(crop.angle, crop.size) for crop in faces.data[[0, 1, 3]]} == {(0.0, 64)}
    assert expand_faces(paths, cropper=FaceCropper(min_size=120)).image.tolist() == [0, 1, 2, 3]


def test_the_cropper_decides_about_pictures_without_a_face(paths):
    with pytest.raises(ImageError, match=r"1\.png: no face was found in it"):
        expand_faces(paths, cropper=FaceCropper(on_no_face="raise"))
    whole = r"1\.png: no face was found in it\. Row 2 of the result is the whole image"
    with pytest.warns(NoFaceWarning, match=whole) as caught:
        faces = expand_faces(paths, cropper=FaceCropper(on_no_face="whole"))
    assert caught[0].filename == __file__
    assert faces.data[2] == paths[1]
    assert np.isnan(faces.scores[2])


def test_unreadable_pictures_stay_as_they_are(paths):
    faces = expand_faces(["gone.png", paths[2]])
    assert faces.data[0] == "gone.png"
    assert faces.image.tolist() == [0, 1]


def test_what_cannot_be_expanded_is_refused(paths):
    with pytest.raises(TypeError, match=r"cropper='dlib'; accepted are None and a FaceCropper"):
        expand_faces(paths, cropper="dlib")
    with pytest.raises(ValueError, match=r"crop=None.* cuts out nothing; give crop='aligned'"):
        expand_faces(paths, cropper=FaceCropper(crop=None))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        expand_faces(paths, [0, 1])
    with pytest.raises(TypeError, match="wrap it in a list"):
        expand_faces(paths[0])


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
@pytest.mark.filterwarnings("ignore::skfakespot.video.UnscoredGroupWarning")
def test_the_faces_of_a_picture_give_one_score(paths):
    detector = make_fakespotter(
        small_network((24, 24, 3)),
        on_error="nan",
        classifier=DecisionTreeClassifier(random_state=0),
    )
    faces = expand_faces(paths, [0, 1, 1, 0])
    classifier = VideoClassifier(detector, how="max")
    classifier.fit(faces.data, faces.target)
    with pytest.warns(UnscoredGroupWarning, match="1 of 4 groups .* the first of them 1"):
        labels = classifier.predict(faces.data, groups=faces.image)
    assert labels.tolist() == [0, -1, 1, 0]
    of_pictures = classifier.predict_proba(faces.data, groups=faces.image)[:, 1]
    of_faces = classifier.predict_proba(faces.data)[:, 1]
    images, scores = aggregate_scores(of_faces, faces.image, how="max")
    assert_array_equal(images, np.arange(4))
    assert_array_equal(scores, of_pictures)
    assert_array_equal(np.isnan(of_pictures), [False, True, False, False])


def test_found_faces_may_be_changed_by_the_caller(paths):
    (first,) = FaceCropper().get_faces(paths[2:3])
    expected = first.landmarks.copy()
    first.landmarks[:] = 0
    faces = expand_faces(paths[2:3])
    assert_array_equal(faces.landmarks, expected)
