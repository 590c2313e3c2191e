# SPDX-License-Identifier: BSD-3-Clause
"""Checks of a ``.keras`` archive before Keras builds the network that it describes.

A small file can describe a network of any size. What the file declares is compared with the size of
the file itself, so that a network takes little more memory than its file.
"""

import io
import json
import math
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor

import h5py

from .._keras import import_keras
from .._keras_graph import run
from .._regular_files import open_regular_file
from ._backbone import WeightsFormatError
from ._hdf5_walk import check_hdf5
from ._weights import check_plain

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_MAX_CONFIG_BYTES = 2**23
# Layers, their settings and their calls, with which the time of building grows.
_MAX_OBJECTS = 20_000
# Keras does not compress, so that an archive is as large as its content.
_MAX_COMPRESSION = 4
_SMALL = 2**26
# Numbers that all layers output for one image; those of ResNet-50 output 36 million.
_MAX_OUTPUTS = 2**28
# Pixels a side, for networks that take images of any size.
_ANY_SIDE = 224


def check_keras_archive(path):
    """Raise an error, of any type, if a file is no network that Keras saved, or is too large."""
    if path.suffix != ".keras":
        raise WeightsFormatError("its name does not end in .keras")
    with open_regular_file(path, kind="a .keras") as file, zipfile.ZipFile(file) as archive:
        size = file.seek(0, io.SEEK_END)
        _check_members(archive, size)
        try:
            config = json.loads(archive.read(_CONFIG))
            n_objects = _count_objects(config)
        except RecursionError as error:
            raise WeightsFormatError(f"its {_CONFIG} has too many brackets in brackets") from error
        n_weight_bytes = _check_weights(archive)
    if n_objects > _MAX_OBJECTS:
        raise WeightsFormatError(
            f"it has {n_objects:,} layers, settings and calls, more than {_MAX_OBJECTS:,}"
        )
    # What Keras keeps of a network that is only described ends with the thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_check_network, config, n_weight_bytes).result()


def _check_members(archive, archive_size):
    sizes = {member.filename: member.file_size for member in archive.infolist()}
    for name in (_CONFIG, _WEIGHTS):
        if name not in sizes:
            raise WeightsFormatError(f"it has no {name}")
    if sizes[_CONFIG] > _MAX_CONFIG_BYTES:
        raise WeightsFormatError(
            f"its {_CONFIG} has {sizes[_CONFIG]:,} bytes, more than {_MAX_CONFIG_BYTES:,}"
        )
    total = sum(member.file_size for member in archive.infolist())
    limit = max(_SMALL, _MAX_COMPRESSION * archive_size)
    if total > limit:
        raise WeightsFormatError(
            f"it would unfold from {archive_size:,} to {total:,} bytes, more than {limit:,}"
        )


def _check_weights(archive):
    """Check that the file of weights has no more numbers than bytes; return its size."""
    file = io.BytesIO(archive.read(_WEIGHTS))
    check_hdf5(file)

    def is_link(name, link):
        return None if isinstance(link, h5py.HardLink) else name

    def check(name, node):
        if isinstance(node, h5py.Dataset):
            check_plain(name, node)

    with h5py.File(file, "r") as root:
        link = root.visititems_links(is_link)
        if link is not None:
            raise WeightsFormatError(f"its {link!r} is a link to somewhere else")
        root.visititems(check)
    return file.getbuffer().nbytes


def _count_objects(config):
    """Count what Keras makes and calls to build a network; nested networks can multiply it."""
    if isinstance(config, list):
        return sum(map(_count_objects, config))
    if not isinstance(config, dict):
        return 0
    n_objects = ("class_name" in config) + sum(map(_count_objects, config.values()))
    calls, layers = config.get("inbound_nodes"), config.get("layers")
    if isinstance(calls, list):
        n_objects *= 1 + len(calls)
    # Of a Sequential model, Keras calls all layers again for each layer.
    if isinstance(layers, list) and "input_layers" not in config:
        n_objects *= 1 + len(layers) // 3
    return n_objects


def _check_network(config, n_weight_bytes):
    """Build the network without its weights, and check its size."""
    keras = import_keras()
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
        if not isinstance(model, keras.Model):
            raise WeightsFormatError(f"it holds a {type(model).__name__}")
        n_bytes = sum(math.prod(each.shape) * _item_size(each.dtype) for each in model.variables)
        if n_bytes > n_weight_bytes + _SMALL:
            raise WeightsFormatError(
                f"its layers take {n_bytes:,} bytes of weights, and its {_WEIGHTS} has "
                f"{n_weight_bytes:,}"
            )
        _check_outputs(model)


def _item_size(dtype):
    match = re.search(r"\d+", str(dtype))
    return int(match[0]) // 8 if match else 1


def _check_outputs(model):
    """Check how many numbers the layers output for one image, with outputs that have no values."""
    keras = import_keras()
    inputs = getattr(model, "inputs", None) or ()
    if len(inputs) != 1:  # refused later
        return
    n_outputs = 0

    def add(name, _operation, _inputs, output):
        nonlocal n_outputs
        for tensor in keras.tree.flatten(output):
            n_outputs += math.prod(size or 1 for size in getattr(tensor, "shape", ()))
        if n_outputs > _MAX_OUTPUTS:
            raise WeightsFormatError(
                f"up to layer {name!r} it outputs {n_outputs:,} numbers for one image, more than "
                f"{_MAX_OUTPUTS:,}"
            )

    shape = [size or _ANY_SIDE for size in inputs[0].shape[1:]]
    run(model, keras.KerasTensor((1, *shape), dtype=inputs[0].dtype), add)
