# SPDX-License-Identifier: BSD-3-Clause
"""A strict reader of the tensors in a graph model of TensorFlow.js.

A JSON file lists the operations and the tensors. A binary file holds the numbers of the tensors,
one tensor after the other. No code is run, and no file is read beyond the size that it must have.
"""

import json
import math
import os
from base64 import b64decode
from itertools import zip_longest

import numpy as np

from .._regular_files import open_regular_file, read_regular_file
from ._backbone import WeightsFormatError

_MAX_JSON_SIZE = 1 << 20
# How the binary file may store the numbers of each type.
_STORED_TYPES = {"float32": {"float16": "<f2", "float32": "<f4"}, "int32": {"int32": "<i4"}}


def read_tensors(path, operations, expected):
    """Read and check the tensors of a network: a dict of ndarray, float32 or int32, by name.

    The binary file is the one beside `path`, with the suffix ".bin". `operations` are those of the
    graph in their order, without constants; a convolution is followed by its strides and padding:
    "Conv2D 1 2 2 1 SAME". `expected` holds the type and shape of each tensor by name. Raises
    WeightsFormatError, which names the first difference, or OSError.
    """
    text = read_regular_file(path, kind="a JSON", max_bytes=_MAX_JSON_SIZE)
    try:
        graph = json.loads(text)
        _check_operations(graph["modelTopology"]["node"], operations)
        (group,) = graph["weightsManifest"]
        (_binary,) = group["paths"]
        stored_types = _stored_types(group["weights"], expected)
    except WeightsFormatError:
        raise
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise WeightsFormatError(
            f"it is no graph model with one binary file ({type(error).__name__}: {error})"
        ) from error
    return _read_binary(path.with_suffix(".bin"), stored_types, expected)


def _check_operations(nodes, operations):
    found = [_operation(node) for node in nodes if node["op"] != "Const"]
    for number, (given, accepted) in enumerate(zip_longest(found, operations), start=1):
        if given != accepted:
            raise WeightsFormatError(f"operation {number} is {given!r} instead of {accepted!r}")


def _operation(node):
    attributes = node["attr"]
    if "strides" not in attributes:
        return node["op"]
    padding = b64decode(attributes["padding"]["s"]).decode()
    return " ".join([node["op"], *attributes["strides"]["list"]["i"], padding])


def _stored_types(manifest, expected):
    """Check names, types and shapes; return NumPy's types of the stored numbers, in their order."""
    stored_types = {}
    for entry in manifest:
        name = entry["name"]
        if name in stored_types:
            raise WeightsFormatError(f"it lists {name!r} twice")
        if name not in expected:
            raise WeightsFormatError(f"it also has {name!r}")
        (dtype, shape), given = expected[name], (entry["dtype"], entry["shape"])
        if given != (dtype, list(shape)):
            raise WeightsFormatError(f"{name} is {given} instead of {(dtype, list(shape))}")
        stored = entry.get("quantization", entry)["dtype"]
        if stored not in _STORED_TYPES[dtype]:
            accepted = " and ".join(_STORED_TYPES[dtype])
            raise WeightsFormatError(f"{name} is stored as {stored!r}; accepted are {accepted}")
        stored_types[name] = _STORED_TYPES[dtype][stored]
    for name in expected:
        if name not in stored_types:
            raise WeightsFormatError(f"it has no {name!r}")
    return stored_types


def _read_binary(path, stored_types, expected):
    counts = {name: math.prod(expected[name][1]) for name in stored_types}
    size = sum(counts[name] * np.dtype(stored).itemsize for name, stored in stored_types.items())
    with open_regular_file(path, kind="a binary", may_be_empty=True) as file:
        n_bytes = os.fstat(file.fileno()).st_size
        if n_bytes != size:
            raise WeightsFormatError(f"{path.name} has {n_bytes:,} bytes instead of {size:,}")
        data = file.read(size)
    tensors, start = {}, 0
    for name, stored in stored_types.items():
        dtype, shape = expected[name]
        tensor = np.frombuffer(data, stored, counts[name], start).reshape(shape)
        start += tensor.nbytes
        if not np.isfinite(tensor).all():
            raise WeightsFormatError(f"{name} has values that are not finite")
        tensors[name] = tensor.astype(dtype)
    return tensors
