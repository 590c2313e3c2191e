# SPDX-License-Identifier: BSD-3-Clause
"""Images that cannot be read, in every part of a detector: fit, prediction, scores, samplers."""

import warnings

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from imblearn.under_sampling import RandomUnderSampler
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.preprocessing import StandardScaler

from skfakespot import (
    NeuronCoverageTransformer,
    SkipMissingClassifier,
    fake_probability,
    make_fakespotter,
)
from skfakespot.images import ImageError, UnreadableImageWarning
from skfakespot.metrics import fake_detection_report, fake_detection_scorers
from skfakespot.video import VideoClassifier

N = 24
BAD = [3, 10, 17]
GOOD = [row for row in range(N) if row not in BAD]
Y = np.arange(N) % 2


@pytest.fixture
def paths(tmp_path):
    random = np.random.default_rng(0)
    for row in GOOD:
        brightness = random.integers(60, 256) * (0.5 + 0.5 * Y[row])
        pixels = (random.random((12, 10, 3)) * brightness).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{row}.png")
    for row in BAD[1:]:
        (tmp_path / f"{row}.png").write_bytes(b"not a picture")
    return [str(tmp_path / f"{row}.png") for row in range(N)]


def good(paths):
    return [paths[row] for row in GOOD]


@pytest.fixture(params=["paper", "statistics"])
def detector(request, network):
    detector = make_fakespotter(network, recipe=request.param, on_error="nan", random_state=0)
    if request.param == "paper":
        detector.set_params(classify__estimator__max_iter=3)
    return detector


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
@pytest.mark.parametrize("labels", [(0, 1), ("real", "fake"), (False, True), (-1, 1)])
def test_a_detector_skips_unreadable_images_in_fit_and_in_prediction(paths, detector, labels):
    y = np.array(labels)[Y]
    weights = np.linspace(1, 2, N)
    detector.fit(paths, y, classify__sample_weight=weights)
    assert detector["classify"].n_missing_ == 3
    of_readable = clone(detector).fit(good(paths), y[GOOD], classify__sample_weight=weights[GOOD])
    for method in ("predict_proba", "decision_function"):
        found = getattr(detector, method)(paths)
        assert len(found) == N
        assert np.isnan(found[BAD]).all()
        assert_allclose(found[GOOD], getattr(of_readable, method)(good(paths)), rtol=1e-5)
    predicted = detector.predict(paths)
    assert_array_equal(predicted[GOOD], of_readable.predict(good(paths)))
    missing = {0: -1, "real": "unknown", -1: np.nan}[labels[0]]
    assert_array_equal(predicted[BAD], np.array([missing] * 3))
    assert detector.score(paths, y) == of_readable.score(good(paths), y[GOOD])
    assert np.isnan(fake_probability(detector, paths)[BAD]).all()
    assert_array_equal(np.unique(detector.classes_), np.unique(y))


def test_each_unreadable_image_is_named(paths, detector):
    with pytest.warns(UnreadableImageWarning) as caught:
        detector.fit(paths, Y)
    named = {warning.message.index for warning in caught}
    assert named == set(BAD)


def test_a_detector_that_raises_names_the_file(paths, network):
    with pytest.raises(ImageError, match=r"3\.png: no such file"):
        make_fakespotter(network).fit(paths, Y)


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
def test_nothing_but_unreadable_images(paths, detector):
    detector.fit(paths, Y)
    bad = [paths[row] for row in BAD]
    assert np.isnan(detector.predict_proba(bad)).all()
    assert np.isnan(detector.decision_function(bad)).all()
    assert_array_equal(detector.predict(bad), [-1] * 3)
    assert np.isnan(detector.score(bad, Y[BAD]))
    broken = [path if y == 0 else paths[3] for path, y in zip(paths, Y, strict=True)]
    with pytest.raises(ValueError, match="None of the rows with the label 1 has features"):
        clone(detector).fit(broken, Y)


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
def test_cross_validation_leaves_unreadable_images_out_of_the_scores(paths, detector):
    scorers = fake_detection_scorers()
    results = cross_validate(
        detector, paths, Y, cv=3, scoring=scorers, error_score="raise", return_indices=True
    )
    responses = cross_val_predict(detector, paths, Y, cv=3, method="predict_proba")[:, 1]
    assert_array_equal(np.flatnonzero(np.isnan(responses)), BAD)
    for fold, rows in enumerate(results["indices"]["test"]):
        rows = np.setdiff1d(rows, BAD)
        report = fake_detection_report(Y[rows], responses[rows])
        assert results["test_auc"][fold] == pytest.approx(report["auc"])
        assert results["test_accuracy"][fold] == pytest.approx(report["accuracy"])
        assert results["test_recall"][fold] == pytest.approx(report["recall"])


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
def test_a_search_over_a_parameter_of_the_skipping_classifier(paths, network):
    detector = make_fakespotter(network, recipe="statistics", on_error="nan")
    grid = {"classify__estimator__alphas": [[1.0], [100.0]]}
    search = GridSearchCV(detector, grid, scoring=fake_detection_scorers()["auc"], cv=2)
    search.fit(paths, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
def test_the_report_of_an_estimator_leaves_unreadable_images_out(paths, detector):
    detector.fit(paths, Y)
    found = fake_detection_report(
        Y,
        estimator=detector,
        X=paths,
        groups=np.arange(N) // 2,
        confidence_level=0.9,
        random_state=0,
    )
    probability = fake_probability(detector, good(paths))
    expected = fake_detection_report(
        Y[GOOD], probability, groups=np.array(GOOD) // 2, confidence_level=0.9, random_state=0
    )
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
def test_videos_of_which_some_frames_cannot_be_read(paths, detector):
    videos = np.arange(N) // 2
    y = videos % 2
    bad = [6, 7, 12]  # both frames of video 3, one frame of video 6
    frames = [paths[3] if row in bad else path for row, path in enumerate(paths)]
    frames[3], frames[10], frames[17] = paths[0], paths[0], paths[0]
    classifier = VideoClassifier(detector).fit(frames, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        probability = fake_probability(classifier, frames, groups=videos)
        predicted = classifier.predict(frames, groups=videos)
    assert_array_equal(np.flatnonzero(np.isnan(probability)), [3])
    assert_array_equal(np.flatnonzero(predicted == -1), [3])


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
def test_samplers_before_the_detector(paths, network):
    weights = np.linspace(1, 2, N)
    augmented = make_fakespotter(
        network, recipe="statistics", on_error="nan", augment=True, random_state=0
    )
    augmented.fit(paths, Y, classify__sample_weight=weights)
    assert augmented["classify"].n_missing_ == 6  # each image and its copy
    assert_array_equal(np.flatnonzero(augmented.predict(paths) == -1), BAD)

    y = np.arange(N) % 3 == 0
    sampler = RandomUnderSampler(random_state=0)
    detector = make_resampling_pipeline(
        sampler, *make_fakespotter(network, recipe="statistics", on_error="nan")
    )
    detector.fit(np.array(paths)[:, None], y)
    assert_array_equal(np.flatnonzero(np.isnan(fake_probability(detector, paths))), BAD)


def test_any_pipeline_can_skip_missing_rows():
    random = np.random.default_rng(0)
    X = random.normal(size=(30, 4))
    y = (X[:, 0] > 0).astype(int)
    X[[4, 9]] = np.nan
    weights = random.random(30)
    classifier = SkipMissingClassifier(LogisticRegression())
    classifier.fit(X, y, sample_weight=weights)
    kept = ~np.isnan(X[:, 0])
    expected = LogisticRegression().fit(X[kept], y[kept], sample_weight=weights[kept])
    assert_array_equal(classifier.estimator_.coef_, expected.coef_)
    assert classifier.score(X, y, sample_weight=weights) == expected.score(
        X[kept], y[kept], sample_weight=weights[kept]
    )
    X[5, 0] = np.nan  # the classifier, not the wrapper, refuses NaN in a part of a row
    with pytest.raises(ValueError, match="Input X contains NaN"):
        classifier.predict(X)


def test_three_classes_and_the_reserved_label():
    X = np.array([[0.0], [1.0], [2.0], [np.nan], [0.1], [1.1], [2.1]])
    y = np.array(["real", "stylegan", "diffusion", "real", "real", "stylegan", "diffusion"])
    classifier = SkipMissingClassifier(LogisticRegression(C=100)).fit(X, y)
    assert classifier.decision_function(X).shape == (7, 3)
    assert_array_equal(np.flatnonzero(classifier.predict(X) == "unknown"), [3])
    as_objects = SkipMissingClassifier(LogisticRegression(C=100)).fit(X, y.astype(object))
    assert_array_equal(as_objects.predict(X), classifier.predict(X))
    with pytest.raises(ValueError, match="Give that class another name"):
        SkipMissingClassifier(LogisticRegression()).fit(X, np.where(y == "real", "unknown", "a"))


def test_transformer_scaler_and_wrapper_by_hand(paths, network):
    detector = make_resampling_pipeline(
        NeuronCoverageTransformer(network, on_error="nan"),
        StandardScaler(),
        SkipMissingClassifier(LogisticRegression()),
    )
    with pytest.warns(UnreadableImageWarning):
        detector.fit(paths, Y)
    with pytest.warns(UnreadableImageWarning):
        assert_array_equal(np.flatnonzero(detector.predict(paths) == -1), BAD)
