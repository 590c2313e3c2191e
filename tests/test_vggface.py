# SPDX-License-Identifier: BSD-3-Clause

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
import servers
from exactness import ROUNDING, assert_same_but_for_rounding
from networks import coverage_by_numpy, outputs_by_layer
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from weight_files import shake_moments, write_legacy_file

from skfakespot import NeuronCoverageTransformer
from skfakespot.backbones import (
    BackboneError,
    describe_backbones,
    list_backbones,
    load_backbone,
)
from skfakespot.backbones._keras_vggface import load_utils
from skfakespot.backbones._vggface import find_weights, remote_weights
from skfakespot.cli import main

NAMES = ("vggface-resnet50", "vggface-vgg16", "vggface-senet50")
CONVOLUTIONS = {"vggface-resnet50": 53, "vggface-vgg16": 13, "vggface-senet50": 85}
PARAMETERS = {
    "vggface-resnet50": 23_561_152,
    "vggface-vgg16": 14_714_688,
    "vggface-senet50": 26_092_144,
}
NEURONS = {
    "vggface-resnet50": 10_430_848,
    "vggface-vgg16": 13_547_520,
    "vggface-senet50": 10_446_896,
}
FEATURE_MAPS = {"vggface-resnet50": 26_560, "vggface-vgg16": 4_224, "vggface-senet50": 42_608}
# The size of the last feature map or dense layer below, and the sizes of the dense layers.
TOPS = {
    "vggface-resnet50": (2048, [8631]),
    "vggface-vgg16": (7 * 7 * 512, [4096, 4096, 2622]),
    "vggface-senet50": (2048, [8631]),
}


@pytest.fixture(scope="session")
def random_backbones():
    backbones = {name: load_backbone(name, weights="random") for name in NAMES}
    for backbone in backbones.values():
        shake_moments(backbone.model)
    return backbones


@pytest.fixture(params=NAMES)
def backbone(request, random_backbones):
    return random_backbones[request.param]


@pytest.fixture(scope="session")
def legacy_files(random_backbones, tmp_path_factory):
    """What keras-vggface publishes, under the same names, with random numbers in it."""
    folder = tmp_path_factory.mktemp("published")
    return {
        name: write_legacy_file(
            folder / remote_weights(name).name, backbone.model, backbone.layer_names
        )
        for name, backbone in random_backbones.items()
    }


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def outputs(backbone, images):
    batch = backbone.preprocess(images)
    return keras.ops.convert_to_numpy(backbone.model(batch, training=False))


def test_the_backbones_are_listed():
    assert list_backbones()[0] == "dlib-resnet29"
    assert set(NAMES) < set(list_backbones())


def test_counts_without_top(backbone):
    convolutions = layers_of(backbone.model, keras.layers.Conv2D)
    assert len(convolutions) == CONVOLUTIONS[backbone.name]
    assert layers_of(backbone.model, keras.layers.Dense) == []
    assert backbone.model.count_params() == PARAMETERS[backbone.name]
    shapes = [layer.output.shape[1:] for layer in convolutions]
    assert sum(np.prod(shape) for shape in shapes) == NEURONS[backbone.name]
    assert sum(shape[-1] for shape in shapes) == FEATURE_MAPS[backbone.name]
    assert backbone.input_size == (224, 224)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_counts_with_top(name):
    model = load_backbone(name, weights="random", include_top=True).model
    n_inputs, sizes = TOPS[name]
    assert len(layers_of(model, keras.layers.Conv2D)) == CONVOLUTIONS[name]
    dense = layers_of(model, keras.layers.Dense)
    assert [layer.units for layer in dense] == sizes
    n_parameters = PARAMETERS[name]
    for n_outputs in sizes:
        n_parameters += n_inputs * n_outputs + n_outputs
        n_inputs = n_outputs
    assert model.count_params() == n_parameters


def test_licence_and_source(backbone):
    assert "non-commercial" in backbone.licence
    assert backbone.source == "random weights"


def test_every_convolution_can_be_tapped(backbone, images):
    convolutions = layers_of(backbone.model, keras.layers.Conv2D)
    names = [layer.name for layer in convolutions]
    taps = outputs_by_layer(backbone.model, backbone.preprocess(images[:1]), names)
    assert sum(tap[0].size for tap in taps) == NEURONS[backbone.name]
    for tap in taps:
        assert np.isfinite(tap).all()
        assert tap.std() > 0


def test_what_the_first_layers_compute(random_backbones, images):
    """A tap of the paper's network holds the convolution without bias, norm and ReLU."""
    backbone = random_backbones["vggface-resnet50"]
    (tap,) = outputs_by_layer(backbone.model, backbone.preprocess(images), ["conv1-7x7_s2"])
    # TensorFlow pads an even size for stride 2 by one row less in front.
    pixels = np.pad(backbone.preprocess(images), ((0, 0), (2, 3), (2, 3), (0, 0)))
    kernel = backbone.model.get_layer("conv1-7x7_s2").get_weights()[0]
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (7, 7), axis=(1, 2))[:, ::2, ::2]
    assert_allclose(tap, np.einsum("nyxcij,ijco->nyxo", windows, kernel), atol=1e-3)


@pytest.mark.parametrize(("name", "version"), list(zip(NAMES, (2, 1, 2), strict=True)))
def test_preprocessing_is_that_of_keras_vggface(random_backbones, images, name, version):
    expected = load_utils().preprocess_input(
        images.astype(np.float32), data_format="channels_last", version=version
    )
    batch = random_backbones[name].preprocess(images)
    assert batch.dtype == np.float32
    assert_array_equal(batch, expected)


def test_original_names(random_backbones):
    names = random_backbones["vggface-resnet50"].layer_names
    assert names["conv1-7x7_s2"] == "conv1/7x7_s2"
    assert names["conv5_3_1x1_increase-bn"] == "conv5_3_1x1_increase/bn"
    assert random_backbones["vggface-vgg16"].layer_names == {}
    assert load_backbone("dlib-resnet29").layer_names == {}


def test_original_names_are_those_of_layers_and_differ(backbone):
    known = {layer.name for layer in backbone.model.layers}
    assert set(backbone.layer_names) <= known
    originals = [backbone.layer_names.get(name, name) for name in known]
    assert len(set(originals)) == len(known)
    assert sum("/" in name for name in originals) == len(backbone.layer_names)


def test_names_and_random_weights_are_the_same_at_each_call():
    first = load_backbone("vggface-resnet50", weights="random").model
    keras.layers.Activation("relu")
    second = load_backbone("vggface-resnet50", weights="random").model
    assert first is not second
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]
    for weight, other in zip(first.get_weights(), second.get_weights(), strict=True):
        assert_array_equal(weight, other)
    kernels = [layer.get_weights()[0] for layer in layers_of(first, keras.layers.Conv2D)]
    same_shape = [kernel for kernel in kernels if kernel.shape == kernels[-1].shape]
    assert len(same_shape) > 1
    assert not np.array_equal(same_shape[0], same_shape[1])


def test_a_keras_set_to_channels_first_builds_the_same(images):
    expected = load_backbone("vggface-vgg16", weights="random")
    keras.config.set_image_data_format("channels_first")
    try:
        backbone = load_backbone("vggface-vgg16", weights="random")
    finally:
        keras.config.set_image_data_format("channels_last")
    assert_array_equal(outputs(backbone, images[:1]), outputs(expected, images[:1]))


# The names that the state of a process is compared by, before and after.
STATE = """
import builtins, random, sys
import keras, numpy as np

def failure():
    try:
        import keras_vggface
    except ImportError as error:
        return repr(error)

def state():
    return {
        "modules": dict(sys.modules),
        "keras": {name: dict(vars(module)) for name, module in sys.modules.items()
                  if name.split(".")[0] == "keras"},
        "builtins": dict(vars(builtins)),
        "python's random state": random.getstate(),
        "numpy's random state": np.random.get_state()[1].tolist(),
        "path": list(sys.path), "finders": list(sys.meta_path),
        "import of keras_vggface": failure(),
        "name of the next layer": keras.layers.Activation("relu").name.split("_")[0],
    }

def load():
    from skfakespot.backbones import load_backbone
    return load_backbone("vggface-resnet50", weights="random")
"""


def run(program):
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


@pytest.mark.slow
def test_other_code_sees_nothing():
    run(
        STATE + "import skfakespot.backbones._weights\n"
        "keras.Model(i := keras.Input((8,)), keras.layers.Dense(1)(i))\n"
        "assert failure() is not None\n"
        "before = state()\n"
        "load()\n"
        "after = state()\n"
        "new = set(after['modules']) - set(before['modules'])\n"
        "assert not new, new\n"
        "for key in before: assert before[key] == after[key], key\n"
    )


@pytest.mark.slow
def test_a_process_that_never_imported_keras_sees_nothing_either():
    run(
        "import sys\n"
        "from skfakespot.backbones import load_backbone\n"
        "load_backbone('vggface-resnet50', weights='random')\n"
        "ours = [name for name in sys.modules if name.split('.')[0] in "
        "('keras_vggface', 'keras_applications') or name.startswith('keras.engine')]\n"
        "assert not ours, ours\n"
        "import keras\n"
        "assert keras.Sequential([keras.layers.Dense(1, name='a')]).layers[0].name == 'a'\n"
        "try: keras.layers.Dense(1, name='a/b')\n"
        "except ValueError: pass\n"
        "else: raise AssertionError('Keras was changed')\n"
    )


@pytest.mark.slow
def test_a_keras_vggface_of_somebody_else_is_left_alone():
    run(
        STATE + "import types\n"
        "sys.modules['keras_vggface'] = mine = types.ModuleType('keras_vggface')\n"
        "sys.modules['keras_vggface.models'] = models = types.ModuleType('keras_vggface.models')\n"
        "assert load().model.count_params() == 23_561_152\n"
        "assert sys.modules['keras_vggface'] is mine and vars(mine).keys() == vars(models).keys()\n"
        "assert sys.modules['keras_vggface.models'] is models\n"
    )


@pytest.mark.slow
def test_threads_build_at_the_same_time_as_others_import():
    stop, failures = threading.Event(), []

    def import_others():
        while not stop.is_set():
            try:
                __import__("keras_vggface")
            except ImportError as error:
                failures.append(str(error))

    thread = threading.Thread(target=import_others)
    thread.start()
    try:
        with ThreadPoolExecutor(3) as threads:
            load = lambda name: load_backbone(name, weights="random")  # noqa: E731
            built = list(threads.map(load, ["vggface-resnet50"] * 3))
    finally:
        stop.set()
        thread.join()
    assert len(set(failures)) == 1
    for backbone in built[1:]:
        assert backbone.layer_names == built[0].layer_names
        for weight, other in zip(
            backbone.model.get_weights(), built[0].model.get_weights(), strict=True
        ):
            assert_array_equal(weight, other)


@pytest.mark.slow
def test_a_missing_keras_vggface_is_named():
    run(
        "import sys\n"
        "from skfakespot.backbones import load_backbone\n"
        "sys.path[:] = [path for path in sys.path if not path.endswith('site-packages')]\n"
        "try: load_backbone('vggface-resnet50')\n"
        "except ValueError as error: assert 'pip install keras-vggface' in str(error), error\n"
        "else: raise AssertionError\n"
    )


def test_a_published_file_gives_the_outputs_of_the_model_that_wrote_it(
    backbone, legacy_files, images
):
    path = legacy_files[backbone.name]
    loaded = load_backbone(backbone.name, weights=path)
    assert loaded.source == str(path)
    assert loaded.layer_names == backbone.layer_names
    assert_array_equal(outputs(loaded, images), outputs(backbone, images))


def test_the_emulated_file_is_as_long_as_the_published_one(legacy_files):
    """HDF5 adds a little to the tensors; a missing or surplus tensor would show."""
    name = "vggface-resnet50"
    size = legacy_files[name].stat().st_size
    assert remote_weights(name).size == 94_694_792
    assert abs(size - remote_weights(name).size) < 1_000_000


@pytest.mark.parametrize(
    "file_name", ["mine.weights.h5", pytest.param("mine.keras", marks=pytest.mark.slow)]
)
def test_files_of_keras_3_give_the_outputs_of_the_model_that_wrote_them(
    random_backbones, images, tmp_path, file_name
):
    backbone = random_backbones["vggface-senet50"]
    path = tmp_path / file_name
    backbone.model.save(path) if path.suffix == ".keras" else backbone.model.save_weights(path)
    loaded = load_backbone(backbone.name, weights=str(path))
    assert_array_equal(outputs(loaded, images[:1]), outputs(backbone, images[:1]))


@pytest.mark.slow
def test_a_file_with_top_is_for_the_network_with_top(tmp_path, images):
    whole = load_backbone("vggface-resnet50", weights="random", include_top=True)
    path = write_legacy_file(tmp_path / "top.h5", whole.model, whole.layer_names)
    loaded = load_backbone("vggface-resnet50", weights=path, include_top=True)
    assert_array_equal(outputs(loaded, images[:1]), outputs(whole, images[:1]))
    with pytest.raises(BackboneError, match=r"also has 'classifier.*include_top=False"):
        load_backbone("vggface-resnet50", weights=path)


@pytest.mark.parametrize(
    ("name", "include_top", "file", "reason"),
    [
        ("vggface-resnet50", False, "vggface-senet50", "also has 'conv2_1_1x1_down"),
        ("vggface-senet50", False, "vggface-resnet50", "no 'conv2_1_1x1_down'"),
        ("vggface-resnet50", False, "vggface-vgg16", "no 'conv1/7x7_s2'"),
        ("vggface-vgg16", True, "vggface-vgg16", "no 'fc6'"),
    ],
)
def test_the_file_of_another_network_is_refused(legacy_files, name, include_top, file, reason):
    with pytest.raises(BackboneError, match=f"of another network: .*{reason}"):
        load_backbone(name, weights=legacy_files[file], include_top=include_top)


def test_a_truncated_file_is_refused(legacy_files, tmp_path):
    content = legacy_files["vggface-vgg16"].read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BackboneError, match=r"vggface-vgg16, .*cut\.h5, are damaged .*Accepted is"):
        load_backbone("vggface-vgg16", weights=path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BackboneError, match=r"nowhere\.h5: No such file"):
        load_backbone("vggface-vgg16", weights=tmp_path / "nowhere.h5")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SKFAKESPOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("name", NAMES)
def test_offline_one_error_says_everything(home, monkeypatch, name):
    with servers.serve() as gone:
        monkeypatch.setenv("https_proxy", gone.url)
    with pytest.raises(BackboneError) as caught:
        load_backbone(name)
    remote, message = remote_weights(name), str(caught.value)
    assert find_weights(name) is None
    for part in (
        name,
        remote.name,
        remote.url,
        str(home / "weights" / remote.name),
        f'weights="/path/to/{remote.name}"',
        "dlib-resnet29",
        "refused",
    ):
        assert part in message


def test_urls_are_those_of_keras_vggface():
    utils = load_utils()
    assert remote_weights("vggface-resnet50").url == utils.RESNET50_WEIGHTS_PATH_NO_TOP
    assert remote_weights("vggface-resnet50", include_top=True).url == utils.RESNET50_WEIGHTS_PATH
    assert remote_weights("vggface-vgg16").url == utils.VGG16_WEIGHTS_PATH_NO_TOP
    assert remote_weights("vggface-vgg16", include_top=True).url == utils.VGG16_WEIGHTS_PATH
    assert remote_weights("vggface-senet50").url == utils.SENET50_WEIGHTS_PATH_NO_TOP
    assert remote_weights("vggface-senet50", include_top=True).url == utils.SENET50_WEIGHTS_PATH


def test_a_copy_in_the_cache_folder_is_taken(home, legacy_files, random_backbones):
    name = "vggface-resnet50"
    place = home / "weights" / remote_weights(name).name
    place.parent.mkdir(parents=True)
    place.symlink_to(legacy_files[name])
    assert find_weights(name) == place
    backbone = load_backbone(name)
    assert backbone.source == str(place)
    expected = random_backbones[name].model.get_weights()
    assert_array_equal(backbone.model.get_weights()[0], expected[0])


def test_a_damaged_copy_in_the_cache_folder_is_named(home):
    place = home / "weights" / remote_weights("vggface-vgg16").name
    place.parent.mkdir(parents=True)
    place.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(BackboneError, match=f"Delete {place}: it is downloaded again"):
        load_backbone("vggface-vgg16")


def test_weights_are_downloaded_once(home, legacy_files, random_backbones, tmp_path, monkeypatch):
    """From the true address, by way of a proxy that is the other end of it."""
    name = "vggface-senet50"
    remote = remote_weights(name)
    path = remote.url.removeprefix("https://github.com")
    authority = servers.Authority(tmp_path)
    with servers.serve(inner_tls=authority.tls("github.com")) as proxy:
        proxy.answers[path] = servers.redirect("https://github.com/elsewhere")
        proxy.answers["/elsewhere"] = servers.whole(Path(legacy_files[name]).read_bytes())
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        monkeypatch.setenv("https_proxy", proxy.url)
        backbone = load_backbone(name)
        assert load_backbone(name).source == backbone.source == str(find_weights(name))
    assert [request for request, _ in proxy.requests] == [path, "/elsewhere"]
    expected = random_backbones[name].model.get_weights()
    for weight, other in zip(backbone.model.get_weights(), expected, strict=True):
        assert_array_equal(weight, other)


@pytest.mark.slow
def test_the_transformer_reads_what_a_plain_keras_model_gives(backbone, images):
    coverage = NeuronCoverageTransformer(backbone)
    counts = coverage.fit_transform(images)
    keras_names = {original: name for name, original in backbone.layer_names.items()}
    names = [keras_names.get(name, name) for name in coverage.layer_names_]
    outputs = outputs_by_layer(backbone.model, backbone.preprocess(images), names)
    # The gates of SENet multiply all later outputs, each with a rounding of its own.
    rounding = 2 * ROUNDING if backbone.name == "vggface-senet50" else ROUNDING
    assert_same_but_for_rounding(
        (coverage.thresholds_, counts), coverage_by_numpy(outputs), outputs, rounding=rounding
    )
    assert coverage.n_neurons_.sum() == NEURONS[backbone.name]


def test_features_have_the_original_names(random_backbones, images):
    coverage = NeuronCoverageTransformer(random_backbones["vggface-resnet50"]).fit(images)
    assert coverage.get_feature_names_out()[:2].tolist() == ["conv1/7x7_s2", "conv2_1_1x1_reduce"]
    by_name = clone(coverage).set_params(layers=["conv1/7x7_s2"]).fit(images)
    assert by_name.layer_names_.tolist() == ["conv1/7x7_s2"]


def test_cards_tell_what_the_networks_have(random_backbones):
    cards = [card for card in describe_backbones() if card.name in NAMES]
    assert len(cards) == len(NAMES)
    for card in cards:
        backbone = random_backbones[card.name]
        assert (card.n_layers, card.n_neurons) == (CONVOLUTIONS[card.name], NEURONS[card.name])
        assert (card.input_size, card.licence) == (backbone.input_size, backbone.licence)


@pytest.mark.slow
def test_evaluate_with_a_file_of_weights(legacy_files, tmp_path, capsys):
    random = np.random.default_rng(0)
    for label in ("real", "fake"):
        (tmp_path / label).mkdir()
        for number in range(4):
            image = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / label / f"{number}.png")
    folders = ["--real", str(tmp_path / "real"), "--fake", str(tmp_path / "fake")]
    weights = ["--backbone", "vggface-resnet50", "--weights", str(legacy_files["vggface-resnet50"])]
    assert main(["evaluate", *folders, *weights, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["backbone"] == "vggface-resnet50"
    assert 0 <= report["standard"]["auc"] <= 1
