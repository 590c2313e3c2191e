"""A strict reader of the file format of dlib's face recognition network.

The file holds the loss, then a version number for each layer, the last layer first, then the
details of each layer, the first layer first. Any deviation and any surplus byte is an error.
"""

import math
from itertools import chain

import numpy as np

from ._backbone import WeightsFormatError

# (number of blocks, whether the first one halves the resolution) of each stage.
STAGES = ((3, False), (4, True), (3, True), (3, True), (1, True))

_STEM = ("con", "affine", "relu", "max_pool")
_TWO_CONVOLUTIONS = ("tag", "con", "affine", "relu", "con", "affine")
_PLAIN_BLOCK = (*_TWO_CONVOLUTIONS, "add_prev", "relu")
_DOWN_BLOCK = (*_TWO_CONVOLUTIONS, "tag", "skip", "avg_pool", "add_prev", "relu")
_BLOCKS = [
    _DOWN_BLOCK if halves and block == 0 else _PLAIN_BLOCK
    for n_blocks, halves in STAGES
    for block in range(n_blocks)
]
_LAYERS = (*_STEM, *chain.from_iterable(_BLOCKS), "avg_pool", "fc")
# Tags and skips connect layers: they have a version number in the file but no details.
_CONNECTIONS = ("tag", "skip")


def parse_dlib_network(data):
    """Read the mean colour, and the arrays in the order of ``set_weights`` of the Keras network.

    Raise a `WeightsFormatError` if the bytes are not exactly of this format.
    """
    stream = _Stream(data)
    stream.expect("version of the loss", stream.integer(), 1)
    stream.expect("loss", stream.string(), "loss_metric_2")
    stream.floats(2)
    versions = [stream.integer() for _ in _LAYERS][::-1]
    stream.expect("input layer", stream.string(), "input_rgb_image_sized")
    mean = tuple(stream.floats(3))
    stream.shape(2)  # height and width of the images

    arrays = []
    for kind, version in zip(_LAYERS, versions, strict=True):
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
    return mean, arrays


class _Stream:
    """Reads dlib's elementary types one after the other."""

    def __init__(self, data):
        self._data = memoryview(data)
        self._position = 0

    @property
    def left(self):
        return len(self._data) - self._position

    def expect(self, what, found, *accepted):
        if found not in accepted:
            raise WeightsFormatError(f"{what} is {found!r} instead of {accepted[0]!r}")

    def bytes(self, count):
        if count > self.left:
            raise WeightsFormatError(f"it ends {count - self.left} bytes too early")
        start = self._position
        self._position += count
        return self._data[start : self._position]

    def integer(self):
        control = self.bytes(1)[0]
        count = control & 0x0F
        if control & 0x70 or not 1 <= count <= 8:
            raise WeightsFormatError(f"byte {self._position - 1} is no integer")
        value = int.from_bytes(self.bytes(count), "little")
        return -value if control & 0x80 else value

    def float(self):
        mantissa, exponent = self.integer(), self.integer()
        if exponent >= 32000:
            raise WeightsFormatError("a number is not finite")
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError:
            raise WeightsFormatError("a number is not finite") from None

    def floats(self, count):
        return [self.float() for _ in range(count)]

    def boolean(self):
        value = bytes(self.bytes(1))
        self.expect("a boolean", value, b"1", b"0")
        return value == b"1"

    def string(self):
        return bytes(self.bytes(self.integer())).decode("latin-1")

    def shape(self, n_dimensions):
        shape = tuple(self.integer() for _ in range(n_dimensions))
        # NumPy refuses dimensions that are too large even if another one is 0.
        if min(shape) < 0 or math.prod(size or 1 for size in shape) > len(self._data):
            raise WeightsFormatError(f"a tensor has the shape {shape}")
        return shape

    def tensor(self):
        self.expect("version of a tensor", self.integer(), 2)
        shape = self.shape(4)
        data = self.bytes(4 * math.prod(shape))
        return np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(shape)

    def alias(self):
        """Shape of one part of a layer's parameters."""
        self.expect("version of an alias", self.integer(), 1)
        return self.shape(4)

    def parameters(self, flat, *shapes):
        """Split `flat` into arrays of the given shapes."""
        sizes = [math.prod(shape) for shape in shapes]
        self.expect("number of a layer's parameters", flat.size, sum(sizes))
        parts = np.split(flat.ravel(), np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _read_convolution(stream):
    name = stream.string()
    stream.expect("layer", name, "con_4", "con_5", "con_6")
    flat = stream.tensor()
    n_filters, height, width = stream.shape(3)
    stride, stride_x, padding, padding_x = (stream.integer() for _ in range(4))
    filters, biases = stream.alias(), stream.alias()
    stream.floats(4)
    if name != "con_4":
        stream.expect("bias of a convolution", stream.boolean(), True)
    if name == "con_6":
        stream.expect("built-in ReLU of a convolution", stream.boolean(), False)
    stream.expect("stride of a convolution", stride_x, stride)
    stream.expect("padding of a convolution", padding_x, padding)
    stream.expect("kernel of a convolution", filters[2:], (height, width))
    stream.expect("filters of a convolution", filters[0], n_filters)
    kernel, bias = stream.parameters(flat, filters, biases)
    # dlib stores (out, in, height, width), Keras takes (height, width, in, out).
    return np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)), bias.ravel()


def _read_affine(stream):
    stream.expect("layer", stream.string(), "affine_")
    flat = stream.tensor()
    scale, offset = stream.parameters(flat, stream.alias(), stream.alias())
    stream.integer()
    scale, offset = scale.ravel(), offset.ravel()
    # A moving mean of 0 and a moving variance of 1 do not change the factors.
    return scale, offset, np.zeros_like(scale), np.ones_like(scale)


def _read_dense(stream):
    name = stream.string()
    stream.expect("layer", name, "fc_2", "fc_3")
    n_outputs, n_inputs = stream.shape(2)
    flat = stream.tensor()
    stream.alias()
    stream.alias()
    stream.integer()
    stream.floats(4)
    if name == "fc_3":
        stream.boolean()
    return stream.parameters(flat, (n_inputs, n_outputs))


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
    "fc": _read_dense,
    "max_pool": _reader_without_arrays("max_pool_2", 6),
    "avg_pool": _reader_without_arrays("avg_pool_2", 6),
    "relu": _reader_without_arrays("relu_"),
    "add_prev": _reader_without_arrays("add_prev_"),
}
