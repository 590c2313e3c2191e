# SPDX-License-Identifier: BSD-3-Clause
"""The order of the gallery's examples."""

EXAMPLES = [
    "folder",
    "cross_validation",
    "search",
    "robustness",
    "explain_scores",
    "threshold",
    "video",
    "keras_network",
    "dask",
    "server",
]


class GalleryOrder:
    """Sorts the examples; sphinx-gallery calls it with the folder, and then with each name."""

    def __init__(self, source_folder):
        pass

    def __call__(self, filename):
        """Return the place of an example in the gallery."""
        return EXAMPLES.index(filename.removeprefix("plot_").removesuffix(".py"))
