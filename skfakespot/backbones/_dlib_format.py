# SPDX-License-Identifier: BSD-3-Clause
"""A strict reader of the file format of dlib's face recognition network.

The file holds the loss, then a version number for each layer, the last layer first, then the
details of each layer, the first layer first. Any deviation and any surplus byte is an error.
"""

from itertools import chain

from ._dlib_layers import read_layers, read_versions
from ._dlib_stream import Stream

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


def parse_dlib_network(data):
    """Read the mean colour, and the arrays in the order of ``set_weights`` of the Keras network.

    Raise a `WeightsFormatError` if the bytes are not exactly of this format.
    """
    stream = Stream(data)
    stream.expect("version of the loss", stream.integer(), 1)
    stream.expect("loss", stream.string(), "loss_metric_2")
    stream.floats(2)
    versions = read_versions(stream, _LAYERS)
    stream.expect("input layer", stream.string(), "input_rgb_image_sized")
    mean = tuple(stream.floats(3))
    stream.shape(2)  # height and width of the images
    return mean, read_layers(stream, _LAYERS, versions)
