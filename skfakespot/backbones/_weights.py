# SPDX-License-Identifier: BSD-3-Clause
"""A strict reader of the weights of a network of known architecture, from files of Keras.

Three formats are read: the HDF5 files of Keras 1 and 2 ("legacy"), which name tensors after their
layers; the ``.weights.h5`` files of Keras 3, which name them after the types and numbers of their
layers; and ``.keras`` archives, which contain such a file. Only tensors are read, no objects.
"""

import io
import os
import re
import zipfile
from collections import Counter
from contextlib import contextmanager

import h5py
import numpy as np

from .._regular_files import open_regular_file
from ._backbone import WeightsFormatError
from ._hdf5_walk import check_hdf5
from ._keras_vggface import snake_case

_ARCHIVE_SIGNATURE = b"PK\x03\x04"
_ARCHIVE_MEMBER = "model.weights.h5"
_KERAS_1_NAMES = {
    "W": "kernel",
    "b": "bias",
    "running_mean": "moving_mean",
    # Keras 1 called it a deviation, but kept the variance in it.
    "running_std": "moving_variance",
}
_VARIABLE = re.compile(
    r"(?:^|[/_])(kernel|bias|gamma|beta|moving_mean|moving_variance|W|b|running_mean|running_std)"
    r"(?:_\d+)?(?::0)?$"
)


def read_weights(path, model, layer_names):
    """Read and check the weights of a network, in the order of ``model.set_weights``.

    The format of the file is recognised by its content, not by its name. `layer_names` holds a
    layer's name in a legacy file, under its name in `model`, where the two differ. The
    `WeightsFormatError` names the first tensor that is missing, surplus or of another shape.
    """
    with open_regular_file(path, kind="a weights", may_be_empty=True) as file:
        is_archive = file.read(len(_ARCHIVE_SIGNATURE)) == _ARCHIVE_SIGNATURE
        file.seek(0)
        with _reasons():
            content = _unpack(file, model) if is_archive else file
            check_hdf5(content)
            return read_hdf5(content, model, layer_names)


def read_hdf5(file, model, layer_names):
    """Read the weights from an HDF5 file that `check_hdf5` accepts; see `read_weights`."""
    with _reasons(), h5py.File(file, "r") as root:
        tensors = _find_tensors(root, model.layers, layer_names)
        return [_read_tensor(name, dataset) for name, dataset in tensors.items()]


@contextmanager
def _reasons():
    try:
        yield
    except WeightsFormatError:
        raise
    # It is not documented which errors the libraries raise for damaged files.
    except Exception as error:
        raise WeightsFormatError(f"it cannot be read ({error})") from error


def _unpack(file, model):
    """Read the HDF5 file in a ``.keras`` archive, and nothing else of the archive."""
    with zipfile.ZipFile(file) as archive:
        member = archive.getinfo(_ARCHIVE_MEMBER)
        # The state of Adam has two more numbers for each weight.
        max_size = 16 * model.count_params() + (1 << 24)
        if member.file_size > max_size:
            raise WeightsFormatError(f"its {_ARCHIVE_MEMBER} would take {member.file_size} bytes")
        return io.BytesIO(archive.read(member))


def _find_tensors(root, layers, layer_names):
    """Find and check the dataset of each tensor; return them by name, in the order of weights."""
    if _has(root, "model_weights"):
        root = _child(root, "model_weights", h5py.Group)
    if "layer_names" in root.attrs or "layer_names0" in root.attrs:
        find = _named_datasets
    elif _has(root, "layers"):
        root = _child(root, "layers", h5py.Group)
        find = _numbered_datasets(Counter())
    else:
        raise WeightsFormatError("it is no file of Keras' weights")
    found = {}
    for layer in layers:
        if layer.weights:
            layer_name = layer_names.get(layer.name, layer.name)
            datasets = find(root, layer, layer_name)
            for variable, dataset in zip(layer.weights, datasets, strict=True):
                name = f"{layer_name}/{variable.name}"
                _check(name, dataset, tuple(variable.shape))
                found[name] = dataset
    _refuse_surplus(root, {dataset.name for dataset in found.values()})
    return found


def _refuse_surplus(root, expected):
    # The file of another network may have all names and shapes of this one, and more.
    def is_surplus(name, node):
        return name if isinstance(node, h5py.Dataset) and node.name not in expected else None

    surplus = root.visititems(is_surplus)
    if surplus is not None:
        raise WeightsFormatError(f"it also has {surplus!r}")


def _named_datasets(root, layer, name):
    """Find a layer's tensors in a legacy file, in any order."""
    group = _child(root, name, h5py.Group)
    variables = [variable.name for variable in layer.weights]
    paths = _named_paths(group, [f"{name}/{variable}:0" for variable in variables])
    stored = {_variable_name(path): path for path in paths}
    if len(paths) != len(variables) or set(stored) != set(variables):
        raise WeightsFormatError(
            f"layer {name!r} has the tensors {', '.join(paths)} instead of {', '.join(variables)}"
        )
    return [_child(group, stored[variable], h5py.Dataset) for variable in variables]


def _named_paths(group, usual):
    """Paths of a layer's tensors in a legacy file, relative to the layer's group."""
    attribute = h5py.h5a.open(group.id, b"weight_names")
    if attribute.shape != (len(usual),):
        raise WeightsFormatError(
            f"layer {group.name!r} has {attribute.shape} tensors instead of {len(usual)}"
        )
    string = attribute.get_type()
    if not isinstance(string, h5py.h5t.TypeStringID) or string.is_variable_str():
        # Newer versions of Keras write strings of variable length, but always the usual paths. In
        # a damaged file HDF5 can loop for ever over such strings.
        return usual
    names = np.empty(attribute.shape, dtype=attribute.dtype)
    attribute.read(names)
    return [os.fsdecode(name) for name in names]


def _variable_name(path):
    """Keras 3's name of a variable; the path itself if it contains no known name."""
    match = _VARIABLE.search(path)
    return _KERAS_1_NAMES.get(match[1], match[1]) if match else path


def _numbered_datasets(counts):
    def find(root, layer, name):
        """Find a layer's tensors in a file of Keras 3."""
        kind = snake_case(type(layer).__name__)
        number = f"_{counts[kind]}" if counts[kind] else ""
        counts[kind] += 1
        group = _child(root, f"{kind}{number}/vars", h5py.Group)
        if len(group) != len(layer.weights):
            raise WeightsFormatError(
                f"layer {name!r} has {len(group)} tensors instead of {len(layer.weights)}"
            )
        return [_child(group, str(index), h5py.Dataset) for index in range(len(group))]

    return find


def _has(group, name):
    return group.id.links.exists(name.encode())


def _child(parent, path, kind):
    """Group or dataset at a path below a group, without following links to other files."""
    node = parent
    for name in path.split("/"):
        if not (isinstance(node, h5py.Group) and _has(node, name)):
            raise WeightsFormatError(f"it has no {path!r}")
        if node.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            raise WeightsFormatError(f"its {path!r} is a link to somewhere else")
        node = node[name]
    if not isinstance(node, kind):
        raise WeightsFormatError(f"its {path!r} is no {kind.__name__.lower()}")
    return node


def _check(name, dataset, shape):
    if dataset.shape != shape:
        raise WeightsFormatError(f"{name} has the shape {dataset.shape} instead of {shape}")
    if dataset.dtype.kind != "f":
        raise WeightsFormatError(f"{name} holds {dataset.dtype} instead of floating-point numbers")
    check_plain(name, dataset)


def check_plain(name, dataset):
    """Raise WeightsFormatError unless a dataset's numbers lie in the HDF5 file as they are."""
    # Keras stores tensors as plain numbers. Other layouts could read other files, load a library
    # to decompress them, or take any amount of memory.
    layout = dataset.id.get_create_plist().get_layout()
    is_plain = layout in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) and not dataset.external
    if not is_plain or dataset.id.get_storage_size() != dataset.nbytes:
        raise WeightsFormatError(f"{name} is not stored as plain numbers in the file itself")


def _read_tensor(name, dataset):
    tensor = dataset.astype(np.float32)[()]
    if not np.isfinite(tensor).all():
        raise WeightsFormatError(f"{name} has values that are not finite")
    return tensor
