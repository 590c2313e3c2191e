# SPDX-License-Identifier: BSD-3-Clause
"""The four perturbations, through perturb."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageFilter
from scipy import ndimage
from sklearn.datasets import load_sample_image

from skfakespot.augmentation import KINDS, PRESETS, Perturbation, perturb
from skfakespot.images import ImageError, PerturbedImage, load_image

LEVELS = {
    "compression": st.integers(1, 100),
    "resize": st.floats(0, 1, exclude_min=True),
    "noise": st.floats(0, 1),
    "blur": st.floats(0, 100),
}
kinds_and_levels = st.sampled_from(KINDS).flatmap(
    lambda kind: st.tuples(st.just(kind), LEVELS[kind])
)


@pytest.fixture(scope="module")
def photograph():
    """A photograph's patch of 96 x 80 pixels."""
    return load_sample_image("china.jpg")[150:246, 200:280]


@pytest.fixture(scope="module")
def images(photograph):
    return np.stack([photograph, photograph[::-1], photograph[:, ::-1]])


def difference(first, second):
    return np.abs(first.astype(float) - second.astype(float))


@settings(deadline=None, max_examples=60)
@given(
    kinds_and_levels,
    st.sampled_from([np.uint8, np.float32, np.float64, np.int16]),
    hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=12),
    st.booleans(),
    st.integers(0, 2**31 - 1),
)
def test_dtype_shape_and_range_are_kept(kind_and_level, dtype, shape, grey, seed):
    if grey and shape[2] in (3, 4):  # refused as one image
        shape = (*shape[:2], 5)
    X = np.random.default_rng(seed).integers(0, 256, shape if grey else (*shape, 3)).astype(dtype)
    before = X.copy()
    perturbed = perturb(X, *kind_and_level, random_state=seed)
    assert perturbed.dtype == dtype
    assert perturbed.shape == X.shape
    assert perturbed.min() >= 0
    assert perturbed.max() <= 255
    assert_array_equal(X, before)


@settings(deadline=None, max_examples=20)
@given(kinds_and_levels, st.integers(1, 7), st.integers(0, 2**31 - 1))
def test_threads_and_later_images_change_nothing(kind_and_level, n_images, seed):
    X = np.random.default_rng(seed).integers(0, 256, (7, 9, 8, 3), dtype=np.uint8)
    perturbed = perturb(X, *kind_and_level, random_state=seed)
    assert_array_equal(perturb(X, *kind_and_level, random_state=seed, n_jobs=2), perturbed)
    first = perturb(X[:n_images], *kind_and_level, random_state=seed)
    assert_array_equal(first, perturbed[:n_images])


@pytest.mark.parametrize("kind", KINDS)
def test_the_effect_grows_with_every_level_of_the_presets(images, kind):
    for preset in PRESETS:
        steps = PRESETS[preset].get(kind, ())
        effects = [
            difference(perturb(images, kind, (preset, k + 1), random_state=0), images).mean()
            for k in range(len(steps))
        ]
        assert (np.diff(effects) > 0).all(), (preset, effects)


@settings(deadline=None, max_examples=30)
@given(st.data(), st.sampled_from(KINDS))
def test_the_effect_grows_with_the_level(images, data, kind):
    low, high = {
        "compression": (st.integers(50, 100), st.integers(1, 35)),
        "resize": (st.floats(0.6, 1), st.floats(0.05, 0.4)),
        "noise": (st.floats(0, 0.3), st.floats(0.35, 1)),
        "blur": (st.floats(0, 0.9), st.floats(1, 100)),
    }[kind]
    mild, strong = (
        perturb(images[:1], kind, data.draw(levels), random_state=3) for levels in (low, high)
    )
    assert difference(mild, images[:1]).mean() < difference(strong, images[:1]).mean()


def test_the_mildest_levels_change_nothing(images):
    for kind, level in [("resize", 1.0), ("noise", 0.0), ("blur", 0.0), ("blur", 5e-324)]:
        assert_array_equal(perturb(images, kind, level, random_state=0), images)


def gaussian(sigma, radius):
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return kernel / kernel.sum()


@settings(deadline=None, max_examples=40)
@given(
    st.floats(0.2, 6),
    st.sampled_from([3, 5, 7, 13, None]),
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=40),
    st.integers(0, 2**31 - 1),
)
def test_blur_is_the_convolution_of_scipy(sigma, kernel_size, shape, seed):
    image = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
    blursed = perturb(image[None], "blur", sigma, kernel_size=kernel_size)[0]
    if kernel_size is None:
        expected = ndimage.gaussian_filter(image.astype(float), sigma, mode="mirror", axes=(0, 1))
    else:
        kernel = gaussian(sigma, kernel_size // 2)
        expected = ndimage.correlate1d(image.astype(float), kernel, axis=0, mode="mirror")
        expected = ndimage.correlate1d(expected, kernel, axis=1, mode="mirror")
    assert difference(blursed, expected).max() < 0.501


def test_blur_of_three_by_three_is_the_filter_of_pillow(photograph):
    kernel = np.outer(gaussian(1.2, 1), gaussian(1.2, 1)).ravel().tolist()
    expected = Image.fromarray(photograph).filter(ImageFilter.Kernel((3, 3), kernel, scale=1))
    blursed = perturb(photograph[None], "blur", 1.2)[0]
    inside = np.s_[1:-1, 1:-1]  # Pillow leaves the outermost pixels as they are
    assert difference(blursed[inside], np.asarray(expected)[inside]).max() <= 1


@pytest.mark.parametrize(("sigma", "effective"), [(1, 0.740), (2, 0.799), (10, 0.816)])
def test_a_kernel_of_three_saturates(sigma, effective):
    dot = np.zeros((1, 5, 5), dtype=np.uint8)
    dot[0, 2, 2] = 255
    weights = perturb(dot, "blur", sigma)[0].sum(axis=0) / 255
    deviation = np.sqrt((weights * (np.arange(5) - 2) ** 2).sum() / weights.sum())
    assert deviation == pytest.approx(effective, abs=0.003)


def test_a_large_image_is_blursed_in_strips_without_seams():
    image = np.random.default_rng(0).integers(0, 256, (700, 1200, 3), dtype=np.uint8)
    expected = ndimage.gaussian_filter(image.astype(float), 2.5, mode="mirror", axes=(0, 1))
    blursed = perturb(image[None], "blur", 2.5, kernel_size=None)[0]
    assert difference(blursed, expected).max() < 0.501


@pytest.mark.parametrize("subsampling", [None, "4:4:4", "4:2:2", "4:2:0"])
def test_compression_is_what_pillow_writes_and_reads(photograph, subsampling):
    file = io.BytesIO()
    options = {} if subsampling is None else {"subsampling": subsampling}
    Image.fromarray(photograph).save(file, "JPEG", quality=30, **options)
    compressed = perturb(photograph[None], "compression", 30, subsampling=subsampling)
    assert_array_equal(compressed[0], np.asarray(Image.open(file)))


@pytest.mark.parametrize("filter_", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_resize_goes_down_and_up_again(photograph, filter_):
    filter_of_pillow = Image.Resampling[filter_.upper()]
    small = Image.fromarray(photograph).resize((28, 34), filter_of_pillow)
    resized = perturb(photograph[None], "resize", 0.35, filter=filter_)
    assert_array_equal(resized[0], np.asarray(small.resize((80, 96), filter_of_pillow)))
    kept_small = perturb(photograph[None], "resize", 0.35, filter=filter_, restore_size=False)
    assert_array_equal(kept_small[0], np.asarray(small))


def test_noise_has_the_variance_and_is_clipped():
    grey = np.full((2, 200, 200, 3), 128, dtype=np.uint8)
    noisy = perturb(grey, "noise", 0.01, random_state=0).astype(float)
    assert_allclose(noisy.mean(), 128, atol=0.3)
    assert_allclose(noisy.var(), 0.01 * 255**2, rtol=0.01)
    assert_allclose(np.corrcoef(noisy[0].ravel(), noisy[1].ravel())[0, 1], 0, atol=0.01)
    by_deviation = perturb(grey, "noise", 25.5, unit="std", random_state=0)
    assert_array_equal(by_deviation, noisy)
    for colour in (0, 255):  # half of the noise is cut off
        extreme = perturb(np.full_like(grey, colour), "noise", 0.01, random_state=0)
        assert_allclose((extreme == colour).mean(), 0.5, atol=0.02)


def test_noise_differs_between_calls_unless_it_is_seeded(images):
    first, second = (perturb(images, "noise", 0.01) for _ in range(2))
    assert (first != second).any()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_x_gives_the_same_pixels(images, kind, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    expected = perturb(images, kind, ("paper", 3), random_state=5)
    texts = [str(path) for path in paths]
    for X in (
        paths,
        texts,
        np.array(texts),
        np.array(texts, dtype=object),
        pd.Series(texts, name="path", index=[7, 8, 9]),
        pd.DataFrame({"path": texts}),
        [Image.fromarray(image) for image in images],
        list(images),
    ):
        perturbed = perturb(X, kind, ("paper", 3), random_state=5)
        assert type(perturbed) is type(X)
        elements = np.asarray(perturbed, dtype=object).reshape(-1)
        assert all(isinstance(element, PerturbedImage) for element in elements)
        assert_array_equal(np.stack([load_image(element) for element in elements]), expected)
    assert list(perturb(pd.DataFrame({"path": texts}), kind, ("paper", 3)).columns) == ["path"]


def test_paths_are_not_read():
    (perturbed,) = perturb(["nowhere.jpg"], "blur", 2)
    with pytest.raises(ImageError, match=r"nowhere.jpg \(blur 2\): no such file"):
        load_image(perturbed)


def test_rows_of_numbers_take_noise_only():
    X = np.random.default_rng(0).normal(size=(500, 40))
    noisy = perturb(X, "noise", 0.25, random_state=0)
    assert_allclose((noisy - X).var(), 0.25, rtol=0.05)
    assert_array_equal(perturb(X[:3], "noise", 0.25, random_state=0), noisy[:3])
    assert perturb(X.astype(np.float32), "noise", 0.25).dtype == np.float32
    with pytest.raises(ValueError, match="the only kind for rows is 'noise'"):
        perturb(X, "blur", 1)


@pytest.mark.parametrize(
    ("kind", "level", "options", "message"),
    [
        (
            "blurs",
            1,
            {},
            "no perturbation 'blurs' .did you mean 'blur'.*; accepted are compression",
        ),
        ("compression", 0, {}, "level=0 of compression; accepted are integers .* from 1 to 100"),
        ("compression", 101, {}, "from 1 to 100"),
        ("compression", 50.5, {}, "integers"),
        ("compression", True, {}, "integers"),
        ("resize", 0, {}, "above 0 to 1"),
        ("resize", 1.1, {}, "above 0 to 1"),
        ("noise", -0.1, {}, "variances .* from 0 to 1"),
        ("noise", 25.5, {}, "from 0 to 1"),
        ("noise", 256, {"unit": "std"}, "standard deviations .* from 0 to 255"),
        ("blur", -1, {}, "from 0 to 100"),
        ("blur", float("nan"), {}, "from 0 to 100"),
        ("blur", "2", {}, "level='2' of blur"),
        ("blur", 1, {"kernel_size": 4}, "odd integers from 3 and None"),
        ("blur", 1, {"kernel": 3}, "no option 'kernel' .did you mean 'kernel_size'."),
        ("resize", 0.5, {"filter": "cubic"}, "filter='cubic' of resize; accepted are 'nearest'"),
        ("compression", 50, {"subsampling": "4:1:1"}, "accepted are None, '4:4:4'"),
        ("blur", ("paper", 6), {}, "'paper' has the intensities 1 to 5 of blur"),
        ("blur", ("papers", 1), {}, "no preset .did you mean 'paper'."),
        ("resize", ("cnndetection", 1), {}, "has no levels of resize"),
        ("blur", ("paper",), {}, "accepted are numbers and .preset, intensity."),
    ],
)
def test_what_is_refused(images, kind, level, options, message):
    with pytest.raises(ValueError, match=message):
        perturb(images, kind, level, **options)


def test_options_go_with_a_step_of_a_preset(images):
    (element,) = perturb(
        [images[0]], "blur", ("deeperforensics", 2), random_state=0, kernel_size=None
    )
    assert element.perturbation == Perturbation("blur", 1.5, kernel_size=None)


def test_an_image_that_cannot_be_read_is_named(images):
    X = images.astype(float)
    X[1, 0, 0, 0] = np.nan
    with pytest.raises(ImageError, match="image 1 of X: the pixels contain NaN"):
        perturb(X, "blur", 1)


def test_an_image_that_jpeg_cannot_hold_is_named():
    long = np.zeros((1, 65536, 3), dtype=np.uint8)
    (element,) = perturb([long], "compression", 50)
    with pytest.raises(ImageError, match="it cannot be perturbed"):
        load_image(element)
