# SPDX-License-Identifier: BSD-3-Clause
"""FaceCropper, its crops as elements of X, and FaceDisplay."""

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from networks import small_network
from numpy.testing import assert_allclose, assert_array_equal
from photographs import photograph, read_face
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_is_fitted

from skfakespot import (
    NeuronCoverageTransformer,
    PerturbationAugmenter,
    SkipMissingClassifier,
    clear_caches,
    make_fakespotter,
    score_images,
    trusted_types,
)
from skfakespot._crops import crop_image, crop_square
from skfakespot.augmentation import Perturbation, perturb
from skfakespot.cli import main
from skfakespot.faces import (
    FaceCrop,
    FaceCropper,
    FaceDisplay,
    MissingFace,
    NoFaceWarning,
    detect_faces,
)
from skfakespot.faces._alignment import map_aligned_crop
from skfakespot.faces._models import load_detector
from skfakespot.images import (
    ImageError,
    PerturbedImage,
    UnreadableImageWarning,
    as_samples,
    load_image,
    read_header,
)


def read(X, image_size):
    (batch,) = as_samples(X).batches(image_size=image_size, batch_size=100)
    return batch.data


@pytest.fixture(scope="module")
def pictures(faces):
    """Three pictures with a face each, and two without, of two sizes."""
    with_face = [photograph(faces, seed, n_faces=1, sides=(120, 150)) for seed in (3, 5)]
    turned = np.asarray(read_face(faces, 1).rotate(20))
    return [with_face[0], np.zeros((240, 330, 3), np.uint8), turned, with_face[1], turned // 255]


@pytest.fixture(scope="module")
def paths(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [str(folder / f"{number}.png") for number in range(len(pictures))]
    for path, pixels in zip(paths, pictures, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


@pytest.fixture
def searched(monkeypatch):
    """Numbers of images that pass through the detector together, from a cold start."""
    clear_caches(networks=False)
    detector, numbers = load_detector(), []
    detect = detector.detect

    def counted(images, *parameters):
        numbers.append(len(images))
        return detect(images, *parameters)

    monkeypatch.setattr(detector, "detect", counted)
    return numbers


# The recipe


def test_a_crop_takes_one_resampling(pictures):
    pixels = pictures[2]
    (landmarks,) = detect_faces(pixels).landmarks
    (crop,) = FaceCropper().transform([pixels])
    for side in (48, 150, 224):
        expected = crop_image(pixels, map_aligned_crop(landmarks, side), (side, side))
        own = read([crop], (side, side))[0]
        assert_allclose(own.astype(int), expected, atol=1)
    # Resampling twice is something else.
    twice = Image.fromarray(load_image(crop)).resize((48, 48), Image.Resampling.BICUBIC)
    assert np.abs(read([crop], (48, 48))[0].astype(int) - np.asarray(twice)).max() > 3


def test_a_crop_may_be_stretched_to_another_shape():
    columns = np.tile(np.arange(0, 240, 2, dtype=np.uint8), (120, 1))
    pixels = np.stack([columns, columns.T, columns], axis=-1)
    wide = crop_square(pixels, (59.5, 59.5, 120, 0), (30, 60))
    assert wide.shape == (30, 60, 3)
    assert_allclose(wide[5, 1:-1, 0], np.arange(1, 240, 4)[1:-1], atol=1)
    assert_allclose(wide[1:-1, 5, 1], np.arange(3, 240, 8)[1:-1], atol=1)


def test_several_sizes_are_cropped_from_one_decoding(paths):
    crop = FaceCrop(paths[0], 100, 90, 80, 15)
    (batch,) = as_samples([crop]).batches(image_size=[(40, 40), (64, 32)], batch_size=1)
    for data, size in zip(batch.data, [(40, 40), (64, 32)], strict=True):
        assert_array_equal(data, read([crop], size))


def test_a_crop_with_a_size_is_scaled_to_it_first(paths):
    crop = FaceCrop(paths[0], 100, 90, 80, size=50)
    assert load_image(crop).shape == (50, 50, 3)
    expected = Image.fromarray(load_image(crop)).resize((20, 20), Image.Resampling.BICUBIC)
    assert_array_equal(read([crop], (20, 20))[0], np.asarray(expected))


def test_its_corners_are_turned_with_it():
    crop = FaceCrop("a.png", 10, 20, 4, 90)
    assert_allclose(crop.corners, [(12, 18), (12, 22), (8, 22), (8, 18)], atol=1e-9)


def test_a_crop_is_described_by_its_source(paths):
    crop = FaceCrop(paths[0], 100, 90, 80)
    assert read_header(crop) == read_header(paths[0]) == read_header(MissingFace(paths[0]))
    assert as_samples([crop]).name(0) == paths[0]
    with pytest.raises(ImageError, match=r"^gone\.png: no such file"):
        load_image(FaceCrop("gone.png", 9, 9, 9))


def test_crops_stand_beside_their_sources(paths):
    X = [FaceCrop(paths[0], 9, 9, 9), paths[1]]
    assert read(X, (8, 8)).shape == (2, 8, 8, 3)
    with pytest.raises(TypeError, match=r"X\[1\] is a FaceCrop"):
        as_samples([paths[0], FaceCrop(np.zeros((9, 9), np.uint8), 4, 4, 4)])


def test_a_crop_is_perturbed_after_it_is_cut_out(paths):
    crop = FaceCrop(paths[0], 100, 90, 80, 10)
    blurred = perturb([crop], "blur", 2.0)
    expected = perturb(load_image(crop)[None], "blur", 2.0)[0]
    assert_array_equal(load_image(blurred[0]), expected)
    # And a crop of a perturbed image is cut out of the perturbed pixels.
    (outer,) = perturb([paths[0]], "blur", 2.0)
    inner = FaceCrop(outer, 100, 90, 80, 10)
    expected = crop_square(load_image(outer), crop.square, (80, 80))
    assert_array_equal(load_image(inner), expected)


def test_digests_tell_crops_apart_without_decoding(paths):
    first = FaceCrop(paths[0], 100, 90, 80)
    others = [
        FaceCrop(paths[0], 101, 90, 80),
        FaceCrop(paths[0], 100, 91, 80),
        FaceCrop(paths[0], 100, 90, 81),
        FaceCrop(paths[0], 100, 90, 80, 1),
        FaceCrop(paths[0], 100, 90, 80, size=80),
        FaceCrop(paths[2], 100, 90, 80),
        PerturbedImage(first, Perturbation("blur", 1.0), 0),
        paths[0],
    ]
    digests = as_samples([first, *others]).digests()
    assert None not in digests
    assert len(set(digests)) == len(digests)
    assert as_samples([FaceCrop(paths[0], 100.0, 90, 80)]).digests() == digests[:1]
    missing = [FaceCrop("gone.png", 1, 1, 1), MissingFace("gone.png")]
    assert as_samples(missing).digests() == [None, None]


def test_crops_are_small_pickles_and_hashed_by_content(paths):
    crop = FaceCrop(paths[0], 100, 90, 80, 1.5)
    assert pickle.loads(pickle.dumps(crop)) == crop
    assert len(pickle.dumps(crop)) < 500
    again = FaceCrop(paths[0], 100.0, 90.0, 80.0, 1.5)
    assert hash(crop) == hash(again)
    assert joblib.hash([crop, again]) == joblib.hash([again, pickle.loads(pickle.dumps(crop))])
    with pytest.raises(AttributeError):
        crop.side = 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"side": 0}, r"side=0\.0 of a FaceCrop; accepted are finite numbers above 0"),
        ({"x": np.nan}, "x=nan of a FaceCrop; accepted are finite numbers"),
        ({"size": 0}, "size=0 of a FaceCrop"),
        ({"size": 1.5}, "size=1.5 of a FaceCrop"),
    ],
)
def test_impossible_crops_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        FaceCrop("a.png", **{"x": 1, "y": 1, "side": 1, **values})


# The transformer


def test_faces_are_cropped_where_they_were_pasted(faces):
    inside = []
    for number in range(6):
        face = read_face(faces, number, 160)
        (alone,) = detect_faces(face).landmarks
        picture = Image.new("RGB", (500, 400), (90, 110, 100))
        place = np.array([20 + 50 * number, 30 + 35 * number])
        picture.paste(face, tuple(place))
        (crop,) = FaceCropper(crop="box").fit_transform([picture])
        assert_allclose((crop.x, crop.y), alone.mean(axis=0) + place, atol=40)
        assert crop.angle == 0
        ((x0, y0), _, (x1, y1), _) = crop.corners
        inside.append((alone + place > (x0, y0)).all() and (alone + place < (x1, y1)).all())
    assert all(inside)


def test_box_and_aligned_crops_have_the_same_square(paths):
    (aligned,) = FaceCropper().transform(paths[2:3])
    (box,) = FaceCropper(crop="box").transform(paths[2:3])
    assert (box.x, box.y, box.side) == (aligned.x, aligned.y, aligned.side)
    assert box.angle == 0
    assert abs(aligned.angle) > 10


def test_the_margin_enlarges_the_square(paths):
    tight, loose = (FaceCropper(margin=m).transform(paths[2:3])[0] for m in (0.0, 0.5))
    assert_allclose(loose.side / tight.side, 2)
    assert FaceCropper(size=96).transform(paths[2:3])[0].size == 96


@pytest.mark.parametrize(
    "make",
    [list, tuple, np.array, pd.Series, lambda X: pd.DataFrame({"path": X})],
    ids=["list", "tuple", "array", "Series", "DataFrame"],
)
def test_every_container_gives_an_array_of_crops(paths, make):
    expected = FaceCropper().transform(paths)
    crops = FaceCropper().fit_transform(make(paths))
    assert crops.shape == (5,)
    assert list(crops) == list(expected)
    assert [type(crop) for crop in crops[[0, 1]]] == [FaceCrop, MissingFace]


def test_an_array_of_images_and_pil_images_are_taken(pictures):
    pixels = pictures[2]
    kinds = [pixels[None], pixels[None].astype(float), [Image.fromarray(pixels)], [pixels]]
    expected = FaceCropper().transform(kinds[0])
    for X in kinds:
        crops = FaceCropper().fit_transform(X)
        assert crops[0].square == expected[0].square
        assert_array_equal(read(crops, (60, 60)), read(expected, (60, 60)))


def test_dataframes_come_out_if_set(paths):
    cropper = FaceCropper().set_output(transform="pandas")
    crops = cropper.fit_transform(pd.DataFrame({"path": paths}, index=list("abcde")))
    assert (list(crops.columns), list(crops.index)) == (["face"], list("abcde"))
    assert read(crops.iloc[[0, 2]], (9, 9)).shape == (2, 9, 9, 3)


def test_all_faces_of_an_image_and_their_crops(faces):
    pixels = photograph(faces, 4, size=(400, 500), n_faces=6, sides=(90, 250))
    expected = detect_faces(pixels)
    (found,) = FaceCropper().get_faces([pixels])
    assert len(expected.boxes) >= 3
    for name in ("boxes", "scores", "landmarks"):
        assert_allclose(found[name], expected[name], atol=1e-4)
        assert found[name].dtype == expected[name].dtype
    assert len(found.crops) == len(expected.boxes)
    assert found.crops[0].square == FaceCropper().transform([pixels])[0].square
    (nothing,) = FaceCropper(crop=None).get_faces(np.zeros((1, 90, 90, 3), np.uint8))
    assert (nothing.boxes.shape, nothing.landmarks.shape, nothing.crops) == ((0, 4), (0, 5, 2), [])
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        FaceCropper().get_faces(["gone.png"])


def test_images_of_one_size_are_searched_together(paths, searched):
    FaceCropper().fit_transform(paths)
    assert sorted(searched) == [2, 3]


def test_equal_images_are_searched_once(paths, searched):
    crops = FaceCropper().transform([*paths, *paths])
    assert sum(searched) == 5
    assert list(crops[:5]) == list(crops[5:])


def test_other_parameters_of_the_search_search_again(paths, searched):
    FaceCropper().transform(paths)
    FaceCropper(margin=0.5, crop="box").transform(paths)
    assert sum(searched) == 5
    FaceCropper(min_size=100).transform(paths)
    FaceCropper(score_threshold=0.5).transform(paths)
    assert sum(searched) == 15


def test_a_folder_keeps_the_faces(paths, searched, tmp_path):
    first = FaceCropper(memory=tmp_path).transform(paths)
    clear_caches(networks=False)
    again = FaceCropper(memory=joblib.Memory(tmp_path, verbose=0)).transform(paths)
    assert sum(searched) == 5
    assert list(again) == list(first)
    clear_caches(networks=False)
    FaceCropper().transform(paths)
    assert sum(searched) == 10


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="there is no /proc")
def test_a_folder_that_cannot_be_written_is_a_warning(paths, searched):
    with pytest.warns(UserWarning, match="could not be written to memory='/proc/version/faces'"):
        crops = FaceCropper(memory="/proc/version/faces").transform(paths)
    assert list(crops) == list(FaceCropper().transform(paths))


def make_detector(**parameters):
    coverage = NeuronCoverageTransformer(small_network((24, 24, 3)), on_error="nan")
    return make_pipeline(
        FaceCropper(**parameters),
        coverage,
        StandardScaler(),
        SkipMissingClassifier(DecisionTreeClassifier(random_state=0)),
    )


def test_cross_validation_searches_each_image_once(faces, searched, tmp_path):
    paths = []
    for number in range(6):
        paths.append(str(tmp_path / f"{number}.png"))
        read_face(faces, number, 150).save(paths[-1])
    probability = cross_val_predict(
        make_detector(), paths, [0, 1] * 3, cv=3, method="predict_proba"
    )
    assert np.isfinite(probability).all()
    assert sum(searched) == 6


def test_an_image_without_a_face_is_not_scored(paths):
    detector = make_detector()
    with pytest.warns(UnreadableImageWarning, match=r"[14]\.png: no face was found") as caught:
        detector.fit(paths, [0, 1, 0, 1, 1])
    assert {warning.message.index for warning in caught} == {1, 4}
    with pytest.warns(UnreadableImageWarning, match=r"[14]\.png: no face was found"):
        probability = detector.predict_proba(paths)
    assert_array_equal(np.isnan(probability[:, 0]), [False, True, False, False, True])
    detector.set_params(neuroncoveragetransformer__on_error="raise")
    with pytest.raises(ImageError, match=r"1\.png: no face was found in it"):
        detector.predict_proba(paths)


def test_the_other_policies_for_images_without_a_face(paths):
    with pytest.raises(ImageError, match=r"1\.png: no face was found in it"):
        FaceCropper(on_no_face="raise").transform(paths)
    with pytest.warns(NoFaceWarning, match=r"[14]\.png: no face was found in it\. Row") as caught:
        crops = FaceCropper(on_no_face="whole").transform(paths)
    assert [(w.message.source, w.message.index) for w in caught] == [(paths[1], 1), (paths[4], 4)]
    assert [crops[1], crops[4]] == [paths[1], paths[4]]
    assert all(isinstance(crops[row], FaceCrop) for row in (0, 2, 3))


def test_without_a_crop_images_are_only_warned_of(paths, pictures):
    for X, name in ((paths, paths[1]), (np.stack([pictures[0], pictures[1]]), "image 1 of X")):
        with pytest.warns(NoFaceWarning) as caught:
            assert FaceCropper(crop=None).fit_transform(X) is X
        assert caught[0].message.source == name
    with pytest.raises(ImageError, match=r"1\.png: no face"):
        FaceCropper(crop=None, on_no_face="raise").transform(paths)


def test_unreadable_images_stay_as_they_are(paths, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    X = [paths[0], str(broken), "gone.png"]
    for on_no_face in ("nan", "raise", "whole"):
        assert list(FaceCropper(on_no_face=on_no_face).transform(X)[1:]) == X[1:]


def test_an_image_of_too_many_pixels_is_not_scored_as_a_whole(pictures):
    cropper = FaceCropper(min_size=2)
    pixels = np.zeros((1000, 700, 3), np.uint8)
    (missing,) = cropper.transform([pixels])
    with pytest.raises(ImageError, match=r"image 0 of X: with min_size=2 .* larger min_size"):
        list(as_samples([missing]).batches(image_size=(9, 9), batch_size=1))
    with pytest.warns(NoFaceWarning, match="with min_size=2"):
        cropper.set_params(on_no_face="whole").transform([pixels])


def test_what_holds_no_images_is_refused():
    with pytest.raises(ValueError, match="X holds 3 rows of numbers"):
        FaceCropper().fit(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="there are pixels between 0 and 1"):
        FaceCropper().transform(np.full((1, 90, 90, 3), 0.5))


@pytest.mark.parametrize(
    "parameters",
    [
        {"detector": "haar"},
        {"crop": "round"},
        {"margin": -1},
        {"size": 0},
        {"min_size": 0},
        {"score_threshold": "high"},
        {"on_no_face": "skip"},
        {"memory": 3},
    ],
)
def test_parameters_are_checked_in_fit_and_transform(parameters):
    (name,) = parameters
    for method in ("fit", "transform", "get_faces"):
        with pytest.raises(ValueError, match=f"The '{name}' parameter of FaceCropper"):
            getattr(FaceCropper(**parameters), method)(np.zeros((1, 9, 9, 3), np.uint8))


def test_workers_find_the_same_faces(paths, searched):
    expected = FaceCropper().transform(paths)
    clear_caches(networks=False)
    with joblib.parallel_config("threading"):
        crops = FaceCropper(n_jobs=2).transform(paths)
    assert list(crops) == list(expected)


@pytest.mark.slow
def test_worker_processes_find_the_same_faces(paths):
    expected = FaceCropper().transform(paths)
    clear_caches(networks=False)
    assert list(FaceCropper(n_jobs=2).transform(paths)) == list(expected)


CHECKS = (
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_mixin_order",
)


@pytest.mark.parametrize("name", CHECKS)
def test_checks_of_scikit_learn_that_need_no_table(name):
    getattr(estimator_checks, name)("FaceCropper", FaceCropper())


def test_it_needs_no_fit_and_is_pickled(paths):
    cropper = FaceCropper(margin=0.3)
    check_is_fitted(cropper)
    expected = list(cropper.transform(paths))
    fitted = pickle.loads(pickle.dumps(clone(cropper).fit(paths)))
    assert list(fitted.transform(paths)) == expected
    assert fitted.n_features_in_ == 1
    assert vars(cropper) == cropper.get_params()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.fit(pd.DataFrame({"path": paths})).transform(pd.DataFrame({"path": paths}))
    assert list(fitted.feature_names_in_) == ["path"]


# The detector


def test_a_detector_finds_the_faces_first(paths):
    detector = make_fakespotter(small_network((24, 24, 3)), faces=True, memory="profiles")
    assert list(detector.named_steps) == ["faces", "coverage", "scale", "classify"]
    assert detector["faces"].memory == detector["coverage"].memory == "profiles"
    augmented = make_fakespotter(small_network((24, 24, 3)), faces=True, augment=True)
    assert list(augmented.named_steps) == ["faces", "augment", "coverage", "scale", "classify"]
    for wrong in ("yes", 1, FaceCropper()):
        with pytest.raises(ValueError, match=r"accepted are True and False.*faces__crop"):
            make_fakespotter(faces=wrong)
    with pytest.raises(ImageError, match=r"[14]\.png: no face was found in it"):
        detector.set_params(faces__memory=None, coverage__memory=None).fit(paths, [0, 1, 0, 1, 1])


def test_crops_are_augmented_in_training(faces, searched):
    X = [np.asarray(read_face(faces, number, 150)) for number in range(6)]
    detector = make_fakespotter(
        small_network((24, 24, 3)),
        faces=True,
        augment=PerturbationAugmenter(kinds="blur", random_state=0),
        classifier=DecisionTreeClassifier(random_state=0),
    )
    detector.fit(X, [0, 1] * 3)
    assert sum(searched) == 6
    assert detector["coverage"].n_samples_seen_ == 12
    assert_array_equal(detector["augment"].sample_indices_, [*range(6)] * 2)
    crops = detector["faces"].transform(X)
    copies = [
        PerturbedImage(crop, perturbation, 0)
        for crop, perturbation in zip(crops, detector["augment"].perturbations_[6:], strict=True)
    ]
    alone = NeuronCoverageTransformer(small_network((24, 24, 3))).fit([*crops, *copies])
    assert_allclose(alone.thresholds_, detector["coverage"].thresholds_, rtol=1e-6)
    assert_array_equal(detector.predict(X), [0, 1] * 3)


@pytest.mark.parametrize("on_error", ["raise", "nan"])
def test_a_table_of_scores_says_where_there_is_no_face(paths, on_error):
    detector = make_fakespotter(
        small_network((24, 24, 3)),
        faces=True,
        on_error=on_error,
        classifier=DecisionTreeClassifier(random_state=0),
    )
    detector.fit([paths[0], paths[2], paths[3]], [0, 1, 0])
    scores = score_images(detector, [*paths, "gone.png"])
    no_face = "no face was found in it"
    assert scores["error"].tolist() == [None, no_face, None, None, no_face, "no such file"]
    assert_array_equal(scores["probability"], [0, np.nan, 1, 0, np.nan, np.nan])


@pytest.mark.slow
def test_the_commands_find_faces(faces, tmp_path, capsys):
    for kind in ("real", "fake"):
        (tmp_path / kind).mkdir()
        for number in range(3):
            picture = Image.new("RGB", (300, 260), (80, 120, 100))
            picture.paste(read_face(faces, number, 180, kind), (60, 40))
            picture.save(tmp_path / kind / f"{number}.png")
    Image.new("RGB", (300, 260)).save(tmp_path / "real" / "black.png")
    folders = ["--real", str(tmp_path / "real"), "--fake", str(tmp_path / "fake")]
    file = str(tmp_path / "detector")
    with pytest.warns(UnreadableImageWarning, match=r"black\.png: no face was found in it"):
        assert main(["train", *folders, "--faces", "--recipe", "statistics", "--output", file]) == 0
    capsys.readouterr()
    images = [str(tmp_path / "real" / name) for name in ("0.png", "black.png")]
    assert main(["predict", file, *images]) == 2
    out, _ = capsys.readouterr()
    _, scored, missing = out.splitlines()
    assert scored.endswith(",real,")
    assert missing == f"{images[1]},,,no face was found in it"
    picture = str(tmp_path / "curves.png")
    robustness = ["robustness", *folders, "--detector", file, "--output", picture]
    no_face = r"black\.png.*: no face was found in it"
    with pytest.warns(UnreadableImageWarning, match=no_face) as caught:
        assert main([*robustness, "--kinds", "blur"]) == 0
    assert len(caught) == 6
    text = capsys.readouterr().out
    assert 'Images without a score are left out; "images" is the number of the others.' in text
    lines = [line for line in text.splitlines() if line.startswith(("clean", "blur"))]
    assert [line.split()[-1] for line in lines] == ["6"] * 6
    detector = skops.io.load(file, trusted=trusted_types()).set_params(coverage__on_error="raise")
    skops.io.dump(detector, file)
    assert main(robustness) == 2
    assert "black.png: no face was found in it" in capsys.readouterr().err


# The display


def test_a_display_draws_boxes_landmarks_and_crops(paths):
    plt = pytest.importorskip("matplotlib.pyplot")
    display = FaceDisplay.from_estimator(FaceCropper(), paths)
    assert [axes.get_title() for axes in display.axes_] == [
        "1 face",
        "no face",
        "1 face",
        "1 face",
        "no face",
    ]
    box, crop, landmarks = display.axes_[2].lines
    (found,) = FaceCropper().get_faces(paths[2:3])
    x0, y0, x1, y1 = found.boxes[0]
    assert_array_equal(box.get_xydata()[[0, 2]], [(x0 - 0.5, y0 - 0.5), (x1 - 0.5, y1 - 0.5)])
    assert_allclose(crop.get_xydata()[:4], found.crops[0].corners)
    assert_allclose(landmarks.get_xydata(), found.landmarks[0])
    assert display.axes_[0].texts[0].get_text() == f"{display.faces[0].scores[0]:.2f}"
    figure, axes = plt.subplots(1, 5)
    again = FaceDisplay(images=display.images, faces=display.faces)
    assert again.plot(axes, line_kw={"color": "red"}).figure_ is figure
    assert again.axes_[0].lines[0].get_color() == "red"
    with pytest.raises(ValueError, match="axes holds 5 panels; 2 are needed"):
        FaceDisplay(images=display.images[:2], faces=display.faces[:2]).plot(axes)
    plt.close("all")


def test_without_matplotlib_a_display_says_what_to_install():
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from skfakespot.faces import FaceDisplay\n"
        "FaceDisplay(images=[None], faces=[None]).plot()\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "ImportError: FaceDisplay draws with matplotlib" in run.stderr
    assert "pip install 'skfakespot[plot]'" in run.stderr
