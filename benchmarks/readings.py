# SPDX-License-Identifier: BSD-3-Clause
"""AUC of the readings of a network's neurons, and of whole detectors with their cost.

Run: python benchmarks/readings.py --real DIR --fake DIR --weights FACERES_JSON
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skfakespot import (
    FakeSpotterClassifier,
    NeuronCoverageTransformer,
    clear_caches,
    make_fakespotter,
)
from skfakespot.datasets import load_face_folders

READINGS = {
    "layer counts (the paper)": {},
    "layer counts, convolutions only": {"coverage__layers": "conv"},
    "layer counts of channel means": {"coverage__neuron": "channel"},
    "layer counts after the activation": {"coverage__tap": "activation"},
    "feature-map counts": {"coverage__output": "channel"},
    "feature-map counts after the activation": {
        "coverage__output": "channel",
        "coverage__tap": "activation",
    },
    "layer counts at 224 px": {"coverage__image_size": (224, 224)},
    "feature-map counts at 224 px": {
        "coverage__output": "channel",
        "coverage__image_size": (224, 224),
    },
    "the same after the activation": {
        "coverage__output": "channel",
        "coverage__tap": "activation",
        "coverage__image_size": (224, 224),
    },
}
CLASSIFIERS = {
    "logistic regression": LogisticRegression(C=0.01, max_iter=2000),
    "RBF-SVM": SVC(C=3.0),
    "the paper's MLP": FakeSpotterClassifier(random_state=0),
}

DLIB, FACERES = "dlib-resnet29", "vggface2-mobilenet"
MAP_COUNTS = {"recipe": "statistics", "statistics": ("coverage",)}
# Of each detector: its backbone, the parameters of `make_fakespotter`, and where it is read.
DETECTORS = {
    "layer counts (the paper)": (DLIB, {"recipe": "paper"}, "layer"),
    "feature-map counts": (DLIB, MAP_COUNTS, "activation"),
    "statistics": (DLIB, {"recipe": "statistics"}, "layer"),
    "layer counts (the paper), FaceRes": (FACERES, {"recipe": "paper"}, "layer"),
    "feature-map counts, FaceRes": (FACERES, MAP_COUNTS, "activation"),
    "statistics, FaceRes": (FACERES, {"recipe": "statistics"}, "layer"),
    "statistics, both networks": ([DLIB, FACERES], {"recipe": "statistics"}, "layer"),
}
# Criteria of the literature, counted in each feature map.
CRITERIA = {
    "the layer's mean": "mean",
    "the map's mean": "per-map",
    "7 quantiles of the layer": ("quantile", [number / 8 for number in range(1, 8)]),
    "the 100 largest of the layer": ("top", 100),
    "the 1,000 largest of the layer": ("top", 1000),
    "outside the range of real faces": "boundary",
    "above the range of real faces": "strong",
}
N_TIMED = 128


def main(arguments=None):
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--weights", help="of vggface2-mobilenet; without it, that is left out")
    parser.add_argument("--seed", type=int, default=0, help="of the folds (default: %(default)s)")
    parser.add_argument("--folds", type=int, default=5)
    tables = {
        "readings": compare_readings,
        "criteria": compare_criteria,
        "detectors": compare_detectors,
    }
    parser.add_argument("--tables", nargs="+", choices=tables, default=list(tables))
    options = parser.parse_args(arguments)
    faces = load_face_folders(real=options.real, fake=options.fake)
    folds = StratifiedKFold(options.folds, shuffle=True, random_state=options.seed)
    for table in options.tables:
        tables[table](faces, folds, options.weights)


def compare_readings(faces, folds, _weights):
    """Print the AUC of each reading of dlib's network with each classifier."""
    grid = [
        {name: [value] for name, value in reading.items()}
        | {"classify": list(CLASSIFIERS.values())}
        for reading in READINGS.values()
    ]
    with tempfile.TemporaryDirectory() as memory:
        coverage = NeuronCoverageTransformer(memory=Path(memory, "profiles"))
        steps = [("coverage", coverage), ("scale", StandardScaler())]
        steps.append(("classify", CLASSIFIERS["RBF-SVM"]))
        search = GridSearchCV(
            Pipeline(steps, memory=memory), grid, cv=folds, scoring="roc_auc", refit=False
        )
        search.fit(faces.data, faces.target)
    results = search.cv_results_
    cells = iter(zip(results["mean_test_score"], results["std_test_score"], strict=True))
    print(f"{'reading':<42}" + "".join(f"{name:>22}" for name in CLASSIFIERS))
    for reading in READINGS:
        row = [next(cells) for _ in CLASSIFIERS]
        print(f"{reading:<42}" + "".join(f"{m:>15.3f} ± {s:.3f}" for m, s in row))


def compare_criteria(faces, folds, _weights):
    """Print the AUC of each criterion with two classifiers, after the activation at 224 px."""
    classifiers = {name: CLASSIFIERS[name] for name in ("logistic regression", "RBF-SVM")}
    print(f"{'criterion':<42}" + "".join(f"{name:>22}" for name in classifiers))
    for criterion, threshold in CRITERIA.items():
        coverage = NeuronCoverageTransformer(
            DLIB, output="channel", tap="activation", image_size=(224, 224), threshold=threshold
        )
        scores = {name: [] for name in classifiers}
        for train, test in folds.split(faces.data, faces.target):
            features = coverage.fit_transform(faces.data[train], faces.target[train])
            test_features = coverage.transform(faces.data[test])
            for name, classifier in classifiers.items():
                detector = make_pipeline(StandardScaler(), classifier)
                detector.fit(features, faces.target[train])
                response = detector.decision_function(test_features)
                scores[name].append(roc_auc_score(faces.target[test], response))
        cells = (f"{np.mean(own):>15.3f} ± {np.std(own):.3f}" for own in scores.values())
        print(f"{criterion:<42}" + "".join(cells), flush=True)


def compare_detectors(faces, folds, weights):
    """Print AUC, number of features, time of an image and of the training of each detector."""
    print(f"{'detector':<36}{'AUC':>14}{'features':>10}{'ms per image':>14}{'training, s':>13}")
    for name, (backbone, parameters, tap) in DETECTORS.items():
        if FACERES in backbone and weights is None:
            continue
        detector = make_fakespotter(backbone, random_state=0, **parameters)
        own_weights = weights if backbone == FACERES else None
        if isinstance(backbone, list):
            own_weights = [weights if each == FACERES else None for each in backbone]
        detector.set_params(coverage__weights=own_weights, coverage__tap=tap)
        with tempfile.TemporaryDirectory() as memory:
            detector.set_params(coverage__memory=memory)
            scores = cross_validate(
                detector, faces.data, faces.target, cv=folds, scoring="roc_auc", error_score="raise"
            )["test_score"]
            n_features, training = time_training(detector, faces)
        milliseconds = time_image(detector.set_params(coverage__memory=None), faces)
        auc = f"{scores.mean():.4f} ± {scores.std():.4f}"
        print(
            f"{name:<36}{auc:>14}{n_features:>10,}{milliseconds:>14.1f}{training:>13.1f}",
            flush=True,
        )


def time_training(detector, faces):
    """Return the number of features, and the seconds that the steps after them take to fit."""
    features = detector["coverage"].fit_transform(faces.data)
    start = time.perf_counter()
    detector[1:].fit(features, faces.target)
    return features.shape[1], time.perf_counter() - start


def time_image(detector, faces):
    """Return the milliseconds that reading, network and features of an image take, in a batch."""
    coverage = detector["coverage"]
    coverage.fit(faces.data[:N_TIMED])
    clear_caches(networks=False)
    start = time.perf_counter()
    coverage.transform(faces.data[:N_TIMED])
    return (time.perf_counter() - start) * 1000 / min(N_TIMED, len(faces.data))


if __name__ == "__main__":
    main()
