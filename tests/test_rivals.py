# SPDX-License-Identifier: BSD-3-Clause
"""What the transformers of the rivals have in common."""

import io
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_is_fitted

import skfakespot.rivals
from skfakespot.augmentation import perturb
from skfakespot.images import ImageError, LazyImage, UnreadableImageWarning, load_image
from skfakespot.rivals import (
    CooccurrenceTransformer,
    LogDCTTransformer,
    LogSpectrumTransformer,
    PrincipalComponents,
    RadialSpectrumTransformer,
    ResidualCooccurrenceTransformer,
    SaturationTransformer,
)

TRANSFORMERS = [
    RadialSpectrumTransformer(n_points=10),
    LogDCTTransformer((20, 16)),
    LogSpectrumTransformer((20, 16), crop_size=(16, 14)),
    CooccurrenceTransformer(levels=4),
    SaturationTransformer(),
    ResidualCooccurrenceTransformer(border=2, truncation=1, order=2),
]


def named(estimator):
    return type(estimator).__name__


@pytest.fixture(params=TRANSFORMERS, ids=named)
def transformer(request):
    return clone(request.param)


@pytest.fixture(scope="module")
def pictures():
    random = np.random.default_rng(0)
    return random.integers(0, 256, (5, 20, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def paths(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [str(folder / f"{number}.png") for number in range(len(pictures))]
    for path, pixels in zip(paths, pictures, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


# What X may be


def test_every_kind_of_x_gives_the_same_features(transformer, pictures, paths):
    expected = transformer.fit_transform(pictures)
    assert expected.dtype == np.float32
    assert expected.shape == (5, len(transformer.get_feature_names_out()))
    assert np.isfinite(expected).all()
    files = [io.BytesIO() for _ in pictures]
    for file, pixels in zip(files, pictures, strict=True):
        Image.fromarray(pixels).save(file, "PNG")
    for X in (
        pictures.astype(float),
        paths,
        np.array(paths, dtype=object),
        pd.Series(paths),
        pd.DataFrame({"path": paths}),
        files,
        [Image.fromarray(pixels) for pixels in pictures],
        list(pictures),
    ):
        assert_array_equal(clone(transformer).transform(X), expected)
        assert_array_equal(clone(transformer).fit_transform(X), expected)


def test_grey_images_are_those_with_three_equal_colours(transformer, pictures):
    grey = pictures[..., 0]
    expected = transformer.transform(np.repeat(grey[..., np.newaxis], 3, axis=-1))
    assert_array_equal(transformer.transform(grey), expected)
    assert_array_equal(transformer.transform(list(grey)), expected)


def test_recipes_are_perturbed_when_they_are_read(transformer, pictures, paths):
    recipes = perturb(paths, "blur", 2.0)
    expected = transformer.transform(np.stack([load_image(recipe) for recipe in recipes]))
    assert_array_equal(transformer.transform(recipes), expected)
    assert (expected != transformer.transform(pictures)).any()


def test_an_image_is_described_by_itself(transformer, pictures):
    expected = transformer.transform(pictures)
    assert_array_equal(transformer.transform(pictures[[3, 1]]), expected[[3, 1]])


def test_sizes_may_differ(transformer, pictures):
    other = np.random.default_rng(1).integers(0, 256, (30, 25, 3), dtype=np.uint8)
    first, second = transformer.transform([pictures[0], other])
    assert_array_equal(first, transformer.transform(pictures)[0])
    if hasattr(transformer, "image_size"):
        stretched = Image.fromarray(other).resize((16, 20), Image.Resampling.BICUBIC)
        assert_array_equal(second, transformer.transform([stretched])[0])
    assert np.isfinite(second).all()


def test_an_image_of_one_pixel_has_features_or_an_error_says_why_not(transformer):
    X = [np.full((1, 1, 3), 100, np.uint8)]
    if isinstance(transformer, CooccurrenceTransformer):
        reason = r"it has 1 x 1 pixels, of which none has a pixel at the offset \(0, 1\)"
    elif isinstance(transformer, ResidualCooccurrenceTransformer):
        reason = r"it has 1 x 1 pixels; .*\(border=2, order=2\) needs 10 x 10"
    else:
        assert np.isfinite(transformer.transform(X)).all()
        return
    with pytest.raises(ImageError, match=f"^image 0 of X: {reason}"):
        transformer.transform(X)
    with pytest.warns(UnreadableImageWarning, match=reason):
        assert np.isnan(transformer.set_params(on_error="nan").transform(X)).all()


# Files that cannot be read


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_images_that_cannot_be_read(transformer, paths, tmp_path, n_jobs):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    X = [*paths[:3], str(broken), paths[3], "gone.png"]
    transformer.set_params(n_jobs=n_jobs)
    with joblib.parallel_config("threading"):
        with pytest.raises(ImageError, match=r"(broken|gone)\.png: "):
            transformer.fit_transform(X)
        transformer.set_params(on_error="nan")
        with pytest.warns(UnreadableImageWarning) as caught:
            features = transformer.transform(X)
    assert [warning.message.index for warning in caught] == [3, 5]
    assert caught[1].message.source == "gone.png"
    assert caught[0].filename == __file__
    assert_array_equal(np.isnan(features).all(axis=1), [False, False, False, True, False, True])
    expected = transformer.set_params(n_jobs=None).transform(paths[:4])
    assert_array_equal(features[[0, 1, 2, 4]], expected)


def test_no_image_can_be_read(transformer):
    with pytest.warns(UnreadableImageWarning):
        assert np.isnan(transformer.set_params(on_error="nan").transform(["a.png"])).all()


class CountedImage(LazyImage):
    """An image that counts how often it is made."""

    def __init__(self, counts, number):
        self.counts, self.number = counts, number

    @property
    def name(self):
        return f"image {self.number}"

    def load(self):
        self.counts.append(self.number)
        if self.number == 100:
            raise ImageError(self.name, "it is the one that cannot be read")
        return np.full((20, 16, 3), self.number % 256, np.uint8)

    def digest(self):
        return None


def test_images_are_read_little_by_little(transformer):
    counts = []
    X = [CountedImage(counts, number) for number in range(1000)]
    transformer.fit(X)
    assert counts == []
    with pytest.raises(ImageError, match="image 100: it is the one"):
        transformer.transform(X)
    assert len(counts) < 300


def test_workers_give_the_same_features(transformer, paths, pictures):
    expected = transformer.transform(pictures)
    with joblib.parallel_config("threading"):
        for X in (paths, pictures):
            assert_array_equal(clone(transformer).set_params(n_jobs=2).transform(X), expected)
            assert_array_equal(
                clone(transformer).set_params(n_jobs=2).transform(X[:1])[0], expected[0]
            )


@pytest.mark.slow
def test_worker_processes_give_the_same_features(transformer, paths):
    expected = transformer.transform(paths)
    assert_array_equal(transformer.set_params(n_jobs=2).transform(paths), expected)


# What scikit-learn asks for

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
def test_checks_of_scikit_learn_that_need_no_table(transformer, name):
    getattr(estimator_checks, name)(named(transformer), transformer)


def test_it_needs_no_fit_and_is_pickled(transformer, paths):
    check_is_fitted(transformer)
    expected = transformer.transform(paths)
    assert vars(transformer) == transformer.get_params()
    fitted = pickle.loads(pickle.dumps(clone(transformer).fit(paths)))
    assert_array_equal(fitted.transform(paths), expected)
    assert fitted.n_features_in_ == 1
    assert fitted.fit(np.zeros((1, 20, 16, 3), np.uint8)).n_features_in_ == 20 * 16 * 3
    fitted.fit(pd.DataFrame({"path": paths}))
    assert list(fitted.feature_names_in_) == ["path"]


def test_dataframes_come_out_if_set(transformer, paths):
    X = pd.DataFrame({"path": paths}, index=list("abcde"))
    features = transformer.set_output(transform="pandas").fit_transform(X)
    assert list(features.index) == list("abcde")
    assert list(features.columns) == list(transformer.get_feature_names_out())
    assert features.columns.is_unique


def test_rows_of_numbers_are_refused(transformer):
    with pytest.raises(ValueError, match=f"X holds 3 rows of numbers, but {named(transformer)}"):
        transformer.fit(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="there are pixels between 0 and 1"):
        transformer.transform(np.full((1, 20, 16, 3), 0.5))


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (RadialSpectrumTransformer(0), "The 'n_points' parameter"),
        (RadialSpectrumTransformer(on_error="skip"), "The 'on_error' parameter"),
        (LogDCTTransformer((8, 0)), r"image_size=\(8, 0\); accepted are two integers from 1"),
        (LogDCTTransformer([8, 8, 3]), "accepted are two integers"),
        (LogDCTTransformer(8), "The 'image_size' parameter"),
        (LogSpectrumTransformer((20, 16)), r"crop_size=\(224, 224\) is larger than image_size"),
        (LogSpectrumTransformer(crop_size=(8, 1.5)), r"crop_size=\(8, 1.5\); accepted"),
        (SaturationTransformer([256]), r"thresholds=\[256\]; accepted are .* from 0 to 255"),
        (SaturationTransformer([]), r"thresholds=\[\]"),
        (SaturationTransformer([0.5]), "thresholds="),
        (CooccurrenceTransformer(257), "The 'levels' parameter"),
        (CooccurrenceTransformer(offsets=[(0, 0)]), r"offsets=\[\(0, 0\)\]; accepted are"),
        (CooccurrenceTransformer(offsets=[(-1, 0)]), "offsets="),
        (CooccurrenceTransformer(offsets=[]), "offsets="),
        (CooccurrenceTransformer(offsets=(0, 1)), "offsets="),
        (ResidualCooccurrenceTransformer(-1), "The 'border' parameter"),
        (ResidualCooccurrenceTransformer(step=0), "The 'step' parameter"),
        (ResidualCooccurrenceTransformer(order=6), "The 'order' parameter"),
    ],
)
def test_parameters_are_checked_before_any_image_is_read(transformer, message):
    for method in ("fit", "transform", "fit_transform"):
        with pytest.raises(ValueError, match=message):
            getattr(transformer, method)(["gone.png"])
    with pytest.raises(ValueError, match=message):
        transformer.get_feature_names_out()


def test_principal_components_are_bounded_by_the_samples():
    X = np.random.default_rng(0).standard_normal((12, 30)).astype(np.float32)
    components = PrincipalComponents(random_state=0).fit(X)
    assert components.n_components_ == components.transform(X).shape[1] == 12
    assert components.transform(X).dtype == np.float32
    assert_allclose(components.transform(X), components.pca_.transform(X))
    assert PrincipalComponents(3, random_state=0).fit_transform(X).shape == (12, 3)


def test_features_can_be_united(paths, pictures):
    union = FeatureUnion(
        [("bright", SaturationTransformer()), ("dct", LogDCTTransformer((20, 16)))]
    )
    parts = [part.transform(pictures) for _, part in union.transformer_list]
    assert_array_equal(union.fit_transform(paths), np.hstack(parts))
    names = make_pipeline(union).fit(paths).get_feature_names_out()
    assert (names[0], names[-1]) == ("bright__at_least_255", "dct__blue(19,15)")


def test_import_loads_neither_keras_nor_imbalanced_learn():
    program = (
        "import sys, skfakespot.rivals as rivals\n"
        "loaded = {'keras', 'tensorflow', 'imblearn', 'numba', 'matplotlib'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
        "assert rivals.UpsamplingSimulator.__name__ in rivals.__all__\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    with pytest.raises(AttributeError, match="has no attribute 'Simulator'"):
        _ = skfakespot.rivals.Simulator
