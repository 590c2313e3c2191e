# SPDX-License-Identifier: BSD-3-Clause

import pickle

import imblearn.pipeline
import joblib
import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from skfakespot import DualRidgeClassifier, FakeSpotterClassifier, make_fakespotter
from skfakespot.metrics import fake_detection_report


@pytest.fixture(scope="module")
def images():
    """Forty images; every second one has a checkerboard laid over it, as GAN images may have."""
    random = np.random.default_rng(0)
    smooth = random.integers(60, 200, (40, 4, 4, 3)).astype(np.uint8)
    images = smooth.repeat(16, axis=1).repeat(16, axis=2)
    images[1::2] += (20 * (np.indices((64, 64)).sum(axis=0) % 2)).astype(np.uint8)[:, :, None]
    return images


@pytest.fixture(scope="module")
def labels():
    return np.arange(40) % 2


@pytest.fixture(scope="module", params=["arrays", "paths"])
def X(request, images, tmp_path_factory):
    if request.param == "arrays":
        return images
    folder = tmp_path_factory.mktemp("faces")
    paths = [str(folder / f"{number}.png") for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return np.array(paths, dtype=object)


def quick_detector(**options):
    """The default detector, with a classifier that learns faster than the paper's."""
    detector = make_fakespotter(random_state=0, **options)
    return detector.set_params(classify__max_iter=30, classify__learning_rate_init=0.01)


def test_the_steps_are_those_of_the_contract():
    detector = make_fakespotter(random_state=3)
    assert isinstance(detector, Pipeline)
    assert list(detector.named_steps) == ["coverage", "scale", "classify"]
    assert detector["coverage"].backbone == "dlib-resnet29"
    assert isinstance(detector["classify"], FakeSpotterClassifier)
    assert detector["classify"].random_state == 3


def test_the_statistics_recipe_is_the_strongest():
    detector = make_fakespotter(recipe="statistics")
    assert list(detector.named_steps) == ["coverage", "scale", "classify"]
    coverage = detector["coverage"]
    assert (coverage.output, coverage.tap) == ("channel", "layer")
    assert coverage.statistics == ("mean", "std", "skewness", "kurtosis", "autocorrelation")
    assert coverage.image_size == (256, 256)
    assert isinstance(detector["classify"], DualRidgeClassifier)


def test_parts_of_a_recipe_can_be_replaced():
    detector = make_fakespotter(
        recipe="statistics", statistics=("coverage",), classifier=LogisticRegression(C=2)
    )
    assert detector["coverage"].statistics == ("coverage",)
    assert detector["classify"].C == 2
    detector = make_fakespotter(recipe="statistics", output="layer")
    assert detector["coverage"].statistics == ("coverage",)
    assert detector["coverage"].image_size is None
    detector = make_fakespotter(output="channel", statistics=("std",))
    assert detector["coverage"].statistics == ("std",)
    assert detector["coverage"].image_size == (224, 224)


def test_each_backbone_of_a_list_has_its_size():
    names = ["dlib-resnet29", "vggface2-mobilenet"]
    assert make_fakespotter(names)["coverage"].image_size is None
    detector = make_fakespotter(names, recipe="statistics")
    assert detector["coverage"].image_size == [(256, 256), None]


def test_an_unknown_recipe_is_named():
    with pytest.raises(ValueError, match="recipe='best'; accepted are 'paper' and 'statistics'"):
        make_fakespotter(recipe="best")


@pytest.mark.parametrize("augment", [None, True])
def test_the_statistics_recipe_spots_checkerboards(X, labels, augment):
    detector = make_fakespotter(recipe="statistics", augment=augment, random_state=0)
    probability = detector.fit(X[:30], labels[:30]).predict_proba(X[30:])[:, 1]
    assert fake_detection_report(labels[30:], probability)["auc"] == 1.0
    loaded = pickle.loads(pickle.dumps(detector))
    assert_array_equal(loaded.predict_proba(X[30:])[:, 1], probability)


def test_it_learns_to_spot_checkerboards(X, labels):
    detector = quick_detector().fit(X[:30], labels[:30])
    report = fake_detection_report(labels[30:], detector.predict_proba(X[30:])[:, 1])
    assert report["auc"] == 1.0


def test_cross_val_score(X, labels):
    scores = cross_val_score(quick_detector(), X, labels, cv=2, scoring="roc_auc")
    assert scores.shape == (2,)
    assert (scores > 0.9).all()


def test_grid_search_over_the_steps(X, labels):
    search = GridSearchCV(
        quick_detector(),
        {"coverage__neuron": ["unit", "channel"], "classify__hidden_layer_sizes": [(8,)]},
        cv=2,
        scoring="roc_auc",
    )
    search.fit(X, labels)
    assert len(search.cv_results_["params"]) == 2
    assert search.predict(X).shape == (40,)


def test_clone_pickle_and_joblib_keep_the_detector(X, labels, tmp_path):
    detector = quick_detector().fit(X, labels)
    expected = detector.predict_proba(X)
    joblib.dump(detector, tmp_path / "detector.joblib")
    for other in (pickle.loads(pickle.dumps(detector)), joblib.load(tmp_path / "detector.joblib")):
        assert_array_equal(other.predict_proba(X), expected)
    # The clone is trained from the same seed.
    assert_allclose(clone(detector).fit(X, labels).predict_proba(X), expected, atol=1e-6)
    assert (tmp_path / "detector.joblib").stat().st_size < 2e6


def test_a_classifier_of_the_users_is_cloned(images, labels):
    classifier = LogisticRegression()
    detector = make_fakespotter(classifier=classifier).fit(images, labels)
    assert detector.score(images, labels) > 0.9
    assert not hasattr(classifier, "coef_")


def test_string_labels(images, labels):
    named = np.array(["real", "fake"])[labels]
    detector = quick_detector().fit(images, named)
    assert detector.classes_.tolist() == ["fake", "real"]
    report = fake_detection_report(named, detector.predict_proba(images)[:, 0])
    assert report["auc"] > 0.9


def test_a_sampler_comes_first_and_works_in_fit_only(images, labels):
    few = np.r_[0:40:2, 1:10:2]
    detector = quick_detector(augment=_Resampling(random_state=0)).fit(images[few], labels[few])
    assert isinstance(detector, imblearn.pipeline.Pipeline)
    assert list(detector.named_steps) == ["augment", "coverage", "scale", "classify"]
    assert detector["coverage"].n_samples_seen_ == 40
    assert detector.predict(images).shape == (40,)


class _Resampling(RandomOverSampler):
    """imbalanced-learn's sampler on the positions of the images, which it would flatten."""

    def fit_resample(self, X, y, **params):
        rows, y = super().fit_resample(np.arange(len(X))[:, None], y, **params)
        return X[rows.ravel()], y


def test_features_per_feature_map(images, labels):
    detector = make_fakespotter(output="channel", random_state=0).fit(images[:30], labels[:30])
    assert detector[:-1].transform(images[:2]).shape == (2, 3680)
    probability = detector.predict_proba(images[30:])
    assert_allclose(probability.sum(axis=1), 1)
    assert fake_detection_report(labels[30:], probability[:, 1])["auc"] > 0.9
    assert_array_equal(
        clone(detector).fit(images[:30], labels[:30]).predict_proba(images[30:]), probability
    )
