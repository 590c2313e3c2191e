# SPDX-License-Identifier: BSD-3-Clause
"""A strict reader of dlib's face detector (``mmod_human_face_detector.dat``)."""

from typing import NamedTuple

import numpy as np

from ..backbones._dlib_layers import read_layers, read_versions
from ..backbones._dlib_stream import Stream

_N_CONVOLUTIONS = 7
_LAYERS = ("con", "bn", "relu") * (_N_CONVOLUTIONS - 1) + ("con",)


class DetectorModel(NamedTuple):
    """The parameters of the face detector.

    Parameters
    ----------
    mean : tuple of 3 floats
        Mean colour, which is subtracted from the pixels.
    window : int
        Side of the square, in pixels, in which the network looks for a face.
    max_overlap : float
        Of two boxes only the better one is kept if their overlap is more than this share of the
        smallest box around both.
    kernels : list of ndarray of shape (height, width, n_in, n_out), float32
        Of each convolution.
    biases : list of ndarray of shape (n_out,), float32
        Of each convolution.
    """

    mean: tuple[float, float, float]
    window: int
    max_overlap: float
    kernels: list[np.ndarray]
    biases: list[np.ndarray]


def parse_detector_model(data):
    """Read a `DetectorModel`; raise a `WeightsFormatError` if the bytes are not of this format."""
    stream = Stream(data)
    stream.expect("version of the loss", stream.integer(), 1)
    stream.expect("loss", stream.string(), "loss_mmod_")
    stream.expect("version of the loss' options", stream.integer(), 1)
    width, height = stream.shape(2)
    stream.expect("height of the window", height, width)
    stream.floats(3)  # costs of errors in training
    max_overlap = stream.float()
    stream.expect("largest share of a box that others may cover", stream.float(), 1.0)
    stream.floats(2)  # overlap with boxes that are ignored in training
    versions = read_versions(stream, _LAYERS)
    stream.expect("input layer", stream.string(), "input_rgb_image_pyramid")
    mean = tuple(stream.floats(3))
    arrays = read_layers(stream, _LAYERS, versions)
    return DetectorModel(mean, width, max_overlap, *_fold(arrays))


def _fold(arrays):
    """Make each batch normalisation part of the convolution before it."""
    kernels, biases = [], []
    for start in range(0, len(arrays), 6):
        kernel, bias, *normalization = (array.astype(np.float64) for array in arrays[start:][:6])
        if normalization:
            scale, offset, mean, variance = normalization
            factor = scale / np.sqrt(variance)
            kernel, bias = kernel * factor, (bias - mean) * factor + offset
        kernels.append(kernel.astype(np.float32))
        biases.append(bias.astype(np.float32))
    return kernels, biases
