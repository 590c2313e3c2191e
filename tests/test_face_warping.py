# SPDX-License-Identifier: BSD-3-Clause
"""FaceWarping on one image, FaceWarpingSampler on X, and the detector that is trained with it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import small_network
from numpy.testing import assert_allclose, assert_array_equal
from photographs import read_face
from PIL import Image
from sklearn.base import clone
from sklearn.utils import estimator_checks

from skfakespot.augmentation import Perturbation
from skfakespot.faces import FaceCrop, FaceCropper
from skfakespot.images import ImageError, PerturbedImage, as_samples, load_image
from skfakespot.pipeline import AugmentedPipeline
from skfakespot.rivals import FaceWarping, FaceWarpingSampler, make_rival

# One image


def noise(height=40, width=50, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height=60, width=70):
    down, right = np.mgrid[:height, :width]
    return (128 + 50 * np.sin(right / 7) + 50 * np.cos(down / 9 + right / 20)).astype(np.uint8)


def changed(warping, image, seed=0):
    return (warping(image, seed) != image).reshape(*image.shape[:2], -1).any(axis=-1)


def test_nothing_changes_at_full_scale_without_blur():
    # The warped square has 18 pixels, which are those of the image.
    warping = FaceWarping(x=24.5, y=20.5, side=12, angle=0, scale=1, sigma=0)
    assert_array_equal(warping(noise(), 3), noise())
    for angle in (90, 180, 270):
        turned = FaceWarping(x=24.5, y=20.5, side=12, angle=angle, scale=1, sigma=0)
        assert_allclose(turned(noise(), 3).astype(int), noise(), atol=1)


@settings(max_examples=20)
@given(st.floats(-180, 180), st.floats(20, 45), st.floats(20, 40), st.floats(15, 35))
def test_the_face_comes_back_to_its_place(angle, x, y, side):
    warping = FaceWarping(x, y, side, angle, scale=1, sigma=0)
    inside = changed(warping, noise(60, 70))
    margin = side * 0.75 * np.sqrt(2)
    assume(margin <= min(x, y, 69 - x, 59 - y))
    assert_allclose(warping(smooth()).astype(int)[inside], smooth()[inside], atol=4)


def test_the_warped_face_by_hand():
    image, warping = noise(), FaceWarping(24.5, 20.5, 16, 0, scale=0.5, sigma=0.8, jitter=0)
    # The square with its border has 24 pixels, from 13 to 36 and from 9 to 32.
    square = image[9:33, 13:37]
    small = Image.fromarray(square).resize((12, 12), Image.Resampling.BOX)
    weights = np.exp(-0.5 * (np.arange(-2, 3) / 0.8) ** 2)
    kernel = np.outer(weights, weights) / weights.sum() ** 2
    padded = np.pad(np.array(small, dtype=float), ((2, 2), (2, 2), (0, 0)), mode="reflect")
    blurred = np.zeros((12, 12, 3))
    for down, right in np.ndindex(5, 5):
        blurred += kernel[down, right] * padded[down : down + 12, right : right + 12]
    enlarged = Image.fromarray(np.rint(blurred).astype(np.uint8)).resize(
        (24, 24), Image.Resampling.BICUBIC
    )
    expected, inside = image.copy(), changed(warping, image)
    expected[9:33, 13:37] = enlarged
    difference = np.abs(warping(image)[inside].astype(int) - expected[inside])
    # The square is averaged over samples of bicubic interpolation, not over its pixels.
    assert difference.mean() < 12
    assert np.corrcoef(warping(image)[inside].ravel(), expected[inside].ravel())[0, 1] > 0.85


def crosses(a, b, point):
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


def test_the_mask_is_the_outline_of_the_face():
    warping = FaceWarping(24.5, 20.5, 20, 0, scale=0.25, jitter=0)
    outline = [(0, 0.11), (0.14, 0.01), (0.86, 0.01), (1, 0.11)]
    outline += [(0.75, 0.8), (0.61, 0.95), (0.39, 0.95), (0.25, 0.8)]
    corners = [(24.5 + 20 * (x - 0.5), 20.5 + 20 * (y - 0.5)) for x, y in outline]
    expected = np.zeros((40, 50), dtype=bool)
    for y, x in np.ndindex(40, 50):
        sides = zip(corners, [*corners[1:], corners[0]], strict=True)
        expected[y, x] = all(crosses(a, b, (x, y)) >= 0 for a, b in sides)
    found = changed(warping, noise())
    assert not (found & ~expected).any()
    assert (found & expected).sum() > 0.98 * expected.sum()  # a colour may stay by chance


@settings(max_examples=20)
@given(
    st.integers(0, 10**6),
    st.floats(-180, 180),
    st.floats(0, 0.25),
    st.tuples(st.floats(-30, 80), st.floats(-30, 70), st.floats(0.5, 60)),
)
def test_pixels_outside_the_jittered_square_stay(seed, angle, jitter, place):
    warping = FaceWarping(*place, angle, jitter=jitter)
    image = noise()
    found = changed(warping, image, seed)
    x, y, side = place
    down, right = np.nonzero(found)
    turn = np.radians(angle)
    across = np.cos(turn) * (right - x) + np.sin(turn) * (down - y)
    along = -np.sin(turn) * (right - x) + np.cos(turn) * (down - y)
    limit = side * (0.5 + jitter) + 1e-6
    assert (np.abs(across) <= limit).all()
    assert (np.abs(along) <= limit).all()


def test_the_jitter_depends_on_the_seed():
    warping = FaceWarping(24.5, 20.5, 20, 10)
    assert_array_equal(warping(noise(), 5), warping(noise(), 5))
    assert (changed(warping, noise(), 5) != changed(warping, noise(), 6)).any()
    steady = FaceWarping(24.5, 20.5, 20, 10, jitter=0)
    assert_array_equal(steady(noise(), 5), steady(noise(), 6))


def test_smaller_scales_lose_more():
    image = noise(80, 80)
    left = [
        FaceWarping(40, 40, 30, 0, scale=scale, jitter=0)(image)[30:45, 35:45].std()
        for scale in (1, 0.75, 0.5, 0.25)
    ]
    assert left == sorted(left, reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (7, 5)])
def test_every_shape_stays(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    warping = FaceWarping(2, 2, 4, 20)
    made = warping(image)
    assert (made.shape, made.dtype) == (image.shape, np.uint8)
    assert_array_equal(warping(image[..., 0]), made[..., 0])
    assert_array_equal(FaceWarping(200, 300, 4, 20)(image), image)


def test_warpings_are_values():
    warping = FaceWarping(1, 2, 3, 4)
    assert pickle.loads(pickle.dumps(warping)) == warping != FaceWarping(1, 2, 3, 5)
    assert str(warping) == "face warped (scale=0.5)"
    images = [PerturbedImage(noise(), FaceWarping(24, 20, 9, 0, scale=s), 0) for s in (0.5, 0.25)]
    assert len(set(as_samples(images).digests())) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"side": 0}, "side=0 of a FaceWarping; accepted are finite numbers above 0"),
        ({"scale": 0}, "scale=0 .* above 0 and up to 1"),
        ({"scale": 1.5}, "scale=1.5"),
        ({"sigma": -1}, "sigma=-1 .* from 0 to 100"),
        ({"jitter": 0.3}, "jitter=0.3 .* from 0 to 0.25"),
        ({"x": float("nan")}, "x=nan"),
        ({"angle": "left"}, "angle='left'"),
    ],
)
def test_wrong_warpings(wrong, message):
    with pytest.raises(ValueError, match=message):
        FaceWarping(**{"x": 1, "y": 1, "side": 5, "angle": 0, **wrong})


# The sampler


@pytest.fixture(scope="module")
def portraits(faces):
    """Six faces, of which those at 1 and 4 are fakes, and a picture without a face."""
    kinds = ["real", "fake", "real", "real", "fake", "real"]
    pictures = [read_face(faces, number, 160, kind=kind) for number, kind in enumerate(kinds)]
    empty = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    return np.stack([*map(np.asarray, pictures), empty]), np.array([0, 1, 0, 0, 1, 0, 0])


@pytest.fixture(scope="module")
def paths(portraits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("portraits")
    paths = [str(folder / f"{number}.png") for number in range(7)]
    for path, pixels in zip(paths, portraits[0], strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def pixels(X):
    return np.stack([load_image(element) for element in as_samples(X)])


def test_a_warped_copy_of_each_real_face(portraits):
    X, y = portraits[0][:6], portraits[1][:6]
    sampler = FaceWarpingSampler(random_state=0)
    X_new, y_new = sampler.fit_resample(X, y)
    assert_array_equal(sampler.sample_indices_, [0, 2, 3, 5, 0, 2, 3, 5])
    assert_array_equal(y_new, [0] * 4 + [1] * 4)
    assert_array_equal(X_new[:4], X[[0, 2, 3, 5]])
    crops = FaceCropper(margin=0).transform(X[[0, 2, 3, 5]])
    for fake, real, crop, warping in zip(
        X_new[4:], X_new[:4], crops, sampler.perturbations_[4:], strict=True
    ):
        assert (warping.x, warping.y, warping.side, warping.angle) == crop.square
        share = (fake != real).any(axis=-1).sum() / crop.side**2
        assert 0.5 < share < 1.1
    assert sampler.perturbations_[:4].tolist() == [None] * 4


def test_images_without_a_face_are_left_out_with_one_warning(portraits):
    X, y = portraits
    sampler = FaceWarpingSampler(random_state=0)
    with pytest.warns(UserWarning, match="1 of 5 real images are left out.* image 6 of X: no face"):
        X_new, y_new = sampler.fit_resample(X, y)
    assert_array_equal(sampler.sample_indices_, [0, 2, 3, 5, 0, 2, 3, 5])
    expected, _ = FaceWarpingSampler(random_state=0, min_size=60).fit_resample(X[:6], y[:6])
    assert (X_new[:4] == expected[:4]).all()
    with pytest.raises(ValueError, match="No face was found in any of the 1 real images"):
        sampler.fit_resample(X[[1, 6]], y[[1, 6]])
    kept = FaceWarpingSampler(random_state=0, keep_fakes=True)
    with pytest.warns(UserWarning, match="left out"):
        _, y_new = kept.fit_resample(X, y)
    assert_array_equal(kept.sample_indices_, [0, 1, 2, 3, 4, 5, 0, 2, 3, 5])
    assert_array_equal(y_new, [0, 1, 0, 0, 1, 0, 1, 1, 1, 1])


def test_every_kind_of_x_gives_the_same_images(portraits, paths):
    images, y = portraits[0][:4], portraits[1][:4]
    expected, _ = FaceWarpingSampler(random_state=1).fit_resample(images, y)
    for X in (
        paths[:4],
        np.array(paths[:4], dtype=object),
        pd.Series(paths[:4]),
        pd.DataFrame({"path": paths[:4]}),
        [Image.fromarray(image) for image in images],
        images.astype(np.float32),
    ):
        X_new, _ = FaceWarpingSampler(random_state=1, n_jobs=2).fit_resample(X, y)
        assert type(X_new) is type(X)
        assert_array_equal(
            X_new if isinstance(X_new, np.ndarray) and X_new.ndim == 4 else pixels(X_new), expected
        )
    grey, _ = FaceWarpingSampler(random_state=1).fit_resample(images[..., 0], y)
    assert grey.shape == (6, 160, 160)


def test_recipes_are_read_as_the_images_that_they_are(paths, portraits):
    y = portraits[1][:4]
    X = [FaceCrop(path, 80, 80, 150) for path in paths[:4]]
    X_new, _ = FaceWarpingSampler(random_state=1).fit_resample(X, y)
    of_pixels, _ = FaceWarpingSampler(random_state=1).fit_resample(list(map(load_image, X)), y)
    assert_array_equal(pixels(X_new), pixels(of_pixels))
    blurred = [PerturbedImage(path, Perturbation("blur", 1), 0) for path in paths[:4]]
    X_new, _ = FaceWarpingSampler(random_state=1).fit_resample(blurred, y)
    assert X_new[-1].source is blurred[3]
    assert load_image(X_new[-1]).shape == (160, 160, 3)


def test_images_that_cannot_be_read_stay_for_the_next_step(paths):
    X = [paths[0], "gone.png", paths[2]]
    X_new, y_new = FaceWarpingSampler(random_state=0).fit_resample(X, ["real"] * 3)
    assert X_new[:3] == X
    assert y_new.tolist() == ["real"] * 3 + ["fake"] * 2
    with pytest.raises(ImageError, match=r"gone\.png"):
        make_rival("fwa").fit(X, [0, 0, 0])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scales": []}, r"scales=\[\]; accepted are one or more"),
        ({"scales": (0.5, 2)}, r"scales=\(0.5, 2\)"),
        ({"scales": ("small",)}, "scales="),
        ({"scales": 0.5}, "The 'scales' parameter"),
        ({"sigma": -1}, "The 'sigma' parameter"),
        ({"jitter": 0.5}, "The 'jitter' parameter"),
        ({"min_size": 0}, "The 'min_size' parameter"),
    ],
)
def test_parameters_are_checked_before_any_image_is_read(parameters, message):
    sampler = FaceWarpingSampler(**parameters)
    for method in (sampler.fit, sampler.fit_resample):
        with pytest.raises(ValueError, match=message):
            method(["gone.png"], [0])


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
    getattr(estimator_checks, name)("FaceWarpingSampler", FaceWarpingSampler())


# The detector


def test_it_is_trained_without_any_fake(portraits):
    X, y = portraits[0][:6], portraits[1][:6]
    rival = make_rival("fwa", random_state=0)
    assert isinstance(rival, AugmentedPipeline)
    assert list(rival.named_steps) == ["simulate", "features", "scale", "classify"]
    rival.set_params(simulate__scales=(0.25,), features__backbone=small_network((64, 64, 3)))
    rival.set_params(features__image_size=None)
    scores = rival.fit(X, y).decision_function(X)
    reals = y == 0
    alone = clone(rival).fit(X[reals], y[reals])
    assert_allclose(alone.decision_function(X), scores, rtol=1e-4, atol=1e-5)
    warped, _ = rival["simulate"].fit_resample(X, y)
    assert (rival.decision_function(warped[4:]) > rival.decision_function(warped[:4])).all()
