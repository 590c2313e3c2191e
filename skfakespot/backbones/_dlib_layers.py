# SPDX-License-Identifier: BSD-3-Clause
"""A strict reader of the layers of a network in dlib's file format."""

import math

import numpy as np

from ._backbone import WeightsFormatError

# Tags and skips connect layers: they have a version number in the file but no details.
_CONNECTIONS = ("tag", "skip")


def read_versions(stream, kinds):
    """Read the version number of each layer, which the file has in the opposite order."""
    return [stream.integer() for _ in kinds][::-1]


def read_layers(stream, kinds, versions):
    """Read the details of each layer to the end of the file; return the arrays of all layers."""
    arrays = []
    for kind, version in zip(kinds, versions, strict=True):
        if kind in _CONNECTIONS:
            stream.expect(f"version of a {kind} layer", version, 1)
            continue
        arrays += _READERS[kind](stream)
        for _ in range(3):
            stream.boolean()
        for what in ("gradient", "cached output"):
            stream.expect(f"size of a layer's {what}", stream.tensor().size, 0)
        if version >= 2:
            stream.tensor()
        if version >= 3:
            stream.expect("expansion of the samples", stream.integer(), 1)
    stream.expect("number of bytes left", stream.left, 0)
    return arrays


def _read_alias(stream):
    """Shape of one part of a layer's parameters."""
    stream.expect("version of an alias", stream.integer(), 1)
    return stream.shape(4)


def _split(flat, *shapes):
    """Split a layer's parameters into arrays of the given shapes."""
    sizes = [math.prod(shape) for shape in shapes]
    if flat.size != sum(sizes):
        raise WeightsFormatError(f"a layer has {flat.size} parameters instead of {sum(sizes)}")
    parts = np.split(flat.ravel(), np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _read_convolution(stream):
    name = stream.string()
    stream.expect("layer", name, "con_4", "con_5", "con_6")
    flat = stream.tensor()
    n_filters, height, width = stream.shape(3)
    stride, stride_x, padding, padding_x = (stream.integer() for _ in range(4))
    filters, biases = _read_alias(stream), _read_alias(stream)
    stream.floats(4)
    if name != "con_4":
        stream.expect("bias of a convolution", stream.boolean(), True)
    if name == "con_6":
        stream.expect("built-in ReLU of a convolution", stream.boolean(), False)
    stream.expect("stride of a convolution", stride_x, stride)
    stream.expect("padding of a convolution", padding_x, padding)
    stream.expect("kernel of a convolution", filters[2:], (height, width))
    stream.expect("filters of a convolution", filters[0], n_filters)
    kernel, bias = _split(flat, filters, biases)
    # dlib stores (out, in, height, width), Keras takes (height, width, in, out).
    return np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)), bias.ravel()


def _read_affine(stream):
    stream.expect("layer", stream.string(), "affine_")
    flat = stream.tensor()
    scale, offset = _split(flat, _read_alias(stream), _read_alias(stream))
    stream.integer()
    scale, offset = scale.ravel(), offset.ravel()
    # A moving mean of 0 and a moving variance of 1 do not change the factors.
    return scale, offset, np.zeros_like(scale), np.ones_like(scale)


def _read_batch_normalization(stream):
    stream.expect("layer", stream.string(), "bn_con2")
    flat = stream.tensor()
    scale, offset = _split(flat, _read_alias(stream), _read_alias(stream))
    _mean, _inverse_deviation, moving_mean, moving_variance = (stream.tensor() for _ in range(4))
    stream.shape(2)  # number of updates, and of those that the moving averages span
    stream.floats(4)
    variance = moving_variance + np.float32(stream.float())
    for moment in (moving_mean, variance):
        stream.expect("size of a moving average", moment.size, scale.size)
    if not (variance > 0).all():
        raise WeightsFormatError("a variance is not positive")
    return scale.ravel(), offset.ravel(), moving_mean.ravel(), variance.ravel()


def _read_dense(stream):
    name = stream.string()
    stream.expect("layer", name, "fc_2", "fc_3")
    n_outputs, n_inputs = stream.shape(2)
    flat = stream.tensor()
    _read_alias(stream)
    _read_alias(stream)
    stream.integer()
    stream.floats(4)
    if name == "fc_3":
        stream.boolean()
    return _split(flat, (n_inputs, n_outputs))


def _reader_without_arrays(name, n_integers=0):
    def read(stream):
        stream.expect("layer", stream.string(), name)
        for _ in range(n_integers):
            stream.integer()
        return ()

    return read


# Each reads the details of a layer and returns its arrays.
_READERS = {
    "con": _read_convolution,
    "affine": _read_affine,
    "bn": _read_batch_normalization,
    "fc": _read_dense,
    "max_pool": _reader_without_arrays("max_pool_2", 6),
    "avg_pool": _reader_without_arrays("avg_pool_2", 6),
    "relu": _reader_without_arrays("relu_"),
    "add_prev": _reader_without_arrays("add_prev_"),
}
