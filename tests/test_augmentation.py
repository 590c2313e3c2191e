# SPDX-License-Identifier: BSD-3-Clause
"""PerturbationAugmenter, alone and first in a detector."""

import pickle
from collections import Counter

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.pipeline import Pipeline as ImblearnPipeline
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skfakespot import (
    FakeSpotterClassifier,
    NeuronCoverageTransformer,
    PerturbationAugmenter,
    SkipMissingClassifier,
    make_fakespotter,
)
from skfakespot.augmentation import KINDS, PRESETS, Perturbation
from skfakespot.images import PerturbedImage, as_samples, load_image
from skfakespot.pipeline import AugmentedPipeline


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    smooth = random.integers(40, 216, (12, 4, 4, 3)).astype(np.uint8)
    return smooth.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def paths(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    paths = [str(folder / f"{number:02}.png") for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


@pytest.fixture(scope="module")
def y():
    return np.array([0, 0, 1] * 4)


def pixels(X):
    return np.stack([load_image(element) for element in as_samples(X)])


def test_originals_come_first_then_the_copies(images, y):
    augmenter = PerturbationAugmenter(n_copies=3, random_state=0)
    X_new, y_new = augmenter.fit_resample(images, y)
    assert X_new.dtype == np.uint8
    assert_array_equal(X_new[:12], images)
    assert_array_equal(augmenter.sample_indices_, np.tile(np.arange(12), 4))
    assert_array_equal(y_new, np.tile(y, 4))
    assert augmenter.perturbations_[:12].tolist() == [None] * 12
    strongest = Perturbation("compression", 100)
    for row in range(12, 48):
        perturbation = augmenter.perturbations_[row]
        if perturbation.kind not in ("noise", "resize") and perturbation != strongest:
            source = images[augmenter.sample_indices_[row]]
            assert_array_equal(X_new[row], perturbation(source))
    assert (X_new[12:] != images[augmenter.sample_indices_[12:]]).any()
    assert {perturbation.kind for perturbation in augmenter.perturbations_[12:]} == set(KINDS)


def test_kinds_and_levels_are_drawn_evenly():
    augmenter = PerturbationAugmenter(n_copies=400, random_state=0)
    augmenter.fit_resample([f"{number}.png" for number in range(10)], [0, 1] * 5)
    drawn = Counter(augmenter.perturbations_[10:])
    assert set(drawn) == {step for steps in PRESETS["paper"].values() for step in steps}
    assert max(drawn.values()) < 1.5 * min(drawn.values())


def test_all_kinds_at_all_levels(images, y):
    augmenter = PerturbationAugmenter(
        ["blur", "noise"],
        levels={"noise": [0.01], "blur": [1, Perturbation("blur", 2, kernel_size=None)]},
        n_copies="all",
        keep_original=False,
        random_state=0,
    )
    X_new, _ = augmenter.fit_resample(images, y)
    assert len(X_new) == 36
    assert [str(perturbation) for perturbation in augmenter.perturbations_[::12]] == [
        "blur 1",
        "blur 2 (kernel_size=None)",
        "noise 0.01",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_x_gives_the_same_images(images, paths, y, kind):
    augmenter = PerturbationAugmenter(kind, n_copies=2, random_state=1)
    expected, _ = augmenter.fit_resample(images, y)
    for X in (
        paths,
        np.array(paths, dtype=object),
        pd.Series(paths, index=range(5, 17), name="path"),
        pd.DataFrame({"path": paths}),
        [Image.fromarray(image) for image in images],
        list(images),
    ):
        X_new, y_new = augmenter.fit_resample(X, pd.Series(y))
        assert type(X_new) is type(X)
        assert len(X_new) == len(y_new) == 36
        assert_array_equal(pixels(X_new), expected)
        assert list(y_new.index) == list(range(36))
    assert_array_equal(augmenter.fit_resample(images[..., 0], y)[0].shape, (36, 32, 32))


def test_files_are_not_read_and_copies_are_small():
    augmenter = PerturbationAugmenter(n_copies=3, random_state=0)
    X = [f"nowhere/{number}.jpg" for number in range(10_000)]
    X_new, _ = augmenter.fit_resample(X, np.arange(10_000) % 2)
    assert X_new[:10_000] == X
    assert all(isinstance(element, PerturbedImage) for element in X_new[10_000:])
    assert len(pickle.dumps(X_new)) < 5_000_000


def test_threads_change_nothing_and_seeds_decide(images, paths, y):
    for X in (images, images.astype(np.float32)):
        first, again = (
            PerturbationAugmenter(n_copies=2, random_state=3, n_jobs=n_jobs).fit_resample(X, y)[0]
            for n_jobs in (None, 2)
        )
        assert first.dtype == X.dtype
        assert_array_equal(first, again)
    results = [
        PerturbationAugmenter(random_state=seed).fit_resample(paths, y)[0] for seed in (0, 0, 1)
    ]
    assert joblib.hash(results[0]) == joblib.hash(results[1])
    assert results[1] != results[2]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("auto", [8, 8]), ("minority", [8, 8]), (0.75, [8, 6]), ({0: 9, 1: 13}, [9, 13])],
)
def test_the_minority_gets_perturbed_copies(images, y, strategy, expected):
    augmenter = PerturbationAugmenter(sampling_strategy=strategy, random_state=0)
    X_new, y_new = augmenter.fit_resample(images, y)
    assert np.bincount(y_new).tolist() == expected
    assert_array_equal(X_new[:12], images)
    assert None not in augmenter.perturbations_[12:].tolist()
    copied = Counter(augmenter.sample_indices_[12:][y_new[12:] == 1].tolist())
    counts = [copied[source] for source in np.flatnonzero(y == 1)]
    assert max(counts) - min(counts) <= 1


def test_groups_and_weights_follow(paths, y):
    augmenter = PerturbationAugmenter(n_copies=2, random_state=0)
    augmenter.fit_resample(paths, y)
    assert augmenter.sample_weight_ is None
    assert_array_equal(augmenter.groups_, augmenter.sample_indices_)
    weight, groups = np.arange(12.0), np.array(list("aabbccddeeff"))
    augmenter.fit_resample(paths, y, sample_weight=weight, groups=groups)
    assert_array_equal(augmenter.sample_weight_, np.tile(weight, 3))
    assert_array_equal(augmenter.groups_, np.tile(groups, 3))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        augmenter.fit_resample(paths, y, groups=groups[:5])


def test_rows_of_numbers_get_noise_only():
    X = np.random.default_rng(0).normal(size=(40, 5))
    augmenter = PerturbationAugmenter(random_state=0)
    X_new, _ = augmenter.fit_resample(X, np.arange(40) % 2)
    assert_array_equal(X_new[:40], X)
    assert (X_new[40:] != X).all()
    assert {perturbation.kind for perturbation in augmenter.perturbations_[40:]} == {"noise"}
    with pytest.raises(ValueError, match="the only kind for rows is 'noise'"):
        PerturbationAugmenter("blur").fit_resample(X, np.arange(40) % 2)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kinds": ("blur", "crop")}, "no perturbation 'crop'; accepted are compression, resize"),
        ({"kinds": ("blur", "blur")}, "at most once"),
        ({"kinds": ()}, "at most once"),
        ({"levels": "papers"}, "levels"),
        ({"levels": "cnndetection"}, "no levels of resize, noise, only of compression, blur: name"),
        ({"levels": {"blur": [1]}}, r"such as kinds=\('blur',\)"),
        ({"kinds": "blur", "levels": {"blur": ["strong"]}}, r"levels\['blur'\] holds 'strong'"),
        ({"kinds": "blur", "levels": {"blur": [-1]}}, "level=-1 of blur; accepted are sigmas"),
        ({"n_copies": 0}, "n_copies"),
        ({"sampling_strategy": "auto", "n_copies": 2}, "it needs n_copies=1"),
        ({"sampling_strategy": "auto", "keep_original": False}, "keep_original=True"),
    ],
)
def test_what_is_refused(images, y, parameters, message):
    with pytest.raises(ValueError, match=message):
        PerturbationAugmenter(**parameters).fit_resample(images, y)


def mean_colours(X):
    """Six numbers of each image, quickly."""
    images = [load_image(element) for element in as_samples(X)]
    return np.array([np.r_[image.mean((0, 1)), image.std((0, 1))] for image in images])


class Recorder(LogisticRegression):
    """Keeps what it was fitted with."""

    def fit(self, X, y, sample_weight=None, groups=None):
        self.seen_ = {"n": len(X), "groups": groups, "sample_weight": sample_weight}
        return super().fit(X, y, sample_weight)


def quick_steps():
    return [
        ("augment", PerturbationAugmenter(random_state=0)),
        ("colours", FunctionTransformer(mean_colours)),
        ("scale", StandardScaler()),
        ("classify", Recorder()),
    ]


@pytest.mark.parametrize("pipeline", [ImblearnPipeline, AugmentedPipeline])
@pytest.mark.parametrize("kind", ["array", "paths"])
def test_only_training_folds_are_perturbed(images, paths, y, pipeline, kind):
    X = images if kind == "array" else np.array(paths, dtype=object)
    folds = StratifiedKFold(3)
    result = cross_validate(
        pipeline(quick_steps()), X, y, cv=folds, return_estimator=True, return_indices=True
    )
    for detector, test in zip(result["estimator"], result["indices"]["test"], strict=True):
        assert detector["classify"].seen_["n"] == 16
        unperturbed = Pipeline(detector.steps[1:]).predict_proba(images[test])
        assert_array_equal(detector.predict_proba(X[test]), unperturbed)


def test_grid_search_in_processes(paths, y):
    search = GridSearchCV(
        AugmentedPipeline(quick_steps()),
        {"augment__n_copies": [1, 2], "augment__kinds": [("noise",), ("blur",)]},
        cv=2,
        n_jobs=2,
    )
    search.fit(paths, y)
    assert search.best_estimator_["classify"].seen_["n"] in (24, 36)
    one_process = clone(search).set_params(n_jobs=None).fit(paths, y)
    assert_array_equal(
        search.cv_results_["mean_test_score"], one_process.cv_results_["mean_test_score"]
    )


def test_a_pipeline_with_memory_gives_the_same(images, paths, y, tmp_path):
    for X in (images, paths):
        expected = AugmentedPipeline(quick_steps()).fit(X, y).predict_proba(X)
        for _ in range(2):
            cached = AugmentedPipeline(quick_steps(), memory=str(tmp_path)).fit(X, y)
            assert_array_equal(cached.predict_proba(X), expected)
            assert_array_equal(cached["classify"].seen_["groups"], np.tile(np.arange(12), 2))
    calls = list(tmp_path.rglob("metadata.json"))
    assert len(calls) == 3  # colours of arrays and of paths, which are scaled alike


def test_the_classifier_is_told_the_source_of_each_copy(paths, y):
    detector = AugmentedPipeline(quick_steps()).fit(paths, y)
    assert_array_equal(detector["classify"].seen_["groups"], np.tile(np.arange(12), 2))
    groups, weight = np.arange(12) // 4, np.arange(1.0, 13)
    detector.fit(paths, y, classify__groups=groups, classify__sample_weight=weight)
    assert_array_equal(detector["classify"].seen_["groups"], np.tile(groups, 2))
    assert_array_equal(detector["classify"].seen_["sample_weight"], np.tile(weight, 2))
    skipping = AugmentedPipeline(
        [*quick_steps()[:-1], ("classify", SkipMissingClassifier(Recorder()))]
    ).fit(paths, y)
    seen = skipping["classify"].estimator_.seen_
    assert_array_equal(seen["groups"], np.tile(np.arange(12), 2))
    # A classifier without groups is fitted without, a pipeline without sampler as ever.
    detector.set_params(classify=LogisticRegression()).fit(paths, y)
    assert detector[1:].fit(paths, y).predict(paths).shape == (12,)


def test_with_metadata_routing(paths, y):
    with sklearn.config_context(enable_metadata_routing=True):
        detector = AugmentedPipeline(quick_steps())
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="groups"):
            detector.fit(paths, y)
        detector["scale"].set_fit_request(sample_weight=False)
        detector["classify"].set_fit_request(groups=True, sample_weight=True)
        weight = np.arange(1.0, 13)
        detector.fit(paths, y, sample_weight=weight)
        assert_array_equal(detector["classify"].seen_["groups"], np.tile(np.arange(12), 2))
        assert_array_equal(detector["classify"].seen_["sample_weight"], np.tile(weight, 2))
        detector["classify"].set_fit_request(groups=False)
        assert detector.fit(paths, y)["classify"].seen_["groups"] is None


def block_colours(X):
    """The 27 colours that an image of three by three blocks is made of."""
    return np.array([load_image(element)[8::16, 8::16].ravel() for element in as_samples(X)])


def test_copies_stay_on_one_side_of_early_stopping():
    """Random labels cannot be told on other images, but on copies of the training images."""
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (60, 3, 3, 3)).astype(np.uint8)
    images = images.repeat(16, axis=1).repeat(16, axis=2)
    labels = random.permutation(np.arange(60) % 2)
    classifier = FakeSpotterClassifier(
        (64,), learning_rate_init=0.05, max_iter=60, early_stopping=True, n_iter_no_change=60,
        validation_fraction=0.25, random_state=0,
    )  # fmt: skip
    steps = [
        ("augment", PerturbationAugmenter("compression", n_copies=3, random_state=0)),
        ("colours", FunctionTransformer(block_colours)),
        ("scale", StandardScaler()),
        ("classify", classifier),
    ]
    leaking, apart = (
        pipeline(steps).fit(images, labels)["classify"].best_validation_score_
        for pipeline in (ImblearnPipeline, AugmentedPipeline)
    )
    assert leaking > 0.9
    assert apart < 0.75


def test_make_fakespotter_with_the_default_augmenter(images, y):
    detector = make_fakespotter(augment=True, random_state=5)
    assert isinstance(detector, AugmentedPipeline)
    assert isinstance(detector["augment"], PerturbationAugmenter)
    assert detector["augment"].random_state == 5
    detector.set_params(coverage__weights="random", classify__max_iter=2)
    detector.fit(images, y)
    assert detector["coverage"].n_samples_seen_ == 24
    assert detector.predict(images).shape == (12,)
    given = PerturbationAugmenter(n_copies=2)
    detector = make_fakespotter(augment=given)
    assert detector["augment"] is not given
    assert detector["augment"].n_copies == 2


def test_coverage_of_recipes_is_that_of_their_pixels(images, paths, y):
    X, _ = PerturbationAugmenter(random_state=0).fit_resample(paths, y)
    coverage = NeuronCoverageTransformer(weights="random").fit(X)
    assert_array_equal(coverage.transform(X), coverage.transform(pixels(X)))


def test_cross_validation_by_groups(paths, y):
    result = cross_validate(
        AugmentedPipeline(quick_steps()), paths, y, groups=np.arange(12) // 2, cv=GroupKFold(3)
    )
    assert len(result["test_score"]) == 3
