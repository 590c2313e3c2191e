# SPDX-License-Identifier: BSD-3-Clause
"""The convolutions of the face detector, run by Keras on one strip of the sheets after another."""

import numpy as np

from .._keras import import_keras
from ..backbones._backbone import WeightsFormatError

# (filters, kernel size, stride) of each convolution.
_CONVOLUTIONS = ((16, 5, 2), (32, 5, 2), (32, 5, 2), (45, 5, 1), (45, 5, 1), (45, 5, 1), (1, 9, 1))
# The score at row r and column c depends on the pixels around (STRIDE * r + CENTER, ...).
STRIDE, CENTER = 8, 14
# The first score is of the smallest sheet.
_SMALLEST_SIDE = 2 * CENTER + 1
# Rows of the third convolution's output that influence a score: this many above it, and below.
_REACH = 10
# Pixels that pass through the network at once; its largest outputs take about 50 bytes for each.
STRIP_SIZE = 1 << 21


class DetectorNetwork:
    """Scores of how much a face is at each place of a sheet; a new network for each object."""

    def __init__(self, kernels, biases):
        self._network = _build_network(kernels, biases)

    def score(self, sheets):
        """Score sheets of one size.

        Parameters
        ----------
        sheets : ndarray of shape (n_sheets, height, width, 3), float32

        Returns
        -------
        scores : ndarray of shape (n_sheets, n_rows, n_columns), float32
            The same, to rounding, as if the whole sheets passed at once.
        """
        import_keras()  # which refuses where the network would hang, in a forked process
        _, height, width, _ = sheets.shape
        n_rows, n_columns = _n_places(height), _n_places(width)
        scores = np.empty((len(sheets), n_rows, n_columns), dtype=np.float32)
        if not scores.size:
            return scores
        n_strip_rows = max(_REACH, STRIP_SIZE // (len(sheets) * STRIDE * width) - 2 * _REACH)
        for row in range(0, n_rows, n_strip_rows):
            stop = min(row + n_strip_rows, n_rows)
            scores[:, row:stop] = self._score_rows(sheets, row, stop)
        return scores

    def _score_rows(self, sheets, start, stop):
        above = min(start, _REACH)
        last = min(stop + _REACH, _n_places(sheets.shape[1])) - 1
        strip = sheets[:, STRIDE * (start - above) : STRIDE * last + _SMALLEST_SIDE]
        scores = self._network.predict_on_batch(strip)
        return scores[:, above : above + stop - start, :, 0]


def _n_places(side):
    return max(0, (side - _SMALLEST_SIDE) // STRIDE + 1)


def _build_network(kernels, biases):
    keras = import_keras()
    x = sheet = keras.Input((None, None, 3), name="sheet")
    for number, (n_filters, size, stride) in enumerate(_CONVOLUTIONS, start=1):
        x = keras.layers.Conv2D(
            n_filters,
            size,
            stride,
            padding="same" if stride == 1 else "valid",
            data_format="channels_last",
            activation=None if number == len(_CONVOLUTIONS) else "relu",
            kernel_initializer="zeros",
            name=f"conv{number}",
        )(x)
    network = keras.Model(sheet, x, name="dlib_face_detector")
    arrays = [array for pair in zip(kernels, biases, strict=True) for array in pair]
    for array, variable in zip(arrays, network.weights, strict=True):
        if array.shape != tuple(variable.shape):
            message = f"{variable.path} has the shape {array.shape} instead of {variable.shape}"
            raise WeightsFormatError(message)
    network.set_weights(arrays)
    # Keras would compile the network for each size of a sheet.
    network.compile(jit_compile=False)
    network.make_predict_function()
    return network
