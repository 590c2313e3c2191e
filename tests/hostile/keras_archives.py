# SPDX-License-Identifier: BSD-3-Clause
"""Archives of Keras that describe more than a machine has, or something else than a network."""

import io
import json
import struct
import warnings
import zipfile

import h5py
import keras


def write_network(path):
    """Write a small network, with fixed names."""
    initializer = keras.initializers.GlorotUniform
    inputs = keras.Input((12, 10, 3), name="image")
    x = keras.layers.Conv2D(4, 3, kernel_initializer=initializer(1), name="conv")(inputs)
    x = keras.layers.UpSampling2D(2, name="larger")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = keras.layers.Dense(2, kernel_initializer=initializer(2), name="dense")(x)
    keras.Model(inputs, outputs, name="small").save(path)
    return path


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {member: archive.read(member) for member in archive.namelist()}


def write_members(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def change_config(members, change):
    config = json.loads(members["config.json"])
    return {**members, "config.json": json.dumps(change(config) or config)}


def change_layer(members, name, **settings):
    def change(config):
        for layer in config["config"]["layers"]:
            if layer["config"]["name"] == name:
                layer["config"].update(settings)

    return change_config(members, change)


def change_weights(members, change):
    """Return the members after ``change(root)`` of the file of weights."""
    file = io.BytesIO(members["model.weights.h5"])
    with h5py.File(file, "r+") as root:
        change(root)
    return {**members, "model.weights.h5": file.getvalue()}


def many_filters(members):
    return change_layer(members, "conv", filters=40_000_000)


def many_units(members):
    return change_layer(members, "dense", units=1 << 30)


def large_outputs(members):
    return change_layer(members, "larger", size=[5000, 5000])


def large_images(members):
    return change_layer(members, "image", batch_shape=[None, 100_000, 100_000, 3])


def large_dataset(members):
    """A kernel of 4 GB that takes no place in the file."""

    def change(root):
        del root["layers/conv2d/vars/0"]
        root.create_dataset("layers/conv2d/vars/0", (3, 3, 3, 40_000_000), "f4", chunks=True)

    return change_weights(many_filters(members), change)


def large_dataset_unused(members):
    return change_weights(
        members, lambda root: root.create_dataset("other", (1 << 40,), "f4", chunks=(1024,))
    )


def linked_weights(members):
    def change(root):
        del root["layers/conv2d/vars/0"]
        root["layers/conv2d/vars/0"] = h5py.ExternalLink("/dev/zero", "kernel")

    return change_weights(members, change)


def stored_elsewhere(members):
    def change(root):
        del root["layers/conv2d/vars/0"]
        external = [("/dev/zero", 0, 432)]
        root.create_dataset("layers/conv2d/vars/0", (3, 3, 3, 4), "f4", external=external)

    return change_weights(members, change)


def long_config(members):
    return {**members, "config.json": members["config.json"] + b" " * (1 << 24)}


def deep_config(members):
    return {**members, "config.json": b"[" * 200_000 + b"]" * 200_000}


def doubled_calls(members, levels=24):
    """Networks in networks: each calls the one in it twice."""
    inputs = keras.Input((12, 10, 3))
    model = keras.Model(inputs, keras.layers.Activation("relu")(inputs))
    config = keras.saving.serialize_keras_object(model)
    twice = json.dumps(
        keras.saving.serialize_keras_object(keras.Model(inputs, model(model(inputs))))
    )
    for _ in range(levels):
        outer = json.loads(twice)
        for layer in outer["config"]["layers"]:
            if layer["class_name"] == "Functional":
                layer["config"] = {**config["config"], "name": layer["name"]}
        config = outer
    return {**members, "config.json": json.dumps(config)}


def many_layers(members, n_layers=30_000):
    layer = {"module": "keras.layers", "class_name": "ReLU", "registered_name": None}
    layers = [{**layer, "config": {"name": f"a{number}"}} for number in range(n_layers)]
    start = {**layer, "class_name": "InputLayer", "config": {"batch_shape": [None, 4, 4, 3]}}
    config = {"name": "long", "layers": [start, *layers]}
    network = {**layer, "module": "keras", "class_name": "Sequential", "config": config}
    return {**members, "config.json": json.dumps(network)}


def other_json(content):
    def change(members):
        return {**members, "config.json": content}

    return change


def without(name):
    def change(members):
        return {key: content for key, content in members.items() if key != name}

    return change


ATTACKS = {
    "4e7 filters": many_filters,
    "2^30 units": many_units,
    "outputs of 5 GB": large_outputs,
    "images of 100,000 pixels a side": large_images,
    "dataset of 4 GB": large_dataset,
    "unused dataset of 4 TB": large_dataset_unused,
    "link to a device": linked_weights,
    "weights stored in a device": stored_elsewhere,
    "config of 16 MB": long_config,
    "config of 200,000 brackets": deep_config,
    "2^24 calls": doubled_calls,
    "30,000 layers": many_layers,
    "config is a list": other_json(b"[]"),
    "config is null": other_json(b"null"),
    "config is a number": other_json(b"1e999"),
    "config is not JSON": other_json(b"\xff\xfe{"),
    "config of a function": other_json(
        b'{"module": "os", "class_name": "function", "config": "system", "registered_name": ""}'
    ),
    "config without layers": other_json(
        b'{"module": "keras", "class_name": "Functional", "config": {}, "registered_name": null}'
    ),
    "no config": without("config.json"),
    "no weights": without("model.weights.h5"),
    "weights are not HDF5": lambda members: {**members, "model.weights.h5": b"\x89HDF" * 100},
    "weights are empty": lambda members: {**members, "model.weights.h5": b""},
}


def write_bomb(path, members, size=1 << 27):
    """A small archive with a member that unfolds to so many bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        with archive.open("assets/zeros.txt", "w", force_zip64=True) as file:
            for _ in range(size >> 24):
                file.write(bytes(1 << 24))
    return path


def write_nested_bomb(path, members, size=1 << 27):
    """The same in the place of the weights, compressed twice."""
    inner = io.BytesIO()
    write_bomb(inner, {}, size)
    return write_members(
        path, {**members, "model.weights.h5": inner.getvalue()}, zipfile.ZIP_DEFLATED
    )


def write_lying_sizes(path, members, size):
    """An archive whose directory declares another size of the file of weights."""
    write_members(path, members)
    data = bytearray(path.read_bytes())
    name = b"model.weights.h5"
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(name))
    data[entry + 24 : entry + 28] = struct.pack("<I", size)
    path.write_bytes(data)
    return path


def write_many_members(path, members, n_members=20_000):
    return write_members(path, {**members, **{f"assets/{n}": b"" for n in range(n_members)}})


def write_legacy_with_code(path):
    """A file of Keras 2 with a Lambda layer, whose code would be run."""
    inputs = keras.Input((12, 10, 3))
    outputs = keras.layers.Lambda(lambda x: x)(keras.layers.Conv2D(1, 1)(inputs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras.Model(inputs, outputs).save(path)
    return path


WRITERS = {
    "bomb of 128 MB": write_bomb,
    "bomb in a bomb": write_nested_bomb,
    "declares 4 GB": lambda path, members: write_lying_sizes(path, members, 0xFFFFFFF0),
    "declares 100 bytes": lambda path, members: write_lying_sizes(path, members, 100),
    "20,000 members": write_many_members,
}
