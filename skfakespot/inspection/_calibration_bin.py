# SPDX-License-Identifier: BSD-3-Clause
"""How many calibration images with a similar probability are fake."""

import numpy as np
from sklearn.utils import Bunch

_N_BINS = 10


def calibration_bin(is_fake, probabilities, probability):
    """Count the calibration images in the bin of a probability.

    Parameters
    ----------
    is_fake : ndarray of shape (n_images,), bool
        Whether the calibration images are fake.
    probabilities : ndarray of shape (n_images,)
        Their probabilities of fake, in [0, 1].
    probability : float
        The probability of the image.

    Returns
    -------
    bin : Bunch
        The ends ``low`` and ``high`` of the bin, and the numbers ``n_images`` and ``n_fake``.
    """
    if probabilities.min() < 0 or probabilities.max() > 1:
        raise ValueError(
            f"The probabilities of calibration range from {probabilities.min():g} to "
            f"{probabilities.max():g}. Give probabilities of fake, from 0 to 1."
        )
    numbers = np.minimum((probabilities * _N_BINS).astype(int), _N_BINS - 1)
    number = min(int(probability * _N_BINS), _N_BINS - 1)
    inside = numbers == number
    return Bunch(
        low=number / _N_BINS,
        high=(number + 1) / _N_BINS,
        n_images=int(inside.sum()),
        n_fake=int(is_fake[inside].sum()),
    )
