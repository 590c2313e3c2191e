# SPDX-License-Identifier: BSD-3-Clause
"""Time and memory to train a classifier on many more features than faces, on random features.

Run: python benchmarks/ridge.py
     python benchmarks/ridge.py --sizes 500x5000 1000x20000 --rivals

The features are float32, standard normal, and 1 % of them differ between the classes. Each line is
measured in a process of its own; its peak memory includes the features themselves.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skfakespot import DualRidgeClassifier
from skfakespot.preprocessing import BlockwiseStandardScaler

DETECTORS = ("DualRidgeClassifier", "RidgeClassifierCV", "calibrated SVC, RBF")
N_TEST = 500


def main():
    """Measure each detector at each size, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=["1000x20000", "10000x100000"])
    parser.add_argument("--rivals", action="store_true", help="also scikit-learn's classifiers")
    options = parser.parse_args()
    names = DETECTORS if options.rivals else DETECTORS[:1]
    head = ("faces x features", "detector", "seconds", "CPU seconds", "peak GB", "AUC", "log loss")
    print("{:<18}{:<22}{:>9}{:>13}{:>9}{:>8}{:>10}".format(*head))
    for size in options.sizes:
        n_samples, n_features = map(int, size.split("x"))
        for name in names:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                row = process.submit(measure, name, n_samples, n_features).result()
            line = "{:<18}{:<22}{:>9.1f}{:>13.1f}{:>9.2f}{:>8.3f}{:>10.3f}"
            print(line.format(size, name, *row), flush=True)


def make_detector(name, n_features):
    """Make the detector of a name; all have the same three penalties to choose from."""
    if name == "DualRidgeClassifier":
        return make_pipeline(BlockwiseStandardScaler(copy=False), DualRidgeClassifier())
    if name == "RidgeClassifierCV":
        alphas = n_features * np.array([0.001, 0.01, 0.1])
        return make_pipeline(StandardScaler(copy=False), RidgeClassifierCV(alphas))
    classifier = CalibratedClassifierCV(SVC(C=3.0), ensemble=False)
    return make_pipeline(StandardScaler(copy=False), classifier)


def measure(name, n_samples, n_features):
    """Return seconds, CPU seconds, peak memory in GB, AUC and log loss of one training."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, n_samples + N_TEST)
    X = generator.standard_normal((len(y), n_features), dtype=np.float32)
    signal = generator.choice(n_features, n_features // 100, replace=False)
    X[:, signal] += np.float32(2.5 / len(signal) ** 0.5) * y[:, np.newaxis].astype(np.float32)
    # The rows of the test come first, so that the rest is one array that `fit` owns.
    test, y_test, y = X[:N_TEST].copy(), y[:N_TEST], y[N_TEST:]
    X = X[N_TEST:]
    wall, cpu = time.perf_counter(), time.process_time()
    detector = make_detector(name, n_features).fit(X, y)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    if not hasattr(detector, "predict_proba"):
        return wall, cpu, peak, roc_auc_score(y_test, detector.decision_function(test)), np.nan
    probabilities = detector.predict_proba(test)[:, 1]
    return wall, cpu, peak, roc_auc_score(y_test, probabilities), log_loss(y_test, probabilities)


if __name__ == "__main__":
    main()
