"""Facts of image files, such as type, size and compression, as columns of numbers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..images import read_header

_CATEGORIES = ("format", "mode", "jpeg_tables", "jpeg_subsampling")


def read_file_facts(samples):
    """Read the headers of all images.

    Parameters
    ----------
    samples : sequence
        Images; see `skfakespot.images.as_samples`.

    Returns
    -------
    facts : dict of str to ndarray of shape (n_images,), float64
        The values of each fact; NaN if an image does not have it. Categories are numbered.
    """

    def read(index):
        return read_header(samples[index], name=samples.name(index))

    with ThreadPoolExecutor(thread_name_prefix="skfakespot-header") as pool:
        headers = list(pool.map(read, range(len(samples))))
    facts = {
        "format": [header.format or "" for header in headers],
        "mode": [header.mode for header in headers],
        "width": [header.width for header in headers],
        "height": [header.height for header in headers],
        "file_size": [header.n_bytes for header in headers],
        "bytes_per_pixel": [
            header.n_bytes and header.n_bytes / (header.width * header.height) for header in headers
        ],
        "jpeg_tables": [repr(header.quantization) for header in headers],
        # About inversely proportional to the quality; the tables themselves have no order.
        "jpeg_step": [
            header.quantization and float(np.mean(header.quantization[0])) for header in headers
        ],
        "jpeg_subsampling": [header.subsampling or "" for header in headers],
    }
    return {
        name: _number_categories(values)
        if name in _CATEGORIES
        else np.array(values, dtype=np.float64)
        for name, values in facts.items()
    }


def _number_categories(values):
    """Number the categories from the most frequent on, so that a tree can split off the rare."""
    _, number, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-count, kind="stable"))[number].astype(np.float64)
