# SPDX-License-Identifier: BSD-3-Clause
"""`activation_map`: where neurons are active, and how maps come onto the image."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import outputs_by_layer, small_network, varied_images

from skfakespot import NeuronCoverageTransformer
from skfakespot.faces import FaceCrop
from skfakespot.images import UnreadableImageWarning
from skfakespot.inspection import activation_map
from skfakespot.inspection._placement import place_map, spread_map

IMAGES = varied_images(9)


@pytest.fixture(scope="module")
def coverage(network):
    return NeuronCoverageTransformer(network, on_error="nan").fit(IMAGES)


@pytest.fixture(scope="module")
def maps(coverage):
    return activation_map(coverage, IMAGES[:4])


def test_maps_are_those_of_whole_activations(coverage, network, maps):
    assert maps.layer_names == coverage.layer_names_.tolist()
    outputs = outputs_by_layer(network, IMAGES[:4], maps.layer_names)
    for layer, output in enumerate(outputs):
        output = output.reshape(
            len(output), *([1, 1] if output.ndim == 2 else []), *output.shape[1:]
        )
        active = output > coverage.thresholds_[layer]
        np.testing.assert_allclose(maps.active[layer], active.mean(axis=-1), atol=1e-6)
        excess = output.mean(axis=-1) - coverage.thresholds_[layer]
        np.testing.assert_allclose(maps.excess[layer], excess, atol=1e-5)


def test_the_active_neurons_are_those_that_are_counted(coverage, maps):
    shares = np.transpose([each.mean(axis=(1, 2)) for each in maps.active])
    np.testing.assert_allclose(
        shares * coverage.n_neurons_, coverage.transform(IMAGES[:4]), rtol=1e-5
    )


def test_thresholds_of_each_feature_map(network):
    coverage = NeuronCoverageTransformer(network, threshold="per-map", output="channel").fit(IMAGES)
    maps = activation_map(coverage, IMAGES[:2], layers=["conv_2"])
    counts = coverage.transform(IMAGES[:2])
    names = coverage.get_feature_names_out().tolist()
    own = [number for number, name in enumerate(names) if name.startswith("conv_2:")]
    np.testing.assert_allclose(
        maps.active[0].sum(axis=(1, 2)) * 5, counts[:, own].sum(axis=1), rtol=1e-5
    )


def test_a_number_and_a_quantile_are_thresholds_of_layers(network):
    for threshold in (0.1, ("quantile", 0.5)):
        coverage = NeuronCoverageTransformer(network, threshold=threshold).fit(IMAGES)
        (active,) = activation_map(coverage, IMAGES[:2], layers="conv_1").active
        assert 0 < active.mean() < 1


@pytest.mark.parametrize("threshold", [("quantile", [0.2, 0.8]), ("top", 5)])
def test_other_thresholds_are_refused(network, threshold):
    coverage = NeuronCoverageTransformer(network, threshold=threshold, output="channel").fit(IMAGES)
    with pytest.raises(ValueError, match="not one number for each layer"):
        activation_map(coverage, IMAGES)


def test_a_contrast_is_the_difference_to_the_mean_map(coverage, maps):
    reference = activation_map(coverage, IMAGES[4:])
    for contrast in (IMAGES[4:], reference):
        contrasted = activation_map(coverage, IMAGES[:4], contrast=contrast)
        for kind in ("active", "excess"):
            for own, plain, of_reference in zip(
                *(getattr(each, kind) for each in (contrasted, maps, reference)), strict=True
            ):
                np.testing.assert_allclose(own, plain - of_reference.mean(axis=0), atol=1e-6)
    with pytest.raises(ValueError, match="Make it with the same transformer and layers"):
        activation_map(coverage, IMAGES, layers=["conv_1"], contrast=reference)


def test_layers_are_chosen_by_name(coverage):
    assert activation_map(coverage, IMAGES, layers=["dense", "conv_1"]).layer_names == [
        "conv_1",
        "dense",
    ]
    with pytest.raises(ValueError, match="No layer 'conv1' is read: did you mean 'conv_1'"):
        activation_map(coverage, IMAGES, layers=["conv1"])


def test_maps_come_onto_images_of_their_own_sizes(coverage):
    small, large = IMAGES[0], IMAGES[0].repeat(3, axis=0).repeat(2, axis=1)
    maps = activation_map(coverage, [small, large])
    assert maps.on_image(0, "conv_1").shape == (12, 10)
    placed = maps.on_image(1, "conv_1", kind="excess")
    assert placed.shape == (36, 20)
    # The corner pixel belongs to the corner of the map.
    assert placed[0, 0] == maps.excess[0][1, 0, 0]
    assert np.ptp(maps.on_image(0, "dense")) == 0
    with pytest.raises(ValueError, match="accepted are 'active' and 'excess'"):
        maps.on_image(0, "conv_1", kind="mean")


def test_unreadable_images_have_no_maps(coverage, network, tmp_path):
    X = [IMAGES[0], np.full((5, 5), np.nan)]
    with pytest.warns(UnreadableImageWarning, match="image 1 of X"):
        maps = activation_map(coverage, X)
    assert np.isnan(maps.active[0][1]).all()
    assert not np.isnan(maps.active[0][0]).any()
    with pytest.raises(ValueError, match="Image 1 could not be read"):
        maps.on_image(1, "conv_1")


def test_vectors_have_no_maps():
    coverage = NeuronCoverageTransformer(small_network((5,))).fit(np.eye(5))
    with pytest.raises(ValueError, match="rows of numbers, which have no places"):
        activation_map(coverage, np.eye(5))


def test_maps_of_a_crop_come_onto_the_photograph(coverage):
    photograph = np.zeros((40, 60, 3), np.uint8)
    photograph[10:22, 20:30] = IMAGES[0]
    crop = FaceCrop(photograph, x=24.5, y=15.5, side=10)
    maps = activation_map(coverage, [crop])
    placed = maps.on_image(0, "conv_1")
    assert placed.shape == (40, 60)
    inside = np.zeros((40, 60), bool)
    inside[11:21, 20:30] = True
    assert np.array_equal(~np.isnan(placed), inside)


def test_a_turned_square_is_turned_back():
    values = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    upright = place_map(values, (21, 21), (10, 10, 20, 0))
    turned = place_map(values, (21, 21), (10, 10, 20, 90))
    np.testing.assert_allclose(turned[1:-1, 1:-1], np.rot90(upright, -1)[1:-1, 1:-1], atol=1e-4)
    corners = FaceCrop(None, 10, 10, 12, 30).corners
    placed = place_map(values, (21, 21), (10, 10, 12, 30))
    for (x, y), value in zip(corners, (1, 2, 4, 3), strict=True):
        # A little towards the centre.
        column, row = (round(10 + 0.8 * (each - 10)) for each in (x, y))
        assert math.isclose(placed[row, column], value, abs_tol=0.3)


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 100),
)
def test_spreading_keeps_the_sum(shape, size, seed):
    values = np.random.default_rng(seed).normal(size=shape)
    grid = spread_map(values, size)
    assert grid.shape == size
    assert math.isclose(grid.sum(), values.sum(), abs_tol=1e-9)
