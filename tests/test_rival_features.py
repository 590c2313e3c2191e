# SPDX-License-Identifier: BSD-3-Clause
"""The features of the rivals, compared with their formulas written as loops."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pictures import picture
from scipy.interpolate import CubicSpline

from skfakespot.rivals import (
    CooccurrenceTransformer,
    LogDCTTransformer,
    LogSpectrumTransformer,
    RadialSpectrumTransformer,
    ResidualCooccurrenceTransformer,
    SaturationTransformer,
)

seeds = st.integers(0, 10**6)
sides = st.integers(4, 11)
few_examples = settings(max_examples=15)


def grey(pixels):
    weights = (299, 587, 114)
    height, width, _ = pixels.shape
    values = np.empty((height, width))
    for i, j in np.ndindex(height, width):
        weighted = sum(w * int(v) for w, v in zip(weights, pixels[i, j], strict=True))
        values[i, j] = (weighted + 500) // 1000
    return values


def fourier(values):
    height, width = values.shape
    down, right = (np.exp(-2j * np.pi * np.outer(range(n), range(n)) / n) for n in (height, width))
    return down @ values @ right


# Radial spectrum


def radial_spectrum(pixels, n_points):
    height, width = pixels.shape[:2]
    logarithms = np.log(np.abs(fourier(grey(pixels))) + 1e-8)
    of_radius = {}
    for i, j in np.ndindex(height, width):
        down, right = (k if k < (n + 1) // 2 else k - n for k, n in ((i, height), (j, width)))
        longest = max(height, width)
        square = (down * longest / height) ** 2 + (right * longest / width) ** 2
        of_radius.setdefault(int(np.floor(np.sqrt(square))), []).append(logarithms[i, j])
    assert sorted(of_radius) == list(range(len(of_radius)))
    means = [np.mean(of_radius[radius]) for radius in sorted(of_radius)]
    points = np.linspace(0, len(means) - 1, n_points)
    return CubicSpline(range(len(means)), means)(points) / means[0]


@few_examples
@given(seeds, st.integers(7, 12), st.sampled_from([0, 1, 5]), st.integers(1, 20))
def test_radial_spectrum(seed, side, more, n_points):
    for shape in ((side, side + more), (side + more, side)):
        pixels = picture(seed, *shape)
        (found,) = RadialSpectrumTransformer(n_points).fit_transform([pixels])
        assert_allclose(found, radial_spectrum(pixels, n_points), rtol=1e-5)


@pytest.mark.numeric
def test_radial_spectrum_shows_the_frequency_of_stripes():
    columns = np.round(127 + 100 * np.cos(2 * np.pi * np.arange(64) * 16 / 64))
    stripes = np.tile(columns, (64, 1)).astype(np.uint8)
    (features,) = RadialSpectrumTransformer(n_points=46).fit_transform([stripes])
    assert features[1:].argmax() + 1 == 16
    assert features[0] == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 2), (3, 3), (1, 7)])
def test_the_smallest_images_have_a_radial_spectrum(shape):
    for value in (0, 1, 255):
        pixels = np.full((*shape, 3), value, np.uint8)
        (features,) = RadialSpectrumTransformer(n_points=5).fit_transform([pixels])
        assert np.isfinite(features).all()
    (white,) = RadialSpectrumTransformer(n_points=5).fit_transform([np.full((1, 1), 255, np.uint8)])
    assert_allclose(white, 1)


# Log-DCT


@few_examples
@given(seeds, sides, sides)
def test_log_dct(seed, height, width):
    pixels = picture(seed, height, width)

    def basis(n):
        waves = np.cos(np.pi * np.outer(np.arange(n), 2 * np.arange(n) + 1) / (2 * n))
        return waves * np.where(np.arange(n) == 0, np.sqrt(1 / n), np.sqrt(2 / n))[:, None]

    colours = [basis(height) @ pixels[..., c] @ basis(width).T for c in range(3)]
    expected = np.log(np.abs(np.stack(colours, axis=-1)) + 1e-12)
    (found,) = LogDCTTransformer((height, width)).fit_transform([pixels])
    # Near 0 the logarithm enlarges the rounding of a coefficient.
    assert_allclose(np.exp(found), np.exp(expected.ravel()), rtol=1e-5, atol=1e-9)


def test_names_of_the_coefficients():
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[..., 1] = 10
    transformer = LogDCTTransformer((4, 6))
    (features,) = transformer.fit_transform([pixels])
    assert transformer.get_feature_names_out()[features.argmax()] == "green(0,0)"
    assert transformer.get_feature_names_out()[-1] == "blue(3,5)"


# Log spectrum


@few_examples
@given(seeds, sides, sides, st.integers(0, 3))
def test_log_spectrum(seed, height, width, margin):
    pixels = picture(seed, height + margin, width + margin)
    top = left = margin // 2
    crop = pixels[top : top + height, left : left + width] / 255
    expected = np.empty((height, width // 2 + 1, 3))
    for colour in range(3):
        logarithms = np.log(np.abs(fourier(crop[..., colour])) + 1e-3)
        low, high = np.quantile(logarithms, [0.05, 0.95])
        scaled = (logarithms - low) / (high - low) * 2 - 1
        expected[..., colour] = np.clip(scaled, -1, 1)[:, : width // 2 + 1]
    transformer = LogSpectrumTransformer(pixels.shape[:2], crop_size=(height, width))
    (found,) = transformer.fit_transform([pixels])
    assert_allclose(found, expected.ravel(), atol=1e-5)


def test_a_log_spectrum_without_contrast_is_finite():
    for size in ((1, 1), (8, 8)):
        transformer = LogSpectrumTransformer((8, 8), crop_size=size)
        features = transformer.fit_transform(np.full((2, 8, 8), 77, np.uint8))
        assert np.isfinite(features).all()
    assert_array_equal(transformer.set_params(crop_size=(1, 1)).transform([picture()]), 0)


# Saturation


@few_examples
@given(seeds, sides, sides, st.lists(st.integers(0, 255), min_size=1, max_size=4))
def test_saturation(seed, height, width, thresholds):
    pixels = picture(seed, height, width)
    values = grey(pixels)
    bright = [np.mean(values >= 255 - threshold) for threshold in thresholds]
    dark = [np.mean(values <= threshold) for threshold in thresholds]
    (found,) = SaturationTransformer(thresholds).fit_transform([pixels])
    assert_allclose(found, bright + dark, rtol=1e-6, atol=1e-7)


def test_white_and_black_pixels_are_counted_at_every_threshold():
    transformer = SaturationTransformer()
    white, black = transformer.fit_transform([np.full((1, 1), v, np.uint8) for v in (255, 0)])
    assert_array_equal(white, np.repeat([1, 0], 16))
    assert_array_equal(black, np.repeat([0, 1], 16))
    names = transformer.get_feature_names_out()
    assert list(names[[0, 15, 16, 31]]) == [
        "at_least_255",
        "at_least_240",
        "at_most_0",
        "at_most_15",
    ]


# Co-occurrences


def cooccurrences(pixels, levels, offsets, cross_bands):
    height, width, _ = pixels.shape
    quantised = pixels.astype(int) * levels // 256
    matrices = []
    for (down, right), colour in itertools.product(offsets, range(3)):
        counts = np.zeros((levels, levels))
        for i, j in np.ndindex(height, width):
            if 0 <= i + down < height and 0 <= j + right < width:
                counts[quantised[i, j, colour], quantised[i + down, j + right, colour]] += 1
        matrices.append(counts)
    for first, second in ((0, 1), (0, 2), (1, 2)) if cross_bands else ():
        counts = np.zeros((levels, levels))
        for i, j in np.ndindex(height, width):
            counts[quantised[i, j, first], quantised[i, j, second]] += 1
        matrices.append(counts)
    return np.concatenate([np.sqrt(counts / counts.sum()).ravel() for counts in matrices])


@few_examples
@given(
    seeds,
    sides,
    sides,
    st.integers(2, 17),
    st.lists(st.tuples(st.integers(0, 3), st.integers(-3, 3)).filter(any), min_size=1, max_size=3),
    st.booleans(),
)
def test_cooccurrences(seed, height, width, levels, offsets, cross_bands):
    pixels = picture(seed, height, width)
    transformer = CooccurrenceTransformer(levels, offsets=offsets, cross_bands=cross_bands)
    (found,) = transformer.fit_transform([pixels])
    assert_allclose(found, cooccurrences(pixels, levels, offsets, cross_bands), rtol=1e-6)


def test_names_of_the_pairs():
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[:, 1] = (255, 0, 128)
    transformer = CooccurrenceTransformer(levels=4)
    (features,) = transformer.fit_transform([pixels])
    named = dict(zip(transformer.get_feature_names_out(), features, strict=True))
    assert {name for name, value in named.items() if value == 1} == {
        "red(0,1):0,3",
        "green(0,1):0,0",
        "blue(0,1):0,2",
        "green(1,0):0,0",
    }
    assert named["red(1,0):3,3"] == named["red-blue:3,2"] == pytest.approx(np.sqrt(0.5))


# Co-occurrences of residuals


FILTERS = {
    "first_right": ({(0, 0): -1, (0, 1): 1}, 1),
    "first_down": ({(0, 0): -1, (1, 0): 1}, 1),
    "second_right": ({(0, 0): 1, (0, 1): -2, (0, 2): 1}, 2),
    "second_down": ({(0, 0): 1, (1, 0): -2, (2, 0): 1}, 2),
    # -(1, -2, 1) by (1, -2, 1)
    "square": ({(i, j): -[1, -2, 1][i] * [1, -2, 1][j] for i in range(3) for j in range(3)}, 4),
    # By the distances from the centre.
    "wide_square": (
        {
            (i, j): {
                (0, 0): -12, (0, 1): 8, (1, 1): -6, (0, 2): -2, (1, 2): 2, (2, 2): -1,
            }[tuple(sorted((abs(i - 2), abs(j - 2))))]
            for i in range(5)
            for j in range(5)
        },
        12,
    ),
}  # fmt: skip


def residual_cooccurrences(pixels, border, step, truncation, order):
    height, width, _ = pixels.shape
    values = grey(pixels)[border : height - border, border : width - border]
    groups = list(itertools.product(range(-truncation, truncation + 1), repeat=order))
    features = {}
    for name, (weights, largest) in FILTERS.items():
        rows, columns = (
            n - max(place[axis] for place in weights) for axis, n in enumerate(values.shape)
        )
        residual = np.empty((rows, columns), int)
        for i, j in np.ndindex(rows, columns):
            total = sum(weight * values[i + k, j + m] for (k, m), weight in weights.items())
            residual[i, j] = np.clip(round(total / (largest * step)), -truncation, truncation)
        for direction, lines in (("rows", residual), ("columns", residual.T)):
            counts = Counter(
                tuple(line[start : start + order])
                for line in lines.tolist()
                for start in range(len(line) - order + 1)
            )
            for group in groups:
                key = f"{name}:{direction}:{','.join(map(str, group))}"
                features[key] = np.sqrt(counts[group] / counts.total())
    return features


@few_examples
@given(
    seeds,
    st.integers(0, 2),
    st.sampled_from([0.5, 1.0, 20.0]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 4),
)
def test_residual_cooccurrences(seed, border, step, truncation, order, more):
    side = 2 * border + order + 4
    pixels = picture(seed, side, side + more)
    transformer = ResidualCooccurrenceTransformer(
        border, step=step, truncation=truncation, order=order
    )
    (found,) = transformer.fit_transform([pixels])
    expected = residual_cooccurrences(pixels, border, step, truncation, order)
    assert list(transformer.get_feature_names_out()) == list(expected)
    assert_allclose(found, list(expected.values()), rtol=1e-6)


def test_the_border_is_left_out():
    pixels = picture(0, 40, 30)
    changed = pixels.copy()
    changed[:8], changed[-8:], changed[:, :8], changed[:, -8:] = 0, 255, 99, 1
    transformer = ResidualCooccurrenceTransformer(truncation=1)
    first, second = transformer.fit_transform([pixels, changed])
    assert_array_equal(first, second)
    first, second = transformer.set_params(border=7).fit_transform([pixels, changed])
    assert (first != second).any()


def test_the_default_has_7500_features():
    transformer = ResidualCooccurrenceTransformer()
    (smooth,) = transformer.fit_transform([np.full((24, 24), 9, np.uint8)])
    assert smooth.shape == transformer.get_feature_names_out().shape == (7500,)
    assert_array_equal(smooth[smooth > 0], np.ones(12))  # all residuals are 0
