# SPDX-License-Identifier: BSD-3-Clause
"""Perturbed copies of samples, in the type of container that X is."""

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.utils import gen_even_slices

from ._perturbations import PerturbedImage
from .images import load_image

_CONVERTED_AT_ONCE = 256


def draw_seeds(random, n_seeds):
    """Seeds, of which the first ones do not depend on the number of seeds."""
    sequence = np.random.SeedSequence(int(random.randint(2**31 - 1)))
    return sequence.generate_state(n_seeds, np.uint64)


def perturb_elements(samples, rows, perturbations, seeds):
    """Make a `PerturbedImage` of each of the rows, which are elements of a sequence."""
    return object_array(
        [
            PerturbedImage(samples[row], perturbation, int(seed))
            for row, perturbation, seed in zip(rows, perturbations, seeds, strict=True)
        ]
    )


def perturb_array(samples, rows, perturbations, seeds, n_jobs, *, out=None):
    """Perturb rows of an array of images, in threads."""
    images, places = _as_uint8(samples, rows)
    grey, dtype = samples[:1].ndim == 3, samples[:1].dtype

    def perturbed(place):
        image = load_image(images[places[place]])
        return perturbations[place](image[..., 0] if grey else image, seeds[place])

    if out is None:
        first = perturbed(0)
        out = np.empty((len(rows), *first.shape), dtype)

    def fill(part):
        for place in range(part.start, part.stop):
            out[place] = perturbed(place)

    parts = gen_even_slices(len(rows), effective_n_jobs(n_jobs))
    Parallel(n_jobs=n_jobs, require="sharedmem")(delayed(fill)(part) for part in parts)
    return out


def _as_uint8(samples, rows):
    """Convert rows of an array of images to uint8; return the images and the place of each row."""
    if samples[:1].dtype == np.uint8:
        return samples[:], rows
    used, places = np.unique(rows, return_inverse=True)
    batches = samples.batches(used, image_size=None, batch_size=_CONVERTED_AT_ONCE)
    return np.concatenate([batch.data for batch in batches]), places


def object_array(elements):
    """Make a 1-D array of objects, some of which may be arrays."""
    array = np.empty(len(elements), dtype=object)
    for place, element in enumerate(elements):
        array[place] = element
    return array


def put_into_container_of(X, elements):
    """Put elements into the type of container that X is."""
    if isinstance(X, list | tuple):
        return type(X)(elements)
    if not hasattr(X, "iloc"):
        return elements
    import pandas as pd

    if X.ndim == 1:
        return pd.Series(elements, name=X.name, dtype=object)
    return pd.DataFrame({X.columns[0]: elements}, dtype=object)
