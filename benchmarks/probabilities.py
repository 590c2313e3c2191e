# SPDX-License-Identifier: BSD-3-Clause
"""How far the probabilities of each recipe lie from 0.5, and whether calibration helps.

Run: python benchmarks/probabilities.py --real DIR --fake DIR
"""

import argparse

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import train_test_split

from skfakespot import FakeSpotterClassifier, fake_probability, make_fakespotter
from skfakespot.datasets import load_face_folders


def main():
    """Train on few and on many faces, and describe the probabilities of the same 400 test faces."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    options = parser.parse_args()
    faces = load_face_folders(real=options.real, fake=options.fake)
    paths, y = np.array(faces.data, dtype=object), faces.target
    calibrated = CalibratedClassifierCV(FakeSpotterClassifier(random_state=0), ensemble=False)
    detectors = {
        "paper": make_fakespotter(random_state=0),
        "paper, calibrated": make_fakespotter(classifier=calibrated),
        "statistics": make_fakespotter(recipe="statistics"),
    }
    print("detector            trained on  AUC    Brier  percentiles 5, 50, 95")
    for n_train in (150, 1200):
        train, test = train_test_split(
            np.arange(len(y)), train_size=n_train, test_size=400, stratify=y, random_state=0
        )
        for name, detector in detectors.items():
            probability = fake_probability(detector.fit(paths[train], y[train]), paths[test])
            auc = roc_auc_score(y[test], probability)
            brier = brier_score_loss(y[test], probability)
            spread = np.percentile(probability, [5, 50, 95])
            print(f"{name:20}{n_train:<12}{auc:.3f}  {brier:.3f}  {spread.round(2)}", flush=True)


if __name__ == "__main__":
    main()
