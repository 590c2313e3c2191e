"""Weights of a network of known architecture, read strictly from the files that Keras writes.

Three formats are read: the HDF5 of Keras 1 and 2 ("legacy", tensors by the names of their layers),
the ``.weights.h5`` of Keras 3 (tensors by the kinds and numbers of their layers), and the
``.keras`` archive that contains one. Only tensors are read; nothing is deserialised into objects.
"""

import io
import os
import re
import zipfile
from collections import Counter

import h5py
import numpy as np

from ._keras_vggface import snake_case


class WeightsFormatError(ValueError):
    """The file does not hold the weights of this network."""


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
    """Read and check the weights of a network, without touching it.

    Parameters
    ----------
    path : Path
        The file; its content tells its format.
    model : keras.Model
        The network, whose layers are not nested.
    layer_names : dict of str to str
        The layers' names in a legacy file, by their names in `model`, where they differ.

    Returns
    -------
    weights : list of ndarray, float32
        What ``model.set_weights`` takes.

    Raises
    ------
    WeightsFormatError
        If the file is damaged, or a tensor is missing, superfluous or has another name or shape;
        the first one is named.
    OSError
        If the file cannot be opened.
    """
    with path.open("rb") as stream:
        is_archive = stream.read(len(_ARCHIVE_SIGNATURE)) == _ARCHIVE_SIGNATURE
    try:
        with h5py.File(_unpack(path, model) if is_archive else path, "r") as root:
            tensors = _find_tensors(root, model.layers, layer_names)
            return [_read_tensor(name, dataset) for name, dataset in tensors.items()]
    except WeightsFormatError:
        raise
    # What the libraries raise on damaged bytes is not documented, and may be anything.
    except Exception as error:
        raise WeightsFormatError(f"it cannot be read ({error})") from error


def _unpack(path, model):
    """Read the HDF5 file inside a ``.keras`` archive, whose other parts are left alone."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(_ARCHIVE_MEMBER)
        # Adam's state takes two more numbers for each weight.
        most = 16 * model.count_params() + (1 << 24)
        if member.file_size > most:
            raise WeightsFormatError(f"its {_ARCHIVE_MEMBER} would take {member.file_size} bytes")
        return io.BytesIO(archive.read(member))


def _find_tensors(root, layers, layer_names):
    """Find and check the dataset of every tensor, by its name, in the order of the weights."""
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
    # The names and shapes of one network may all be found in another's file.
    def is_surplus(name, node):
        return name if isinstance(node, h5py.Dataset) and node.name not in expected else None

    surplus = root.visititems(is_surplus)
    if surplus is not None:
        raise WeightsFormatError(f"it also has {surplus!r}")


def _named_datasets(root, layer, name):
    """Find a layer's tensors in a legacy file, whose order does not matter."""
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
    """Read where a layer's tensors are, relative to its group in a legacy file."""
    attribute = h5py.h5a.open(group.id, b"weight_names")
    if attribute.shape != (len(usual),):
        raise WeightsFormatError(
            f"layer {group.name!r} has {attribute.shape} tensors instead of {len(usual)}"
        )
    string = attribute.get_type()
    if not isinstance(string, h5py.h5t.TypeStringID) or string.is_variable_str():
        # In a damaged file HDF5 can loop for ever over strings of variable length, as newer
        # writers store them. Those name the tensors as usual.
        return usual
    names = np.empty(attribute.shape, dtype=attribute.dtype)
    attribute.read(names)
    return [os.fsdecode(name) for name in names]


def _variable_name(path):
    """Keras 3's name of a variable, the path itself where it is unknown."""
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
    """Group or dataset below a group, on a way that does not leave the file."""
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
    # Keras stores tensors as plain numbers. Anything else could be read from other files, need a
    # decompressor that is a library of somebody else's, or unfold into any amount of memory.
    layout = dataset.id.get_create_plist().get_layout()
    is_plain = layout in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) and not dataset.external
    if not is_plain or dataset.id.get_storage_size() != dataset.nbytes:
        raise WeightsFormatError(f"{name} is not stored as plain numbers in the file itself")


def _read_tensor(name, dataset):
    tensor = dataset.astype(np.float32)[()]
    if not np.isfinite(tensor).all():
        raise WeightsFormatError(f"{name} has values that are not finite")
    return tensor
