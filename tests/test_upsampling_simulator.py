# SPDX-License-Identifier: BSD-3-Clause
"""UpsamplingSimulator and its up-sampling, alone and in a Pipeline."""

import pickle
from collections import Counter

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.pipeline import Pipeline as ImblearnPipeline
from numpy.testing import assert_allclose, assert_array_equal
from pictures import picture
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils import estimator_checks

from skfakespot.datasets import load_demo_faces
from skfakespot.images import PerturbedImage, as_samples, load_image
from skfakespot.pipeline import AugmentedPipeline
from skfakespot.rivals import Upsampling, UpsamplingSimulator, make_rival

STAGES = ("zero-insertion", "nearest", "bilinear")


@pytest.fixture(scope="module")
def images():
    return np.stack([picture(seed, 18, 15) for seed in range(8)])


@pytest.fixture(scope="module")
def paths(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [str(folder / f"{number}.png") for number in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


Y = np.array([0, 1, 0, 0, 1, 0, 0, 0])
REAL = np.flatnonzero(Y == 0)


def pixels(X):
    return np.stack([load_image(element) for element in as_samples(X)])


# One image


def kernel_of(upsampling, seed):
    """The kernel, in steps of 1/255, which is seen where one pair of pixels is white."""
    dot = np.zeros((12, 12), np.uint8)
    dot[4:6, 4:6] = 255
    made = upsampling(dot, seed) / 255
    return made[3:7, 3:7]


def upsampled(pixels, stage, kernel):
    """Halve a grey image, then add the kernel's copy of each pixel (4 x 4) to the result."""
    height, width = pixels.shape
    small = np.empty((height // 2, width // 2))
    for i, j in np.ndindex(small.shape):
        small[i, j] = pixels[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean()
    padded = np.pad(small, 1, mode="edge")
    made = np.zeros((height + 6, width + 6))
    for i, j in np.ndindex(padded.shape):
        made[2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += padded[i, j] * kernel
    return made[3:-3, 3:-3]


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(2, 6), st.sampled_from(STAGES))
def test_each_pixel_of_the_small_image_becomes_a_copy_of_the_kernel(seed, height, width, stage):
    grey = picture(seed, 2 * height, 2 * width)[..., 0]
    kernel = kernel_of(Upsampling(stage), seed)
    # Nine copies, each with a kernel that was rounded, overlap in the worst case.
    made = Upsampling(stage)(grey, seed).astype(float)
    assert_allclose(made, np.clip(upsampled(grey, stage, kernel), 0, 255), atol=5)
    assert np.mean(np.abs(made - np.clip(upsampled(grey, stage, kernel), 0, 255))) < 1


def test_bilinear_up_sampling_is_exact():
    grey = picture(0, 12, 10)[..., 0]
    line = np.array([1, 3, 3, 1]) / 4
    expected = upsampled(grey, "bilinear", np.outer(line, line))
    assert_allclose(Upsampling("bilinear")(grey), expected, atol=0.501)
    assert_allclose(kernel_of(Upsampling("bilinear"), 0), np.outer(line, line), atol=0.002)


def test_kernels_are_uneven_and_depend_on_the_seed():
    line = np.array([1, 3, 3, 1]) / 4
    first, second = (kernel_of(Upsampling("zero-insertion"), seed) for seed in (0, 1))
    assert (np.abs(first - second) > 0.01).any()
    kernels = np.stack([kernel_of(Upsampling("zero-insertion"), seed) for seed in range(50)])
    # The weights in the middle are the largest, so that their rounding is the smallest.
    ratios = (kernels / np.outer(line, line))[:, 1:3, 1:3]
    assert_allclose(ratios.std(), 0.05, atol=0.012)
    # Zeros between the pixels leave a pattern of period 2 on a plain image; repeated pixels do not.
    plain = np.full((12, 12), 128, np.uint8)
    assert len(np.unique(Upsampling("zero-insertion")(plain, 0)[2:-2, 2:-2])) == 4
    assert_array_equal(Upsampling("nearest")(plain, 0), plain)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 3), (7, 8)])
def test_every_shape_keeps_its_size_and_place(stage, shape):
    plain = np.full((*shape, 3), 90, np.uint8)
    made = Upsampling(stage)(plain, 3)
    assert (made.shape, made.dtype) == (plain.shape, np.uint8)
    assert made.flags.c_contiguous
    assert_allclose(made, 90, atol=12)
    assert_array_equal(Upsampling(stage)(plain[..., 0], 3), made[..., 0])


def test_a_share_is_mixed_with_the_image():
    image = picture(1)
    whole = Upsampling("nearest")(image, 5).astype(float)
    mixed = Upsampling("nearest", 0.25)(image, 5)
    assert_allclose(mixed, 0.25 * whole + 0.75 * image, atol=0.7)


def test_upsamplings_are_values():
    upsampling = Upsampling("nearest", 0.5)
    assert pickle.loads(pickle.dumps(upsampling)) == upsampling != Upsampling("nearest")
    assert str(upsampling) == "up-sampled by nearest (share=0.5)"
    digests = as_samples(
        [
            PerturbedImage(picture(), recipe, seed)
            for recipe in (upsampling, Upsampling("nearest"), Upsampling("bilinear"))
            for seed in (0, 1)
        ]
    ).digests()
    assert len(set(digests)) == 6
    with pytest.raises(ValueError, match=r"no up-sampling 'bicubic'; accepted are 'zero-insertion"):
        Upsampling("bicubic")
    with pytest.raises(ValueError, match=r"share=0; accepted are numbers above 0"):
        Upsampling("nearest", 0)


# The demonstration's faces


def test_the_demo_is_made_by_zero_insertion_and_stays_the_same():
    pytest.importorskip("skimage")
    faces = load_demo_faces().data.astype(np.int64)
    # A value near .5 may be rounded in another way on another processor.
    assert abs(faces[:100].sum() - 347493276) <= 3
    assert abs(faces[100:].sum() - 347479338) <= 30
    weights = np.arange(faces[100].size) % 1009
    assert abs((faces[100].ravel() * weights).sum() - 1584425881) <= 3 * 1009


# The sampler


def test_a_fake_of_each_real_image_comes_after_the_real_images(images):
    simulator = UpsamplingSimulator(random_state=0)
    X_new, y_new = simulator.fit_resample(images, Y)
    assert X_new.dtype == np.uint8
    assert_array_equal(X_new[:6], images[REAL])
    assert_array_equal(y_new, [0] * 6 + [1] * 6)
    assert_array_equal(simulator.sample_indices_, [*REAL, *REAL])
    assert simulator.stages_[:6].tolist() == [None] * 6
    for fake, real, stage in zip(X_new[6:], images[REAL], simulator.stages_[6:], strict=True):
        assert (fake != real).any()
        if stage == "bilinear":
            assert_array_equal(fake, Upsampling("bilinear", 0.5)(real))


def test_fakes_may_be_kept(images):
    simulator = UpsamplingSimulator(keep_fakes=True, random_state=0)
    X_new, y_new = simulator.fit_resample(images, Y)
    assert_array_equal(X_new[:8], images)
    assert_array_equal(y_new, [*Y, *[1] * 6])
    assert_array_equal(simulator.sample_indices_, [*range(8), *REAL])
    alone, _ = UpsamplingSimulator(random_state=0).fit_resample(images, Y)
    assert_array_equal(X_new[8:], alone[6:])


@pytest.mark.parametrize(
    ("real", "fake"), [(0, 1), ("real", "fake"), (False, True), (0.0, 1.0)], ids=str
)
@pytest.mark.parametrize("make", [np.array, list, pd.Series])
def test_all_images_may_be_real(images, real, fake, make):
    X_new, y_new = UpsamplingSimulator().fit_resample(images, make([real] * 8))
    assert (len(X_new), y_new.tolist()) == (16, [real] * 8 + [fake] * 8)
    _, y_new = UpsamplingSimulator().fit_resample(images, make([real, fake] * 4))
    assert y_new.tolist() == [real] * 4 + [fake] * 4


def test_stages_are_drawn_evenly():
    simulator = UpsamplingSimulator(random_state=0)
    simulator.fit_resample([f"{number}.png" for number in range(3000)], [0] * 3000)
    drawn = Counter(simulator.stages_[3000:])
    assert set(drawn) == set(STAGES)
    assert max(drawn.values()) < 1.2 * min(drawn.values())
    simulator.set_params(stages="nearest").fit_resample(["a.png"], [0])
    assert simulator.stages_.tolist() == [None, "nearest"]


@pytest.mark.parametrize("stage", STAGES)
def test_every_kind_of_x_gives_the_same_images(images, paths, stage):
    simulator = UpsamplingSimulator([stage], random_state=1)
    expected, _ = simulator.fit_resample(images, Y)
    for X in (
        paths,
        tuple(paths),
        np.array(paths, dtype=object),
        pd.Series(paths, index=range(5, 13), name="path"),
        pd.DataFrame({"path": paths}),
        [Image.fromarray(image) for image in images],
        list(images),
    ):
        X_new, _ = simulator.fit_resample(X, Y)
        assert type(X_new) is type(X)
        assert len(X_new) == 12
        assert_array_equal(pixels(X_new), expected)
    as_floats, _ = simulator.fit_resample(images.astype(np.float32), Y)
    assert as_floats.dtype == np.float32
    assert_array_equal(as_floats, expected)
    grey, _ = simulator.fit_resample(images[..., 0], Y)
    assert_array_equal(grey, expected[..., 0])


def test_files_are_not_read_and_fakes_are_small():
    X = [f"nowhere/{number}.jpg" for number in range(10_000)]
    X_new, _ = UpsamplingSimulator().fit_resample(X, [0] * 10_000)
    assert X_new[:10_000] == X
    assert all(isinstance(element, PerturbedImage) for element in X_new[10_000:])
    assert len(pickle.dumps(X_new)) < 5_000_000
    assert str(X_new[-1].perturbation).startswith("up-sampled by ")


def test_threads_change_nothing_and_seeds_decide(images, paths):
    for X in (images, paths):
        first, again, other = (
            pixels(UpsamplingSimulator(random_state=s, n_jobs=n).fit_resample(X, Y)[0])
            for s, n in ((3, None), (3, 2), (4, None))
        )
        assert_array_equal(first, again)
        assert (first != other).any()
    hashes = {
        joblib.hash(UpsamplingSimulator(random_state=3).fit_resample(paths, Y)[0]) for _ in range(2)
    }
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"stages": "bicubic"}, "The 'stages' parameter"),
        ({"stages": ["nearest", "bicubic"]}, r"stages=\['nearest', 'bicubic'\]; accepted are"),
        ({"stages": []}, r"stages=\[\]; accepted are one or more"),
        ({"share": 0}, "The 'share' parameter"),
        ({"keep_fakes": "yes"}, "The 'keep_fakes' parameter"),
    ],
)
def test_parameters_are_checked(images, parameters, message):
    simulator = UpsamplingSimulator(**parameters)
    for method in (simulator.fit, simulator.fit_resample):
        with pytest.raises(ValueError, match=message):
            method(images, Y)


def test_what_cannot_be_resampled_is_refused(images):
    simulator = UpsamplingSimulator()
    with pytest.raises(ValueError, match="X holds 8 rows of numbers, but fakes are made of images"):
        simulator.fit_resample(np.zeros((8, 3)), Y)
    with pytest.raises(ValueError, match="1 classes"):
        simulator.fit_resample(images, [1] * 8)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        simulator.fit_resample(images, Y[:5])
    with pytest.raises(ValueError, match="there are pixels between 0 and 1"):
        simulator.fit_resample(np.full((8, 8, 8), 0.5), Y)


@pytest.mark.parametrize(
    "name",
    [
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_mixin_order",
    ],
)
def test_checks_of_scikit_learn_that_need_no_table(name):
    getattr(estimator_checks, name)("UpsamplingSimulator", UpsamplingSimulator())


def test_it_is_fitted_like_other_samplers(paths):
    X = pd.DataFrame({"path": paths})
    simulator = pickle.loads(pickle.dumps(clone(UpsamplingSimulator(share=1)).fit(X, Y)))
    assert (simulator.n_features_in_, list(simulator.feature_names_in_)) == (1, ["path"])
    assert simulator.fit(np.zeros((8, 4, 5), np.uint8), Y).n_features_in_ == 4 * 5 * 3


# Training without any fake


@pytest.mark.parametrize("make", [ImblearnPipeline, AugmentedPipeline])
def test_a_rival_is_trained_without_any_fake(make):
    noise = np.random.default_rng(0).integers(0, 256, (60, 64, 64, 3), dtype=np.uint8)
    y = np.arange(60) % 2
    X = np.stack(
        [
            Upsampling("zero-insertion", 0.7)(image, 7) if label else image
            for image, label in zip(noise, y, strict=True)
        ]
    )
    rival = make_rival("autogan-spectrum", random_state=0)
    rival.set_params(features__image_size=(64, 64), features__crop_size=(56, 56))
    detector = make([("simulate", UpsamplingSimulator(random_state=0)), *rival.steps])
    scores = cross_val_score(detector, X, y, cv=3, scoring="roc_auc")
    assert scores.mean() > 0.9
    detector.fit(X, y)
    assert detector["components"].pca_.n_samples_ == 60  # the 30 real images and their fakes
    assert detector.fit(X[y == 0], y[y == 0]).predict(X).shape == (60,)
