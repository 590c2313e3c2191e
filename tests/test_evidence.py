# SPDX-License-Identifier: BSD-3-Clause
"""`evidence_map` and `faithfulness`: what speaks for "fake", and whether that is true."""

import numpy as np
import pytest
from networks import small_network, varied_images
from PIL import Image, ImageFilter
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from skfakespot import (
    DualRidgeClassifier,
    NeuronCoverageTransformer,
    SkipMissingClassifier,
    make_fakespotter,
)
from skfakespot.faces import FaceCrop
from skfakespot.images import ImageError, UnreadableImageWarning
from skfakespot.inspection import evidence_map, faithfulness

IMAGES = varied_images(12)
LABELS = np.arange(12) % 2
TEXTS = np.where(LABELS == 1, "fake", "real")
STATISTICS = ("coverage", "mean", "autocorrelation")


def make_detector(network, classifier=None, *, scaler=True, **parameters):
    steps = [("coverage", NeuronCoverageTransformer(network, **parameters))]
    if scaler is not None:
        steps.append(("scale", StandardScaler() if scaler is True else scaler))
    return Pipeline([*steps, ("classify", classifier or LogisticRegression())])


@pytest.fixture(scope="module")
def nonlinear(network):
    """A detector whose evidence is no sum over places."""
    detector = make_detector(network, SVC(), output="channel", statistics=STATISTICS)
    return detector.fit(IMAGES, TEXTS)


@pytest.mark.parametrize(
    ("classifier", "scaler", "parameters"),
    [
        (LogisticRegression(), True, {}),
        (DualRidgeClassifier(), True, {"output": "channel"}),
        (LogisticRegression(), True, {"output": "channel", "threshold": "per-map"}),
        (LogisticRegression(), None, {"output": "channel", "normalize": "fraction"}),
        (LogisticRegression(), StandardScaler(with_mean=False), {"threshold": ("quantile", 0.7)}),
        (SkipMissingClassifier(LogisticRegression()), True, {"tap": "activation"}),
        (SVC(kernel="linear"), StandardScaler(with_std=False), {"threshold": 0.1}),
    ],
)
@pytest.mark.parametrize("labels", [LABELS, TEXTS])
def test_linear_evidence_adds_up_to_the_decision_value(
    network, classifier, scaler, parameters, labels
):
    detector = make_detector(network, classifier, scaler=scaler, **parameters).fit(IMAGES, labels)
    evidence = evidence_map(detector, IMAGES[:3])
    values = detector.decision_function(IMAGES[:3])
    if labels is TEXTS:  # whose second class is "real"
        values = -values
    assert evidence.method == "linear"
    np.testing.assert_allclose(evidence.decision_values, values, rtol=1e-4, atol=1e-5)
    sums = evidence.maps.sum(axis=(1, 2), dtype=np.float64)
    np.testing.assert_allclose(sums + evidence.intercept, values, rtol=1e-4, atol=1e-5)
    sums = evidence.contributions.sum(axis=1)
    np.testing.assert_allclose(sums + evidence.intercept, values, rtol=1e-4, atol=1e-5)
    assert evidence.maps.shape == (3, 12, 10)


def test_linear_evidence_of_several_networks():
    networks = [small_network(), small_network((8, 8, 3))]
    detector = make_detector(networks).fit(IMAGES, LABELS)
    evidence = evidence_map(detector, IMAGES[:2])
    sums = evidence.maps.sum(axis=(1, 2), dtype=np.float64) + evidence.intercept
    np.testing.assert_allclose(sums, detector.decision_function(IMAGES[:2]), rtol=1e-4)
    occluded = evidence_map(detector, IMAGES[:2], method="occlusion", grid_size=2)
    assert occluded.maps.shape == (2, 2, 2)


def test_occlusion_blurs_one_part_after_the_other(nonlinear):
    evidence = evidence_map(nonlinear, IMAGES[:1], grid_size=2)
    image = Image.fromarray(IMAGES[0])
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(12 / 20)))
    (value,) = -nonlinear.decision_function(IMAGES[:1])
    for part, fall in np.ndenumerate(evidence.maps[0]):
        rows, columns = slice(6 * part[0], 6 * part[0] + 6), slice(5 * part[1], 5 * part[1] + 5)
        copy = IMAGES[0].copy()
        copy[rows, columns] = blurred[rows, columns]
        assert fall == pytest.approx(value + nonlinear.decision_function(copy[None])[0], abs=1e-5)
    assert (evidence.method, np.isnan(evidence.intercept)) == ("occlusion", True)
    assert evidence.decision_values == pytest.approx([value])


def test_contributions_replace_the_features_of_a_layer_by_their_means(nonlinear):
    contributions = evidence_map(nonlinear, IMAGES[:1], grid_size=1).contributions[0]
    features = nonlinear["coverage"].transform(IMAGES[:1])
    names = nonlinear["coverage"].get_feature_names_out()
    (value,) = nonlinear.decision_function(IMAGES[:1])
    for layer, contribution in zip(nonlinear["coverage"].layer_names_, contributions, strict=True):
        is_own = np.array([name.split(":")[0] == layer for name in names])
        replaced = np.where(is_own, nonlinear["scale"].mean_, features)
        assert contribution == pytest.approx(
            -(value - nonlinear[1:].decision_function(replaced)[0]), abs=1e-6
        )


def test_contributions_to_a_linear_classifier_of_statistics_are_exact(network):
    detector = make_detector(
        network, DualRidgeClassifier(), output="channel", statistics=STATISTICS
    ).fit(IMAGES, LABELS)
    evidence = evidence_map(detector, IMAGES[:2], grid_size=1)
    assert evidence.method == "occlusion"
    np.testing.assert_allclose(
        evidence.contributions.sum(axis=1) + detector["classify"].intercept_,
        evidence.decision_values,
        rtol=1e-3,
    )


def test_methods_that_are_not_possible(nonlinear, network):
    with pytest.raises(ValueError, match="method='linear' needs"):
        evidence_map(nonlinear, IMAGES, method="linear")
    with pytest.raises(ValueError, match="accepted are 'auto'"):
        evidence_map(nonlinear, IMAGES, method="gradient")
    with pytest.raises(ValueError, match="is no fitted classifier of images"):
        evidence_map(nonlinear["coverage"], IMAGES)
    with_pca = make_detector(network, scaler=PCA(3)).fit(IMAGES, LABELS)
    evidence = evidence_map(with_pca, IMAGES[:1], grid_size=1)
    assert evidence.method == "occlusion"


def test_other_detectors_are_occluded_as_a_whole(nonlinear):
    calibrated = CalibratedClassifierCV(FrozenEstimator(nonlinear)).fit(IMAGES, TEXTS)
    evidence = evidence_map(calibrated, [IMAGES[0], IMAGES[1][:8]], grid_size=2)
    assert evidence.maps.shape == (2, 2, 2)
    assert evidence.contributions is None
    (probability,) = calibrated.predict_proba(IMAGES[:1])[:, 0]
    odds = np.log(probability / (1 - probability))
    assert evidence.decision_values[0] == pytest.approx(odds, rel=1e-4)
    assert evidence.on_image(1).shape == (8, 10)


def test_a_search_is_explained_by_the_detector_it_found(network):
    search = GridSearchCV(make_detector(network), {"classify__C": [1.0]}, cv=2)
    search.fit(IMAGES, LABELS)
    evidence = evidence_map(search, IMAGES[:1])
    assert evidence.decision_values == pytest.approx(search.decision_function(IMAGES[:1]), rel=1e-4)


def test_unreadable_images(network):
    X = [*IMAGES[:2], np.full((5, 5), np.nan)]
    detector = make_detector(network).fit(IMAGES, LABELS)
    with pytest.raises(ImageError, match="image 2 of X"):
        evidence_map(detector, X)
    detector.set_params(coverage__on_error="nan")
    with pytest.warns(UnreadableImageWarning, match="image 2 of X"):
        evidence = evidence_map(detector, X)
    assert np.isnan(evidence.decision_values).tolist() == [False, False, True]
    assert np.isnan(evidence.maps[2]).all()
    with pytest.raises(ValueError, match="Image 2 could not be read"):
        evidence.on_image(2)


def test_vectors_are_refused():
    detector = make_detector(small_network((5,))).fit(np.eye(5), [0, 1, 0, 1, 0])
    with pytest.raises(ValueError, match="rows of numbers, which have no places"):
        evidence_map(detector, np.eye(5))


def test_maps_of_faces_come_onto_the_photograph(network):
    def crop(images):
        return [FaceCrop(image, x=14.5, y=20.5, side=10) for image in images]

    photographs = [np.pad(image, ((15, 5), (10, 10), (0, 0))) for image in IMAGES]
    detector = make_pipeline(
        FunctionTransformer(crop), *make_detector(network).named_steps.values()
    )
    detector.fit(photographs, LABELS)
    placed = evidence_map(detector, photographs[:1]).on_image(0)
    assert placed.shape == (32, 30)
    assert np.array_equal(np.argwhere(~np.isnan(placed)).min(axis=0), [16, 10])
    assert np.array_equal(np.argwhere(~np.isnan(placed)).max(axis=0), [25, 19])


def test_occluded_copies_are_not_kept(network, tmp_path):
    detector = make_detector(network, memory=tmp_path).fit(list(IMAGES), LABELS)
    before = sorted((path.name, path.stat().st_size) for path in tmp_path.rglob("*"))
    evidence_map(detector, IMAGES[:1], method="occlusion", grid_size=2)
    assert sorted((path.name, path.stat().st_size) for path in tmp_path.rglob("*")) == before
    assert detector["coverage"].memory == tmp_path


def test_detectors_of_dataframes(network):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"image": list(IMAGES)})
    detector = make_detector(network).set_output(transform="pandas").fit(frame, LABELS)
    expected = detector.decision_function(frame)
    for method in ("linear", "occlusion"):
        evidence = evidence_map(detector, frame[:2], method=method, grid_size=1)
        assert evidence.decision_values == pytest.approx(expected[:2], rel=1e-4)
        assert evidence.contributions.shape == (2, 4)


class CornerClassifier(ClassifierMixin, BaseEstimator):
    """Calls images fake that have contrast in the upper left corner."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return np.array([np.asarray(image)[:20, :20].std() for image in X])


def test_evidence_is_where_the_detector_looks_and_faithful():
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    detector = CornerClassifier().fit(images, [0, 1, 0, 1, 0])
    evidence = evidence_map(detector, images)
    assert evidence.maps[:, 3:].max() == 0
    assert evidence.maps[:, :2, :2].min() > 1
    falls = faithfulness(detector, images, evidence, random_state=0)
    assert falls.top.min() > max(falls.random.max(), falls.bottom.max())
    for mean, low, high in (falls.top_minus_random, falls.top_minus_bottom):
        assert 0 < low < mean < high
    again = faithfulness(detector, images, random_state=0)
    assert np.array_equal(again.top, falls.top)
    # Where the map points elsewhere, it is not faithful.
    evidence.maps[:] = evidence.maps[:, ::-1, ::-1].copy()
    wrong = faithfulness(detector, images, evidence, random_state=0)
    assert wrong.top_minus_random[1] < 0


@pytest.mark.slow
def test_faces_are_found_first(faces):
    paths = sorted(map(str, faces.glob("*/*")))
    paths = [*paths[:2], *paths[-2:]]
    detector = make_fakespotter(faces=True, classifier=LogisticRegression()).fit(
        paths, [0, 0, 1, 1]
    )
    evidence = evidence_map(detector, paths[:1])
    assert evidence.frames[0].square is not None
    assert evidence.on_image(0).shape == (256, 256)
