# SPDX-License-Identifier: BSD-3-Clause
"""AUC of the paper's classifier beside MLPClassifier's, and its spread over seeds.

Run: python benchmarks/classifier_faces.py --real DIR --fake DIR
"""

import argparse
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skfakespot import FakeSpotterClassifier, NeuronCoverageTransformer
from skfakespot.datasets import load_face_folders

HIDDEN = (512, 256, 128, 64)


def main():
    """Standardise the layer counts of each fold, train both classifiers, print the AUCs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    faces = load_face_folders(real=options.real, fake=options.fake)
    folds = []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(
        faces.data, faces.target
    ):
        features = make_pipeline(NeuronCoverageTransformer(), StandardScaler())
        X_train, X_test = (
            features.fit_transform(faces.data[train]),
            features.transform(faces.data[test]),
        )
        folds.append((X_train, faces.target[train], X_test, faces.target[test]))
    ours = [auc(FakeSpotterClassifier(random_state=0), *fold) for fold in folds]
    report("FakeSpotterClassifier, 5 folds", ours)
    # The same architecture, optimiser and number of epochs; MLPClassifier has no decay.
    options_of_mlp = {"solver": "sgd", "learning_rate_init": 1e-4, "batch_size": 32, "alpha": 0.0}
    mlp = MLPClassifier(HIDDEN, random_state=0, nesterovs_momentum=False, **options_of_mlp)
    mlp.set_params(n_iter_no_change=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        report("MLPClassifier, 5 folds", [auc(mlp, *fold) for fold in folds])
    seeds = [
        auc(FakeSpotterClassifier(random_state=seed), *folds[0]) for seed in range(options.seeds)
    ]
    report(f"FakeSpotterClassifier, {options.seeds} seeds, fold 1", seeds)


def auc(classifier, X_train, y_train, X_test, y_test):
    """Train, and measure on the other images."""
    probability = classifier.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    return roc_auc_score(y_test, probability)


def report(name, scores):
    """Print mean, standard deviation and all scores."""
    listed = " ".join(f"{score:.3f}" for score in scores)
    print(
        f"{name:<40}{np.mean(scores):.3f} ± {np.std(scores, ddof=1):.3f}   ({listed})", flush=True
    )


if __name__ == "__main__":
    main()
