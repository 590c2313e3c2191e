# SPDX-License-Identifier: BSD-3-Clause
"""Statistics of feature maps: their values, columns, names, cost and storage."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from networks import exact_network, outputs_by_layer, varied_images
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline

from skfakespot import NeuronCoverageTransformer, clear_caches, count_network_images
from skfakespot._counting._map_statistics import describe_maps, root_covariances

pytestmark = pytest.mark.usefixtures("no_profiles")

LAYERS = ["conv_1", "depthwise", "conv_2", "dense"]
LAGS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
MOMENTS = ("mean", "std", "skewness", "kurtosis")
ALL = ("coverage", *MOMENTS, "autocorrelation", "gram", "grid")


@pytest.fixture(scope="module")
def network():
    return exact_network()


@pytest.fixture(scope="module")
def images():
    return varied_images(21)


def reader_of(network, statistics, **parameters):
    parameters = {"batch_size": 8, "output": "channel", **parameters}
    return NeuronCoverageTransformer(network, statistics=statistics, **parameters)


def maps_of(output):
    """A layer's output as (n_images, height, width, n_maps), float64."""
    output = np.asarray(output, dtype=np.float64)
    n_images, *places, n_maps = output.shape
    return output.reshape(n_images, -1, places[-1] if places else 1, n_maps)


def moments_by_numpy(output):
    maps = maps_of(output)
    mean, std = maps.mean(axis=(1, 2)), maps.std(axis=(1, 2))
    z = standardized(maps)
    return [mean, std, (z**3).mean(axis=(1, 2)), (z**4).mean(axis=(1, 2))]


def standardized(maps):
    std = maps.std(axis=(1, 2), keepdims=True)
    is_constant = np.ptp(maps, axis=(1, 2), keepdims=True) == 0
    centered = np.where(is_constant, 0, maps - maps.mean(axis=(1, 2), keepdims=True))
    return centered / np.where(is_constant, 1, std)


def autocorrelation_by_numpy(output, lag):
    z, (down, right) = standardized(maps_of(output)), lag
    height, width = z.shape[1:3]
    if height <= down or width <= abs(right):
        return np.zeros(z[:, 0, 0].shape)
    first = z[:, : height - down, max(-right, 0) : width - max(right, 0)]
    second = z[:, down:, max(right, 0) : width - max(-right, 0)]
    return (first * second).mean(axis=(1, 2))


def gram_by_numpy(output):
    maps = maps_of(output)
    maps = maps.reshape(len(maps), -1, maps.shape[-1])
    covariances = np.stack([np.cov(own.T, bias=True).reshape(own.shape[1:] * 2) for own in maps])
    rows, columns = np.triu_indices(maps.shape[-1])
    covariances = covariances[:, rows, columns]
    return np.sign(covariances) * np.sqrt(np.abs(covariances))


def grid_by_numpy(output, threshold, size):
    maps = maps_of(output)
    if min(maps.shape[1:3]) < size:
        return np.empty((len(maps), 0))
    edges = [[n * part // size for part in range(size + 1)] for n in maps.shape[1:3]]
    cells = [
        (maps[:, top:bottom, left:right] > threshold).sum(axis=(1, 2))
        for top, bottom in zip(edges[0], edges[0][1:], strict=False)
        for left, right in zip(edges[1], edges[1][1:], strict=False)
    ]
    return np.concatenate(cells, axis=1)


def by_numpy(outputs, thresholds, statistic):
    """The columns of one statistic."""
    if statistic in MOMENTS:
        number = MOMENTS.index(statistic)
        return np.concatenate([moments_by_numpy(layer)[number] for layer in outputs], axis=1)
    if statistic == "autocorrelation":
        return np.concatenate(
            [autocorrelation_by_numpy(layer, lag) for lag in LAGS for layer in outputs], axis=1
        )
    if statistic == "gram":
        return np.concatenate([gram_by_numpy(layer) for layer in outputs], axis=1)
    pairs = zip(outputs, thresholds, strict=True)
    if statistic == "grid":
        return np.concatenate([grid_by_numpy(*pair, 3) for pair in pairs], axis=1)
    return np.concatenate([(maps_of(o) > xi).sum(axis=(1, 2)) for o, xi in pairs], axis=1)


@pytest.mark.numeric
@pytest.mark.parametrize("statistics", [(name,) for name in ALL] + [ALL, ALL[::-1]])
def test_columns_are_those_of_numpy(network, images, statistics):
    reader = reader_of(network, statistics, grid_size=3)
    features = reader.fit_transform(images)
    outputs = outputs_by_layer(network, images, LAYERS)
    expected = np.concatenate(
        [by_numpy(outputs, reader.thresholds_, s) for s in statistics], axis=1
    )
    assert features.dtype == np.float32
    assert_allclose(features, expected, rtol=1e-5, atol=5e-6)
    assert_array_equal(reader.transform(images), features)
    clear_caches(networks=False)
    assert_array_equal(reader.transform(images), features)
    names = reader.get_feature_names_out()
    assert len(set(names)) == len(names) == features.shape[1]


def test_names_say_what_columns_hold(network, images):
    reader = reader_of(network, ("std", "coverage", "autocorrelation", "gram", "grid"), grid_size=2)
    table = reader.set_output(transform="pandas").fit_transform(images)
    outputs = dict(zip(LAYERS, outputs_by_layer(network, images, LAYERS), strict=True))
    conv = maps_of(outputs["conv_1"])
    lag = autocorrelation_by_numpy(conv, (1, -1))
    assert_allclose(table["conv_1:2:std"], conv.std(axis=(1, 2))[:, 2], rtol=1e-4)
    assert_allclose(table["conv_1:3:autocorrelation(1,-1)"], lag[:, 3], atol=1e-4)
    covariance = ((conv - conv.mean(axis=(1, 2), keepdims=True))[..., [1, 3]]).prod(axis=-1)
    covariance = covariance.mean(axis=(1, 2))
    signed_root = np.sign(covariance) * np.sqrt(np.abs(covariance))
    assert_allclose(table["conv_1:1,3:gram"], signed_root, atol=1e-4)
    active = conv > reader.thresholds_[0]
    assert_array_equal(table["conv_1:1:grid(0,1)"], active[:, :5, 4:, 1].sum(axis=(1, 2)))
    assert_array_equal(table["conv_1:1"], active[..., 1].sum(axis=(1, 2)))


def test_one_look_gives_the_counts_too(network, images):
    with count_network_images() as passed:
        features = reader_of(network, ("mean", "coverage", "grid")).fit_transform(images)
    assert passed.n_images == len(images)
    clear_caches(networks=False)
    counts = reader_of(network, ("coverage",)).fit_transform(images)
    n_maps = counts.shape[1]
    assert_array_equal(features[:, n_maps : 2 * n_maps], counts)


def test_thresholds_do_not_depend_on_statistics(network, images):
    expected = reader_of(network, ("coverage",)).fit(images)
    for statistics in (("std",), ("coverage", "std"), ("grid",)):
        clear_caches(networks=False)
        reader = reader_of(network, statistics)
        reader.fit_transform(images)
        # Without counts, the outputs are added in float64 rather than in blocks of float32.
        assert_allclose(reader.thresholds_, expected.thresholds_, rtol=1e-6)
        assert reader.n_samples_seen_ == len(images)


def test_fractions_are_of_counts_alone(network, images):
    statistics = ("coverage", "mean", "grid")
    counts = reader_of(network, statistics, grid_size=2).fit_transform(images)
    reader = reader_of(network, statistics, grid_size=2, normalize="fraction")
    fractions = reader.fit_transform(images)
    names = [name.split(":") for name in reader.get_feature_names_out()]
    sizes = np.ones(len(names))
    places = {"conv_1": (10, 8), "depthwise": (8, 6), "conv_2": (3, 2), "dense": (1, 1)}
    for column, (layer, _, *statistic) in enumerate(names):
        height, width = places[layer]
        if not statistic:
            sizes[column] = height * width
        elif statistic[0].startswith("grid"):
            row = int(statistic[0][5])
            sizes[column] = (height * (row + 1) // 2 - height * row // 2) * (width // 2)
    assert_allclose(fractions, counts / sizes, rtol=1e-6)


def test_gram_leaves_out_layers_of_many_maps(network, images):
    names = reader_of(network, ("gram",), max_maps=4).fit(images).get_feature_names_out()
    assert {name.split(":")[0] for name in names} == {"conv_1", "depthwise"}
    assert len(names) == 20


def test_cross_validation_and_searches_look_once(network, images, tmp_path):
    y = np.arange(len(images)) % 2
    for statistics in (MOMENTS, ("autocorrelation", "std"), ALL):
        clear_caches(networks=False)
        reader = reader_of(network, statistics, memory=tmp_path / "-".join(statistics))
        pipeline = make_pipeline(reader, RidgeClassifier())
        with count_network_images() as passed:
            cross_validate(pipeline, images, y, cv=3, error_score="raise")
        assert passed.n_images == len(images)
    clear_caches(networks=False)
    pipeline = make_pipeline(reader_of(network, ALL, memory=tmp_path / "search"), RidgeClassifier())
    pipeline.fit(images, y)
    clear_caches(networks=False)
    grid = {"neuroncoveragetransformer__statistics": [(name,) for name in ALL[1:-1]] + [ALL]}
    with count_network_images() as passed:
        GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(images, y)
    assert passed.n_images == 0


def test_stored_statistics_belong_to_their_weights_and_lags(images, tmp_path):
    network = exact_network()
    statistics = ("mean", "autocorrelation")
    first = reader_of(network, statistics, memory=tmp_path).fit_transform(images)
    other_lags = reader_of(network, statistics, memory=tmp_path, lags=((3, 0),))
    # The moments are known by now, the autocorrelation is not.
    found = other_lags.fit_transform(images)
    assert found.shape[1] == first.shape[1] * 2 // 7
    assert np.isfinite(found).all()
    n_maps = first.shape[1] // 7
    assert_array_equal(found[:, :n_maps], first[:, :n_maps])
    network.get_layer("conv_1").kernel.assign(network.get_layer("conv_1").kernel * 2)
    second = reader_of(network, statistics, memory=tmp_path).fit_transform(images)
    assert_array_equal(second[:, :4], 2 * first[:, :4])


def test_repeated_and_unreadable_images_keep_their_rows(network, images):
    X = [*images[:5], images[5].astype(float) + 1000, images[2], images[0]]
    for statistics in (("std",), ("coverage", "std", "grid")):
        clear_caches(networks=False)
        reader = reader_of(network, statistics, on_error="nan")
        with pytest.warns(UserWarning, match="image 5"):
            features = reader.fit_transform(X)
        assert_array_equal(np.isnan(features).all(axis=1), np.arange(8) == 5)
        assert not np.isnan(features[[0, 1, 2, 3, 4, 6, 7]]).any()
        assert_array_equal(features[[6, 7]], features[[2, 0]])
        alone = reader.transform([X[6]])
        assert_array_equal(alone, features[[6]])


@pytest.mark.slow
def test_worker_processes_compute_the_same(network, images):
    expected = reader_of(network, ALL, grid_size=2).fit_transform(images)
    clear_caches(networks=False)
    features = reader_of(network, ALL, grid_size=2, n_jobs=2).fit_transform(images)
    assert_array_equal(features, expected)


def test_a_network_on_vectors_has_statistics_too():
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Dense(4, name="dense")(inputs))
    X = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    features = reader_of(model, (*MOMENTS, "autocorrelation")).fit_transform(X)
    assert_allclose(features[:, :4], keras.ops.convert_to_numpy(model(X)), atol=1e-5)
    assert not features[:, 4:].any()


def test_outputs_that_are_not_finite_are_refused(images):
    network = exact_network()
    kernel = network.get_layer("depthwise").kernel
    kernel.assign(kernel * np.nan)
    for statistics in (("std",), ("gram",), ("coverage", "std")):
        with pytest.raises(ValueError, match="'depthwise' has outputs that are NaN"):
            reader_of(network, statistics).fit_transform(images)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"statistics": ()}, r"statistics=\(\); accepted are"),
        ({"statistics": ("variance",)}, "accepted are .*'std'"),
        ({"statistics": ("std", "std")}, "different names"),
        ({"statistics": "std"}, "The 'statistics' parameter"),
        ({"statistics": ("std",), "output": "layer"}, "Set output='channel'"),
        ({"statistics": ("std",), "lags": ((0, 0),)}, "not \\(0, 0\\)"),
        ({"statistics": ("std",), "lags": ((-1, 0),)}, "down at least 0"),
        ({"statistics": ("std",), "lags": ()}, "one or more pairs"),
        ({"statistics": ("grid",), "grid_size": 1}, "The 'grid_size' parameter"),
        ({"statistics": ("std",), "threshold": "per-map"}, "FeatureUnion"),
        ({"statistics": ("gram",), "max_maps": 3}, "no layer of at most 3"),
    ],
)
def test_wrong_parameters_are_named(network, images, parameters, message):
    with pytest.raises(ValueError, match=message):
        NeuronCoverageTransformer(network, **{"output": "channel", **parameters}).fit_transform(
            images
        )


values_of_maps = st.floats(-1, 1, width=16)
scales = st.sampled_from([1e-12, 1e-3, 1.0, 1e4, 1e12])
shapes = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5))


def check_statistics(outputs, scale):
    """Compare the statistics of a layer's maps, whose values are about as large as `scale`."""
    moments, autocorrelation, sums = describe_maps(outputs, LAGS)
    assert_allclose(
        sums, outputs.sum(axis=(1, 2, 3), dtype=np.float64), rtol=1e-12, atol=1e-12 * scale
    )
    expected = np.stack(moments_by_numpy(outputs), axis=1)
    std = expected[:, 1:2]
    difference = np.abs(moments - expected)
    assert (difference[:, :1] <= 1e-6 * np.abs(expected[:, :1]) + 1e-4 * std).all()
    assert (difference[:, 1:2] <= 1e-4 * std).all()
    assert (difference[:, 2:] <= 1e-4 * np.maximum(1, np.abs(expected[:, 2:]))).all()
    lags = np.stack([autocorrelation_by_numpy(outputs, lag) for lag in LAGS], axis=1)
    assert_allclose(autocorrelation, lags, rtol=0, atol=1e-4)
    covariance_scale = std.max(axis=-1, keepdims=True)[:, 0] + 1e-30
    difference = np.abs(root_covariances(outputs) - gram_by_numpy(outputs))
    assert (difference <= 2e-3 * covariance_scale).all()


@settings(deadline=None)
@given(
    shapes.flatmap(
        lambda shape: hnp.arrays(np.float32, shape, elements=st.floats(-1, 1, width=16))
    ),
    scales,
    st.sampled_from([0.0, 1.0, -1e3]),
)
def test_statistics_of_any_maps(values, scale, offset):
    # Float16 values keep the shift exact enough that float32 still holds each map's variation.
    check_statistics(((values + np.float32(offset)) * np.float32(scale)).astype(np.float32), scale)


@pytest.mark.parametrize("shape", [(2, 4, 41, 70), (1, 6, 2, 1100), (1, 7, 1024, 1)])
def test_lines_of_maps_longer_than_are_added_together(shape):
    check_statistics(np.random.default_rng(0).normal(size=shape).astype(np.float32), 1.0)


def test_constant_maps_have_no_shape():
    outputs = np.full((1, 112, 112, 3), 0.1, dtype=np.float32)
    outputs[..., 1] = -1e6
    outputs[..., 2] = 0
    moments, autocorrelation, _ = describe_maps(outputs, LAGS)
    assert_array_equal(moments[0, 0], outputs[0, 0, 0])
    assert not moments[:, 1:].any()
    assert not autocorrelation.any()
