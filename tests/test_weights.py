# SPDX-License-Identifier: BSD-3-Clause

import zipfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import small_network
from numpy.testing import assert_array_equal
from weight_files import shake_moments, write_legacy_file

from skfakespot._regular_files import UnreadableFileError
from skfakespot.backbones._weights import WeightsFormatError, read_weights

FORMATS = ("legacy.h5", "new.weights.h5", "archive.keras")
NAMES = {"conv_1": "conv1/7x7_s2", "norm_1": "conv1/7x7_s2/bn"}


@pytest.fixture(scope="module")
def model():
    return shake_moments(small_network())


@pytest.fixture(scope="module")
def originals(model, tmp_path_factory):
    """A file of each format."""
    folder = tmp_path_factory.mktemp("weights")
    write_legacy_file(folder / "legacy.h5", model, NAMES)
    model.save_weights(folder / "new.weights.h5")
    model.save(folder / "archive.keras")
    return {name: (folder / name).read_bytes() for name in FORMATS}


@pytest.fixture
def legacy(tmp_path, originals):
    path = tmp_path / "legacy.h5"
    path.write_bytes(originals["legacy.h5"])
    return path


@pytest.fixture
def new(tmp_path, originals):
    path = tmp_path / "new.weights.h5"
    path.write_bytes(originals["new.weights.h5"])
    return path


def assert_read(path, model):
    for weight, expected in zip(read_weights(path, model, NAMES), model.get_weights(), strict=True):
        assert weight.dtype == np.float32
        assert_array_equal(weight, expected)


def assert_refused(path, model, reason):
    with pytest.raises(WeightsFormatError, match=reason):
        read_weights(path, model, NAMES)


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_written_is_read(model, originals, tmp_path, name):
    # The content tells the format, whatever the file is called.
    path = tmp_path / "weights"
    path.write_bytes(originals[name])
    assert_read(path, model)


def test_the_model_is_not_touched(model, originals, tmp_path):
    other = small_network()
    before = other.get_weights()
    path = tmp_path / "legacy.h5"
    path.write_bytes(originals["legacy.h5"])
    read_weights(path, other, NAMES)
    for weight, expected in zip(other.get_weights(), before, strict=True):
        assert_array_equal(weight, expected)


def test_names_and_order_of_keras_1(model, legacy):
    with h5py.File(legacy, "r+") as root:
        group = root["conv1/7x7_s2/bn"]
        old = ("running_std", "gamma", "running_mean", "beta")
        modern = ("moving_variance", "gamma", "moving_mean", "beta")
        tensors = [group[f"conv1/7x7_s2/bn/{name}:0"][()] for name in modern]
        del group["conv1"]
        for name, tensor in zip(old, tensors, strict=True):
            group[f"conv1/7x7_s2/bn_{name}"] = tensor
        group.attrs["weight_names"] = np.array([f"conv1/7x7_s2/bn_{name}" for name in old], "S")
        group = root["dense"]
        kernel, bias = group["dense/kernel:0"][()], group["dense/bias:0"][()]
        del group["dense"]
        group["dense_W_1:0"], group["dense_b_1:0"] = kernel, bias
        group.attrs["weight_names"] = np.array(["dense_b_1:0", "dense_W_1:0"], "S")
    assert_read(legacy, model)


def test_variable_strings_as_newer_writers_store_them(model, legacy):
    with h5py.File(legacy, "r+") as root:
        for name in ("dense", "conv1/7x7_s2", "conv1/7x7_s2/bn"):
            names = [text.decode() for text in root[name].attrs["weight_names"]]
            root[name].attrs.create("weight_names", names, dtype=h5py.string_dtype())
    assert_read(legacy, model)


def test_weights_inside_a_whole_legacy_model(model, legacy):
    with h5py.File(legacy, "r+") as root:
        group = root.create_group("model_weights")
        for name in list(root):
            if name != "model_weights":
                root.move(name, f"model_weights/{name}")
        group.attrs["layer_names"] = root.attrs["layer_names"]
        del root.attrs["layer_names"]
    assert_read(legacy, model)


def test_layer_names_in_several_parts(model, legacy):
    with h5py.File(legacy, "r+") as root:
        names = root.attrs["layer_names"]
        del root.attrs["layer_names"]
        root.attrs["layer_names0"], root.attrs["layer_names1"] = names[:3], names[3:]
    assert_read(legacy, model)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions_are_read_as_float32(model, legacy, dtype):
    with h5py.File(legacy, "r+") as root:
        kernel = root["dense/dense/kernel:0"][()].astype(dtype)
        del root["dense/dense/kernel:0"]
        root["dense/dense/kernel:0"] = kernel
    kernel_read = read_weights(legacy, model, NAMES)[-2]
    assert kernel_read.dtype == np.float32
    assert_array_equal(kernel_read, kernel.astype(np.float32))


@pytest.mark.parametrize("name", FORMATS)
def test_a_network_that_is_a_part_of_the_files_is_refused(model, originals, tmp_path, name):
    path = tmp_path / "weights"
    path.write_bytes(originals[name])
    part = keras.Model(model.inputs, model.get_layer("conv_2").output)
    assert_refused(path, part, "it also has 'dense/")


def test_another_shape_is_named(model, legacy):
    with h5py.File(legacy, "r+") as root:
        del root["conv1/7x7_s2/conv1/7x7_s2/kernel:0"]
        root["conv1/7x7_s2/conv1/7x7_s2/kernel:0"] = np.zeros((3, 3, 3, 5))
        del root["dense/dense/kernel:0"]
    reason = r"conv1/7x7_s2/kernel has the shape \(3, 3, 3, 5\) instead of \(3, 3, 3, 4\)"
    assert_refused(legacy, model, reason)


@pytest.mark.parametrize("path", ["conv1/7x7_s2/bn", "dense", "dense/dense/bias:0"])
def test_what_is_missing_is_named(model, legacy, path):
    with h5py.File(legacy, "r+") as root:
        del root[path]
    assert_refused(legacy, model, f"it has no '.*{path.rpartition('/')[-1]}'")


@pytest.mark.parametrize(
    "names",
    [
        ["dense/kernel:0"],
        ["dense/kernel:0", "dense/bias:0", "dense/gamma:0"],
        ["dense/kernel:0", "dense/gamma:0"],
        ["dense/kernel:0", "dense/kernel_1:0"],
        ["dense/kernel:0", "dense/offset:0"],
    ],
)
def test_other_tensors_are_named(model, legacy, names):
    with h5py.File(legacy, "r+") as root:
        root["dense"].attrs["weight_names"] = np.array(names, dtype="S")
    assert_refused(legacy, model, "layer '/?dense' has")


@pytest.mark.parametrize("number_of_tensors", [1, 3])
def test_another_number_of_tensors_in_a_new_file_is_named(model, new, number_of_tensors):
    with h5py.File(new, "r+") as root:
        tensors = root["layers/dense/vars"]
        if number_of_tensors == 1:
            del tensors["1"]
        else:
            tensors["2"] = np.zeros(7)
    assert_refused(new, model, f"layer 'dense' has {number_of_tensors} tensors instead of 2")


def test_a_new_file_of_another_network_is_refused(model, tmp_path):
    x = inputs = keras.Input((12, 10, 3))
    other = keras.Model(inputs, keras.layers.Conv2D(4, 3, name="conv_1")(x))
    other.save_weights(tmp_path / "other.weights.h5")
    assert_refused(tmp_path / "other.weights.h5", model, "it has no 'batch_normalization/vars'")


def test_other_types_are_refused(model, legacy):
    with h5py.File(legacy, "r+") as root:
        del root["dense/dense/bias:0"]
        root["dense/dense/bias:0"] = np.zeros(7, dtype=int)
    assert_refused(legacy, model, "dense/bias holds int64")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_values_that_are_not_finite_are_refused(model, legacy, value):
    with h5py.File(legacy, "r+") as root:
        del root["dense/dense/bias:0"]
        root["dense/dense/bias:0"] = np.array([0, 0, 0, value, 0, 0, 0])
    assert_refused(legacy, model, "dense/bias has values that are not finite")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"PK\x03\x04" + bytes(100), b"\x89HDF\r\n\x1a\n", b"%PDF"]
)
def test_foreign_files_are_refused(model, tmp_path, content):
    path = tmp_path / "weights.h5"
    path.write_bytes(content)
    assert_refused(path, model, "cannot be read")


def test_hdf5_of_something_else_is_refused(model, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as root:
        root["images"] = np.zeros(10)
    assert_refused(tmp_path / "other.h5", model, "no file of Keras' weights")


def test_files_that_cannot_be_opened(model, tmp_path):
    with pytest.raises(UnreadableFileError, match="no such file"):
        read_weights(tmp_path / "missing.h5", model, NAMES)
    with pytest.raises(UnreadableFileError, match="it is a folder"):
        read_weights(tmp_path, model, NAMES)


def replace_bias(root, legacy, how):
    """Put the right bias elsewhere, and something that leads there in its place."""
    bias, path = root["dense/dense/bias:0"][()], "dense/dense/bias:0"
    outside = legacy.with_name("outside.h5")
    del root[path]
    with h5py.File(outside, "w") as other:
        other["bias"] = bias
    if how == "external link":
        root[path] = h5py.ExternalLink(str(outside), "bias")
    elif how == "soft link":
        root["bias"] = bias
        root[path] = h5py.SoftLink("/bias")
    elif how == "virtual":
        layout = h5py.VirtualLayout(bias.shape, bias.dtype)
        layout[:] = h5py.VirtualSource(str(outside), "bias", bias.shape)
        root.create_virtual_dataset(path, layout)
    elif how == "external storage":
        raw = legacy.with_name("outside.bin")
        raw.write_bytes(bias.tobytes())
        external = [(str(raw), 0, bias.nbytes)]
        root.create_dataset(path, bias.shape, bias.dtype, external=external)
    elif how == "compressed":
        root.create_dataset(path, data=bias, compression="gzip")
    elif how == "never written":
        root.create_dataset(path, bias.shape, bias.dtype)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("external link", "is a link to somewhere else"),
        ("soft link", "is a link to somewhere else"),
        ("virtual", "not stored as plain numbers"),
        ("external storage", "not stored as plain numbers"),
        ("compressed", "not stored as plain numbers"),
        ("never written", "not stored as plain numbers"),
    ],
)
def test_nothing_outside_the_file_is_followed(model, legacy, how, reason):
    with h5py.File(legacy, "r+") as root:
        replace_bias(root, legacy, how)
    assert_refused(legacy, model, reason)


def test_a_linked_group_is_not_followed(model, legacy):
    outside = legacy.with_name("outside.h5")
    outside.write_bytes(legacy.read_bytes())
    with h5py.File(legacy, "r+") as root:
        del root["dense"]
        root["dense"] = h5py.ExternalLink(str(outside), "dense")
    assert_refused(legacy, model, "its 'dense' is a link to somewhere else")


def test_a_huge_declared_shape_is_not_allocated(model, legacy):
    with h5py.File(legacy, "r+") as root:
        del root["dense/dense/kernel:0"]
        root.create_dataset("dense/dense/kernel:0", (1 << 40, 1 << 20), "f4", chunks=(1, 1))
    assert_refused(legacy, model, "dense/kernel has the shape")


def test_an_archive_that_unfolds_beyond_the_network_is_refused(model, tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(1 << 26))
    assert path.stat().st_size < 1 << 17
    assert_refused(path, model, "would take 67108864 bytes")


def test_code_in_an_archive_is_not_executed(tmp_path):
    marker = tmp_path / "executed"

    def attack(x):
        marker.touch()
        return x

    x = inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3)(x)
    network = keras.Model(inputs, x)
    keras.Model(inputs, keras.layers.Lambda(attack)(x)).save(tmp_path / "attack.keras")
    marker.unlink()
    weights = read_weights(tmp_path / "attack.keras", network, {})
    assert_array_equal(weights[0], network.get_weights()[0])
    assert not marker.exists()


def read_or_refuse(path, model):
    """Damage may hide in a number, but never in a name, a shape or another exception."""
    try:
        weights = read_weights(path, model, NAMES)
    except WeightsFormatError:
        return False
    assert [weight.shape for weight in weights] == [w.shape for w in model.get_weights()]
    assert all(np.isfinite(weight).all() for weight in weights)
    return True


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "weights"


def many(n_examples, n_more):
    """So many examples with the slow tests, and more with those that take minutes."""
    more = pytest.param(n_more, marks=pytest.mark.long)
    return pytest.mark.parametrize("n_examples", [n_examples, more])


@pytest.mark.slow
@many(20, 300)
def test_flipped_bits_are_read_or_refused(model, originals, damaged, n_examples):
    @settings(max_examples=n_examples)
    @given(data=st.data(), name=st.sampled_from(FORMATS))
    def check(data, name):
        content = bytearray(originals[name])
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        damaged.write_bytes(content)
        read_or_refuse(damaged, model)

    check()


@pytest.mark.slow
@many(20, 100)
def test_truncated_files_are_refused(model, originals, damaged, n_examples):
    @settings(max_examples=n_examples)
    @given(data=st.data(), name=st.sampled_from(FORMATS))
    def check(data, name):
        content = originals[name]
        damaged.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
        assert not read_or_refuse(damaged, model)

    check()
