# SPDX-License-Identifier: BSD-3-Clause
"""The bands in which profiles keep neurons, against their formula in plain NumPy."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skfakespot._counting._bands import (
    BandPlan,
    FixedBand,
    RunningBand,
    half_widths,
    round_down,
)
from skfakespot._counting._combined_reduction import CombinedReduction
from skfakespot._counting._layout import FeatureLayout
from skfakespot._counting._reducers import ProfileReduction

N_IMAGES = 50
CENTER = np.array([0.5, -3.0, 2e6])
SLACK = 2.0**-21


@pytest.fixture(scope="module")
def means():
    """Means of the neurons of images, (n_images, n_layers)."""
    random = np.random.default_rng(0)
    return random.normal(size=(N_IMAGES, 3)) * [1, 10, 0.1] + [0.5, -3, 1e3]


def ends_by_numpy(seen, center=None):
    """Ends of the bands when `seen` of the images have been seen."""
    n_seen, standard_errors = len(seen), 4 / np.sqrt(N_IMAGES)
    if center is None:
        center = seen.mean(axis=0)
        standard_errors += (3 + 16 / n_seen) * np.sqrt(1 / n_seen - 1 / N_IMAGES)
    half = seen.std(axis=0, ddof=1) * standard_errors + SLACK * np.abs(center)
    return center - half, center + half


@pytest.mark.parametrize("center", [None, CENTER], ids=["mean", "number"])
@pytest.mark.parametrize("n_before", [0, 2, 7, 31])
def test_a_running_band_follows_the_images_seen(means, center, n_before):
    band = RunningBand(N_IMAGES, means[: n_before // 2], center)
    if n_before:
        band.update(means[n_before // 2 : n_before])
    assert band.needs_means
    batch = means[n_before : n_before + 8]
    found = [band.of_layer(layer, batch[:, layer]) for layer in range(3)]
    expected = ends_by_numpy(means[: n_before + 8], center)
    assert_allclose(found, np.transpose(expected), rtol=1e-6)


def test_a_running_band_of_many_images_is_that_of_the_images_before(means):
    band = RunningBand(N_IMAGES, means[:32])
    assert not band.needs_means
    assert_allclose(band.bounds(), ends_by_numpy(means[:32]), rtol=1e-6)
    # The band of all images is as narrow as the one that is kept.
    band.update(means[32:])
    assert_allclose(band.bounds(), ends_by_numpy(means), rtol=1e-6)
    center = means.mean(axis=0)
    kept = half_widths(means, center)
    assert_allclose(band.bounds(), [center - kept, center + kept], rtol=1e-6)


def test_the_band_of_a_pass_follows_the_means_of_its_images():
    random = np.random.default_rng(0)
    layout = FeatureLayout(("first", "second"), ((2, 3, 4), (5,)), "unit", "layer")
    outputs = [random.normal(size=(8, *shape)).astype(np.float32) for shape in ((2, 3, 4), (5,))]
    reduction = ProfileReduction(layout, RunningBand(N_IMAGES, np.empty((0, 2))))
    both = CombinedReduction(reduction, None)
    reducer = both.make_reducer(8)
    for layer, values in enumerate(outputs):
        reducer(layer, values)
    before = reduction.snapshot()
    both.update(reducer.results())
    means = np.stack([values.reshape(8, -1).mean(axis=1) for values in outputs], axis=1)
    assert_allclose(reduction.band.bounds(), ends_by_numpy(means), rtol=1e-5)
    assert np.isinf(before.band.bounds()).all()


def test_every_neuron_of_the_first_few_images_is_kept(means):
    for n_seen, n_images, are_few in [(3, 50, True), (4, 50, False), (1, 2, True), (2, 2, False)]:
        band = RunningBand(n_images, means[:1])
        low, high = band.of_layer(0, means[1:n_seen, 0])
        assert np.isinf([low, high]).all() == are_few
        assert low < high


def test_half_widths_of_few_images(means):
    assert_allclose(half_widths(means[:1], CENTER), SLACK * np.abs(CENTER))
    spread = np.abs(means[0] - means[1]) / np.sqrt(2)
    assert_allclose(
        half_widths(means[:2], CENTER), 4 * spread / np.sqrt(2) + SLACK * np.abs(CENTER)
    )


@pytest.mark.backends
@pytest.mark.parametrize("center", [None, CENTER], ids=["mean", "number"])
@pytest.mark.parametrize("n_before", [0, 2, 20, 40])
def test_the_device_computes_the_same_band(means, center, n_before):
    band = RunningBand(N_IMAGES, means[:n_before], center)
    batch, n_batch = means[n_before : n_before + 6], 6
    for layer in range(3):
        # Two rows fill up the batch.
        padded = np.array([*batch[:, layer], np.nan, 1e9], dtype=np.float32)
        is_image = np.array([1] * n_batch + [0, 0], dtype=np.float32)
        found = bounds_on_device(padded, is_image, band.arguments(layer, n_batch))
        expected = band.of_layer(layer, batch[:, layer] if band.needs_means else np.empty(0))
        assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.backends
def test_the_device_knows_fixed_bands_and_those_of_few_images(means):
    fixed = FixedBand(CENTER, np.array([0.25, 1, 7]))
    assert not fixed.needs_means
    images = np.zeros(3, dtype=np.float32), np.ones(3, dtype=np.float32)
    for layer in range(3):
        found = bounds_on_device(*images, fixed.arguments(layer, 3))
        assert_array_equal(found, fixed.of_layer(layer, None))
    assert_array_equal(fixed.low, [0.25, -4, 2e6 - 7])
    assert_array_equal(fixed.high, [0.75, -2, 2e6 + 7])
    few = RunningBand(N_IMAGES, means[:0])
    assert_array_equal(bounds_on_device(*images, few.arguments(0, 3)), [-np.inf, np.inf])


@pytest.mark.backends
def test_the_device_keeps_every_neuron_where_float32_is_too_small(means):
    band = RunningBand(N_IMAGES, means[:8] * 1e30)
    huge = np.array([3e38, -3e38], dtype=np.float32)
    found = bounds_on_device(huge, np.ones(2, dtype=np.float32), band.arguments(0, 2))
    assert_array_equal(found, [-np.inf, np.inf])


def bounds_on_device(means, is_image, arguments):
    tensors = map(keras.ops.convert_to_tensor, (means, is_image, arguments))
    return [keras.ops.convert_to_numpy(end).item() for end in BandPlan().bounds(*tensors)]


@given(st.floats(-3e38, 3e38))
def test_the_largest_float32_number_that_is_not_above(value):
    found = round_down(value).astype(np.float32)
    assert float(found) <= value < float(np.nextafter(found, np.float32(np.inf)))
