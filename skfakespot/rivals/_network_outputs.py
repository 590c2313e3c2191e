# SPDX-License-Identifier: BSD-3-Clause
"""What networks give for images: one row for each image, batch by batch."""

import numpy as np

from .._keras import import_keras
from .._network import BatchReader, is_out_of_memory


class OutputReader(BatchReader):
    """Gives the final output of a network for batches of images.

    Parameters
    ----------
    backbone : Backbone
        The network, and what prepares its input.
    """

    def __init__(self, backbone):
        super().__init__()
        self._backbone = backbone

    def show(self, images, receive):
        """Let images pass, and call ``receive(0, outputs)``."""
        import_keras()  # which refuses where the network would hang, in a forked process
        try:
            outputs = self._backbone.model.predict_on_batch(self._backbone.preprocess(images))
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise ValueError(
                f"The model {self._backbone.name!r} cannot take samples of shape "
                f"{images.shape[1:]}. If they are too small for its layers, set a larger "
                f"image_size; preprocess has to return what it takes. Keras says: {error}"
            ) from error
        receive(0, outputs)


def read_rows(reader, samples, n_columns, *, image_size, batch_size, on_error):
    """Let samples pass through a network; return a row for each, and the errors.

    Parameters
    ----------
    reader : BatchReader
        It shows one layer.
    samples : Samples
    n_columns : int
        Number of outputs for one sample.
    image_size : (int, int) or None
        Height and width of images; None for vectors.
    batch_size : int
        Number of samples that pass at once.
    on_error : {"raise", "nan"}
        What to do with an image that cannot be read.

    Returns
    -------
    rows : ndarray of shape (n_samples, n_columns), float32
        NaN for images that cannot be read.
    failures : list of (int, ImageError)
        Their positions, and why.
    """
    rows = np.full((len(samples), n_columns), np.nan, dtype=np.float32)
    failures = []

    def keep(index, error):
        failures.append((index, error))

    batches = samples.batches(
        image_size=image_size,
        batch_size=batch_size,
        on_error=None if on_error == "raise" else keep,
    )
    for batch in batches:
        rows[batch.indices] = reader.read(batch.data, _Rows)
    return rows, failures


class _Rows:
    """Keeps the outputs of the one layer that is shown, as a row for each sample."""

    def __init__(self, n_samples):
        self._n_samples, self._rows = n_samples, None

    def __call__(self, _layer, outputs):
        # The reader may use the memory of the outputs again.
        self._rows = np.array(outputs, dtype=np.float32).reshape(self._n_samples, -1)

    def results(self):
        return list(self._rows)
