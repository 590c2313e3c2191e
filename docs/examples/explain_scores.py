# SPDX-License-Identifier: BSD-3-Clause
"""Explain the scores of two faces: where in the image, in which layers, and beside which faces.

Run: python explain_scores.py FOLDER

The pictures are written into the folder. The faces are those of the demonstration: photographs,
and simulated fakes of them.
"""

import sys
from pathlib import Path

import matplotlib
from sklearn.model_selection import GroupShuffleSplit

from skfakespot import fake_probability, make_fakespotter
from skfakespot.datasets import load_demo_faces
from skfakespot.inspection import (
    ExplanationDisplay,
    TrainingImageIndex,
    nearest_training_images,
)


def main(folder):
    """Train a detector, explain a photograph and a fake that it has not seen, and save pictures."""
    faces = load_demo_faces()
    splitter = GroupShuffleSplit(1, test_size=0.25, random_state=0)
    train, test = next(splitter.split(faces.data, faces.target, faces.groups))
    detector = make_fakespotter(recipe="statistics")
    detector.fit(faces.data[train], faces.target[train])

    index = TrainingImageIndex.from_estimator(detector, faces.data[train], faces.target[train])
    for name, label in (("photograph", 0), ("fake", 1)):
        (row, *_) = test[faces.target[test] == label]
        image = faces.data[row]
        (probability,) = fake_probability(detector, [image])
        (nearest,) = nearest_training_images(index, [image])
        display = ExplanationDisplay.from_estimator(detector, image)
        print(f"{name}: probability of fake {probability:.2f}")
        print(f"  layers that speak for fake: {(display.evidence.contributions[0] > 0).sum()}")
        print(f"  labels of the nearest training images: {[each.label for each in nearest]}")
        display.figure_.savefig(folder / f"{name}.png")


if __name__ == "__main__":
    matplotlib.use("Agg")
    main(Path(sys.argv[1]))
