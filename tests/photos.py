# SPDX-License-Identifier: BSD-3-Clause
"""Files of small pictures, files that cannot be read among them, and a detector of the pictures."""

import numpy as np
from pictures import encoded, picture
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skfakespot import NeuronCoverageTransformer

# The names of the files that cannot be read, and how the reasons begin.
UNREADABLE = {
    "missing.png": "no such file",
    "empty.png": "the file is empty (0 bytes)",
    "truncated.png": "the file is damaged or truncated",
    "folder.png": "it is a folder, not an image file",
    "text.png": "it is not an image of a format that is read",
}


def write_photos(folder):
    """Write twelve pictures, brighter and brighter; return their paths."""
    paths = [str(folder / f"photo{number:02}.png") for number in range(12)]
    for number, path in enumerate(paths):
        Image.fromarray(picture(number) // 2 + np.uint8(10 * number)).save(path)
    return paths


def write_unreadable(folder):
    """Write the files that cannot be read; return their paths."""
    (folder / "empty.png").write_bytes(b"")
    (folder / "truncated.png").write_bytes(encoded(Image.fromarray(picture()), "PNG")[:200])
    (folder / "folder.png").mkdir()
    (folder / "text.png").write_text("no pixels")
    return [str(folder / name) for name in UNREADABLE]


def fit_detector(network, photos, *, on_error="raise", labels=("real", "fake")):
    """Fit a detector to which the darker half of the pictures is real."""
    coverage = NeuronCoverageTransformer(network, on_error=on_error)
    detector = make_pipeline(coverage, StandardScaler(), LogisticRegression())
    return detector.fit(photos, np.repeat(labels, 6))
