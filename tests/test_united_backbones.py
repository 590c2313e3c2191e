# SPDX-License-Identifier: BSD-3-Clause
"""A list of backbones, which is read as one network whose layers are those of each in turn."""

import copy
import os
import pickle

import joblib
import keras
import numpy as np
import pytest
from networks import exact_network, make_exact, small_network, varied_images
from numpy.testing import assert_array_equal
from pictures import picture
from PIL import Image
from sklearn.base import clone

from skfakespot import NeuronCoverageTransformer, clear_caches, count_network_images
from skfakespot._sklearn_compat import InvalidParameterError
from skfakespot.backbones import Backbone, BackboneError
from skfakespot.images import ImageError, UnreadableImageWarning

pytestmark = [pytest.mark.usefixtures("no_profiles"), pytest.mark.numeric]

LAYERS = ["conv_1", "depthwise", "conv_2", "dense"]


@pytest.fixture(scope="module")
def larger():
    """An exact network on images of 20 x 18 pixels, of the same name as the one on 12 x 10."""
    return make_exact(small_network((20, 18, 3), keras.layers.GlobalMaxPooling2D(name="pool")))


@pytest.fixture(scope="module")
def images():
    return varied_images(14)


@pytest.fixture
def paths(tmp_path):
    """Files of differing sizes, two of which are those of the networks."""
    sizes = [(12, 10), (20, 18), *((15 + number, 30 - number) for number in range(9))]
    paths = [tmp_path / f"{number}.png" for number in range(len(sizes))]
    for number, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        Image.fromarray(picture(number, *size)).save(path)
    return paths


def assert_columns_of_each(united, alone, X):
    """Thresholds and columns are those of each backbone alone, in all ways of fitting."""
    counts = united.fit_transform(X)
    parts = [coverage.fit_transform(X) for coverage in alone]
    assert_array_equal(counts, np.hstack(parts))
    assert counts.dtype == parts[0].dtype
    for attribute in ("thresholds_", "n_neurons_"):
        expected = np.concatenate([getattr(coverage, attribute) for coverage in alone])
        assert_array_equal(getattr(united, attribute), expected)
    clear_caches(networks=False)
    assert_array_equal(united.transform(X), counts)
    assert_array_equal(clone(united).fit(X).transform(X), counts)


@pytest.mark.parametrize("kind", ["array", "float", "files", "pictures"])
@pytest.mark.parametrize("output", ["layer", "channel"])
def test_columns_are_those_of_each_backbone_alone(exact, larger, images, paths, kind, output):
    pictures = [np.asarray(Image.open(path)) for path in paths]
    X = {"array": images, "float": images + 0.25, "files": paths, "pictures": pictures}[kind]
    united, *alone = (
        NeuronCoverageTransformer(backbone, output=output, batch_size=4)
        for backbone in ([exact, larger], exact, larger)
    )
    assert_columns_of_each(united, alone, X)


@pytest.mark.parametrize(
    "parameters",
    [
        {"tap": "activation", "normalize": "fraction"},
        {"neuron": "channel"},
        {"threshold": 0.1, "layers": "conv"},
        {"threshold": ("quantile", 0.7), "layers": "^conv"},
        {"layers": ["conv_1", "dense"]},
        {"layers": lambda layer: layer.name == "relu_1"},
    ],
)
def test_every_reading_applies_to_each_backbone(exact, larger, images, parameters):
    united, *alone = (
        NeuronCoverageTransformer(backbone, batch_size=5, **parameters)
        for backbone in ([exact, larger], exact, larger)
    )
    assert_columns_of_each(united, alone, images)


def test_backbones_by_name_at_several_sizes(images):
    united = NeuronCoverageTransformer(
        ["dlib-resnet29", "dlib-resnet29"], weights="random", image_size=[None, (120, 104)]
    )
    alone = [
        NeuronCoverageTransformer(weights="random", image_size=size) for size in (None, (120, 104))
    ]
    assert_columns_of_each(united, alone, images[:3])
    assert [backbone.input_size for backbone in united.backbone_] == [(150, 150), (120, 104)]


def test_the_two_networks_with_real_weights(faceres, faces):
    X = sorted(faces.rglob("*.jpg"))[:6]
    weights = [None, str(faceres / "faceres.json")]
    names = ["dlib-resnet29", "vggface2-mobilenet"]
    reading = {"tap": "activation", "output": "channel"}
    united = NeuronCoverageTransformer(names, weights=weights, **reading)
    alone = [
        NeuronCoverageTransformer(name, weights=file, **reading)
        for name, file in zip(names, weights, strict=True)
    ]
    assert_columns_of_each(united, alone, X)
    prefixes = [name.partition("/")[0] for name in united.layer_names_]
    assert prefixes == ["dlib-resnet29"] * 30 + ["vggface2-mobilenet"] * 27


def test_layers_have_the_name_of_their_backbone(exact, larger, images, tmp_path):
    file = tmp_path / "mine.keras"
    small_network().save(file)
    named = [Backbone(name, exact) for name in ("mine", "a", "a-2", "a")]
    coverage = NeuronCoverageTransformer([exact, larger, file, *named], output="channel")
    coverage.fit(images)
    prefixes = ["small_image_network", "small_image_network-2", "mine", "mine-2", "a", "a-2", "a-3"]
    expected = [f"{prefix}/{layer}" for prefix in prefixes for layer in LAYERS]
    assert coverage.layer_names_.tolist() == expected
    names = coverage.get_feature_names_out()
    assert names[0] == "small_image_network/conv_1:0"
    assert len(set(names)) == len(names)
    assert [backbone.name for backbone in coverage.backbone_[3:]] == ["mine", "a", "a-2", "a"]


def test_a_list_or_tuple_of_one_backbone(exact, images):
    expected = NeuronCoverageTransformer(exact).fit_transform(images)
    for backbone in ([exact], (exact,)):
        coverage = NeuronCoverageTransformer(backbone)
        assert_array_equal(coverage.fit_transform(images), expected)
        assert coverage.layer_names_[0] == "small_image_network/conv_1"
        assert [backbone.model for backbone in coverage.backbone_] == [exact]


def test_layers_of_one_backbone_by_the_name_of_both(exact, larger, images):
    layers = ["small_image_network/conv_1", "small_image_network-2/conv_2", "dense"]
    coverage = NeuronCoverageTransformer([exact, larger], layers=layers).fit(images)
    assert coverage.layer_names_.tolist() == [
        "small_image_network/conv_1",
        "small_image_network/dense",
        "small_image_network-2/conv_2",
        "small_image_network-2/dense",
    ]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["conv_9"], "network 'small_image_network' has no layer 'conv_9': did you mean 'conv_2'"),
        (["small_image_network-2/x"], "names no layer of the backbone 'small_image_network'. Add"),
        (["small_image_network/dense"], "of the backbone 'small_image_network-2'. Add names that"),
        ("nothing", "none of the 8 layers of the network 'small_image_network', rescaling"),
        ([], "empty list"),
    ],
)
def test_a_backbone_without_a_layer_to_read_is_refused(exact, larger, images, layers, message):
    with pytest.raises(ValueError, match=message):
        NeuronCoverageTransformer([exact, larger], layers=layers).fit(images)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"backbone": []}, r"empty list. Give at least one backbone, such as \['dlib-resnet29'\]"),
        ({"backbone": ()}, "empty list"),
        ({"weights": ["random"]}, r"weights=\['random'\] does not fit 2 backbones. Give None, "),
        ({"weights": "file.h5"}, "weights='file.h5' does not fit 2 backbones. Give None, 'random'"),
        ({"weights": [None, 3]}, r"weights=\[None, 3\] does not fit"),
        ({"image_size": [None]}, r"image_size=\[None\] does not fit 2 backbones. Give None, \(he"),
        ({"image_size": [(9, 9), 9]}, r"image_size=\[\(9, 9\), 9\] does not fit 2 backbones"),
        (
            {"backbone": "dlib-resnet29", "weights": ["random"]},
            "is a list, but backbone='dlib-resnet29' is not",
        ),
    ],
)
def test_lists_that_do_not_fit_the_backbones_are_refused(exact, images, parameters, message):
    coverage = NeuronCoverageTransformer(**{"backbone": [exact, "dlib-resnet29"], **parameters})
    with pytest.raises(InvalidParameterError, match=message):
        coverage.fit(images)


def test_what_does_not_fit_one_backbone_is_refused(exact, images):
    for parameters, error, message in (
        ({"weights": "random"}, BackboneError, "weights='random' is for a backbone by name only"),
        ({"image_size": (120, 104)}, ValueError, "does not fit the backbone 'small_image_network'"),
        ({"image_size": [(12, 10), (1,)]}, BackboneError, r"image_size=\(1,\); accepted are"),
        ({"backbone": [exact, [exact]]}, BackboneError, "is a list; accepted are a name"),
        ({"backbone": [exact, small_network((3,))]}, ValueError, r"samples of shape \(3,\), but X"),
    ):
        coverage = NeuronCoverageTransformer([exact, "dlib-resnet29"]).set_params(**parameters)
        with pytest.raises(error, match=message):
            coverage.fit(images)


def test_one_size_for_networks_that_take_any(images):
    networks = []
    for filters in (2, 3):
        inputs = keras.Input((None, None, 3))
        networks.append(keras.Model(inputs, keras.layers.Conv2D(filters, 3)(inputs)))
    coverage = NeuronCoverageTransformer(networks, image_size=(9, 8)).fit(images)
    assert coverage.n_neurons_.tolist() == [7 * 6 * 2, 7 * 6 * 3]
    coverage.set_params(image_size=[(9, 8), (5, 5)]).fit(images)
    assert coverage.n_neurons_.tolist() == [7 * 6 * 2, 3 * 3 * 3]


class WatchedPath(os.PathLike):
    """A path that counts how often it was asked for, which happens when its file is read."""

    n_asked = 0

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        self.n_asked += 1
        return str(self.path)


class WatchedImage:
    """An image that counts how often its pixels were asked for."""

    ndim = 3
    n_asked = 0

    def __init__(self, pixels):
        self.pixels = pixels

    def __array__(self, dtype=None, copy=None):
        self.n_asked += 1
        return self.pixels


@pytest.mark.parametrize("kind", [WatchedPath, WatchedImage])
def test_each_image_is_read_as_often_as_for_one_backbone(exact, larger, paths, kind):
    n_asked = []
    for backbone in (larger, [exact, larger, exact]):
        clear_caches(networks=False)
        X = [
            WatchedPath(path) if kind is WatchedPath else WatchedImage(np.asarray(Image.open(path)))
            for path in paths
        ]
        NeuronCoverageTransformer(backbone).fit_transform(X)
        n_asked.append([image.n_asked for image in X])
    assert n_asked[0] == n_asked[1]


def test_an_image_counts_once_in_a_pass_through_all_backbones(exact, larger, images):
    coverage = NeuronCoverageTransformer([exact, larger])
    with count_network_images() as count:
        coverage.fit(images).transform(images)
    assert count.n_images == len(images)


def test_an_unreadable_image_is_left_out_of_all_backbones(exact, larger, paths):
    readable = [path for path in paths if path is not paths[3]]
    paths[3].write_bytes(b"no image")
    coverage = NeuronCoverageTransformer([exact, larger], batch_size=4)
    with pytest.raises(ImageError, match=r"3\.png"):
        coverage.fit(paths)
    coverage.set_params(on_error="nan")
    with pytest.warns(UnreadableImageWarning, match="Row 3 of the result is NaN") as caught:
        counts = coverage.fit_transform(paths)
    assert len(caught) == 1
    assert np.isnan(counts[3]).all()
    assert coverage.n_samples_seen_ == len(readable)
    assert_array_equal(np.delete(counts, 3, axis=0), clone(coverage).fit_transform(readable))


class SmallMemory:
    """Preprocessing that has room for five images."""

    def __call__(self, batch):
        if len(batch) > 5:
            raise MemoryError
        return batch.astype(np.float32)


def test_a_batch_is_halved_for_all_backbones_where_one_has_no_room(exact, larger, images):
    expected = NeuronCoverageTransformer([exact, larger]).fit_transform(images)
    small = Backbone("small", larger, SmallMemory())
    coverage = NeuronCoverageTransformer([exact, small], batch_size=14)
    message = "not enough memory for .* set batch_size="
    with pytest.warns(UserWarning, match=message) as caught, count_network_images() as count:
        counts = coverage.fit_transform(images)
    assert len(caught) == 2
    assert_array_equal(counts, expected)
    assert count.n_images == len(images)


def test_clones_share_the_networks_and_not_the_list(exact, larger):
    coverage = NeuronCoverageTransformer([exact, larger], image_size=[None, (20, 18)])
    cloned = clone(coverage)
    assert cloned.backbone == [exact, larger]
    assert cloned.backbone is not coverage.backbone
    assert cloned.image_size == coverage.image_size
    assert clone(NeuronCoverageTransformer((exact, "dlib-resnet29"))).backbone == (
        exact,
        "dlib-resnet29",
    )


@pytest.mark.parametrize("kind", [list, tuple])
def test_copies_count_alike_and_hash_alike(images, kind):
    backbone = kind([small_network(), "dlib-resnet29", Backbone("mine", exact_network())])
    coverage = NeuronCoverageTransformer(backbone, weights=[None, "random", None]).fit(images)
    expected = coverage.transform(images)
    for other in (pickle.loads(pickle.dumps(coverage)), copy.deepcopy(coverage)):
        assert type(other.backbone) is kind
        assert other.backbone[1] == "dlib-resnet29"
        assert_array_equal(other.transform(images), expected)
        assert joblib.hash(other) == joblib.hash(coverage)


@pytest.mark.slow
def test_workers(exact, larger, images, paths):
    coverage = NeuronCoverageTransformer([exact, larger], batch_size=3, n_jobs=2)
    alone = clone(coverage).set_params(n_jobs=None)
    for X in (images, paths):
        clear_caches(networks=False)
        counts = coverage.fit_transform(X)
        clear_caches(networks=False)
        assert_array_equal(alone.fit_transform(X), counts)
        assert_array_equal(alone.thresholds_, coverage.thresholds_)


def test_profiles_are_those_of_these_backbones_in_this_order(exact, larger, images, tmp_path):
    coverage = NeuronCoverageTransformer([exact, larger], memory=tmp_path)
    expected = coverage.fit_transform(images)
    clear_caches(networks=False)
    with count_network_images() as count:
        assert_array_equal(clone(coverage).fit_transform(images), expected)
    assert count.n_images == 0
    swapped = clone(coverage).set_params(backbone=[larger, exact])
    with count_network_images() as count:
        assert_array_equal(swapped.fit_transform(images), np.roll(expected, 4, axis=1))
    assert count.n_images == len(images)


def test_a_changed_weight_of_one_backbone_is_noticed(exact, images, tmp_path):
    changing = exact_network()
    coverage = NeuronCoverageTransformer([exact, changing], memory=tmp_path)
    coverage.fit(images)
    kernel = changing.get_layer("conv_1").kernel
    kernel.assign(-kernel)
    alone = NeuronCoverageTransformer(changing)
    assert_array_equal(coverage.fit_transform(images)[:, 4:], alone.fit_transform(images))


def test_code_of_one_backbone_keeps_nothing_on_disk(exact, larger, images, tmp_path):
    backbone = [exact, Backbone("coded", larger, SmallMemory())]
    coverage = NeuronCoverageTransformer(backbone, memory=tmp_path, batch_size=4)
    with pytest.warns(UserWarning, match="Nothing is kept in memory"):
        coverage.fit(images)
    assert list(tmp_path.iterdir()) == []


def test_partial_fit_and_merge(exact, larger, images):
    whole = NeuronCoverageTransformer([exact, larger]).fit(images)
    here, there = clone(whole).fit(images[:5]), clone(whole).partial_fit(images[5:])
    parts = clone(whole).partial_fit(images[:5]).partial_fit(images[5:])
    for other in (here.merge(there), parts):
        np.testing.assert_allclose(other.thresholds_, whole.thresholds_, rtol=1e-12)
        assert other.n_samples_seen_ == len(images)


def test_other_backbones_cannot_be_merged(exact, images):
    united = NeuronCoverageTransformer([exact, "dlib-resnet29"], weights=[None, "random"])
    united.fit(images)
    for parameters, message in (
        ({"backbone": [exact], "weights": None}, "backbone=.* cannot be merged"),
        ({"image_size": [None, (120, 104)]}, "image_size=None and .* cannot be merged"),
        ({"backbone": ["dlib-resnet29"] * 2, "weights": "random"}, "cannot be merged"),
    ):
        other = clone(united).set_params(**parameters).fit(images)
        with pytest.raises(ValueError, match=message):
            united.merge(other)


def test_vectors_pass_through_each_network_on_vectors():
    X = np.random.default_rng(0).normal(size=(20, 3))
    wide = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(9, kernel_initializer="orthogonal")], name="wide"
    )
    networks = small_network((3,)), make_exact(wide)
    united, *alone = map(NeuronCoverageTransformer, (list(networks), *networks))
    assert_columns_of_each(united, alone, X)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        united.transform(np.full((2, 3), np.nan))


def test_set_params_changes_the_backbones(exact, larger, images):
    coverage = NeuronCoverageTransformer(exact).fit(images)
    coverage.set_params(backbone=[exact, larger])
    assert coverage.fit_transform(images).shape == (len(images), 8)
    assert coverage.set_params(backbone=larger).fit(images).layer_names_.tolist() == LAYERS
