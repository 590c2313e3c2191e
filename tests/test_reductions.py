# SPDX-License-Identifier: BSD-3-Clause
"""Sums and counts of one layer's outputs, where layers are large, wide or divided."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skfakespot._counting._layout import FeatureLayout
from skfakespot._counting._map_means import sum_of_maps
from skfakespot._counting._profile import ActivationProfile
from skfakespot._counting._reductions import count_active, split_cells, sum_and_split

PRIME = 131_101


def test_all_neurons_of_a_large_layer_may_be_active():
    """Counts of one map are added in bytes, and a byte ends at 255."""
    neurons = np.ones((1, 300 * 1024), dtype=np.float32)
    for columns in (2, 1024):
        expected = np.full((1, columns), neurons.size // columns)
        assert_array_equal(count_active(neurons, np.float32(0), columns), expected)


def test_a_large_layer_that_cannot_be_cut_into_equal_pieces():
    neurons = np.random.default_rng(0).normal(size=(2, 3 * PRIME)).astype(np.float32)
    expected = (neurons > 0.5).reshape(2, PRIME, 3).sum(axis=1)
    assert_array_equal(count_active(neurons, np.float32(0.5), 3), expected)
    _, above, inside, _ = sum_and_split(neurons, np.float32(0.4), np.float32(0.5), 3)
    assert_array_equal(above, expected)
    within = (neurons > np.float32(0.4)) & (neurons <= np.float32(0.5))
    assert [sum(map(len, values)) for values in inside] == within.sum(axis=1).tolist()


@pytest.mark.parametrize("n_maps", [1, 2, 3])
def test_cells_are_split_like_layers(n_maps):
    random = np.random.default_rng(0)
    low, high = np.float32(0.1), np.float32(0.6)
    cells = [random.normal(size=(2, n * n_maps)).astype(np.float32) for n in (6, 4, 9)]
    above, inside, columns = split_cells(cells, low, high, n_maps)
    by_map = [cell.reshape(2, -1, n_maps) for cell in cells]
    assert_array_equal(above, np.hstack([(cell > high).sum(axis=1) for cell in by_map]))
    for image in range(2):
        values, of = np.concatenate(inside[image]), np.concatenate(columns[image])
        for number in range(3 * n_maps):
            own = by_map[number // n_maps][image, :, number % n_maps]
            assert_array_equal(values[of == number], own[(own > low) & (own <= high)])


@pytest.mark.parametrize(("n_places", "n_maps"), [(7, 1), (2000, 3), (9, 1024), (5, 1500)])
def test_each_map_is_added_in_float64(n_places, n_maps):
    values = np.random.default_rng(0).normal(size=(n_places, n_maps)).astype(np.float32)
    sums = sum_of_maps(values.ravel(), n_maps)
    assert_allclose(sums, values.sum(axis=0, dtype=np.float64), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("output", "n_maps"), [("layer", 5), ("channel", 5), ("channel", 70_000)])
def test_no_profile_takes_more_bytes_than_the_layout_says(output, n_maps):
    layout = FeatureLayout(("first", "second"), ((2, 3, n_maps), (2,)), "unit", output)
    n_values = int(layout.n_neurons.sum())
    column_type = np.uint16 if n_maps <= 1 << 16 else np.uint32
    columns = [np.arange(6 * n_maps) % n_maps, np.arange(2)] if output == "channel" else [[]]
    profile = ActivationProfile(
        sums=np.zeros(2),
        low=np.full(2, -1, dtype=np.float32),
        high=np.full(2, 1, dtype=np.float32),
        above=np.zeros(layout.n_features, dtype=np.int32),
        values=np.zeros(n_values, dtype=np.float32),
        lengths=layout.n_neurons.astype(np.int32),
        features=np.concatenate(columns).astype(column_type),
    )
    data = profile.to_bytes()
    largest = ActivationProfile.max_bytes(layout)
    assert len(data) <= largest
    assert (len(data) == largest) == (column_type == np.uint32)
    copied = ActivationProfile.from_bytes(data).checked(layout)
    for threshold, expected in [(-0.5, layout.feature_sizes), (0.5, 0 * layout.feature_sizes)]:
        thresholds = np.full(2, threshold, dtype=np.float32)
        counts = copied.counts(thresholds, layout.first_features)
        assert counts.dtype == np.int64
        assert_array_equal(counts, expected)
