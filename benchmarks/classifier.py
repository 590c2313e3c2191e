# SPDX-License-Identifier: BSD-3-Clause
"""Time FakeSpotterClassifier beside the Keras wrappers and MLPClassifier.

Every classifier trains the same network (512-256-128-64) on the same 1,500 x 53 samples for 20
epochs with the same optimizer. Run ``python benchmarks/classifier.py``; the ratios hold within
one run, on one machine.
"""

import argparse
import contextlib
import gc
import io
import sys
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from skfakespot import FakeSpotterClassifier
from skfakespot._keras import import_keras

HIDDEN = (512, 256, 128, 64)
EPOCHS = 20
BATCH_SIZE = 32
LEARNING_RATE = 1e-4


def make_data():
    """Return 1,500 standardised samples of 53 features, as many as resnet50 has convolutions."""
    X, y = make_classification(1500, 53, n_informative=12, random_state=0)
    return StandardScaler().fit_transform(X), y


def make_keras_model(n_features, *, one_hot=False):
    """Build and compile the network, as the Keras wrappers do in every fit."""
    keras = import_keras()
    model = keras.Sequential(
        [
            keras.Input((n_features,)),
            *(keras.layers.Dense(units, "relu") for units in HIDDEN),
            keras.layers.Dense(2, "softmax") if one_hot else keras.layers.Dense(1, "sigmoid"),
        ]
    )
    optimizer = keras.optimizers.SGD(LEARNING_RATE, momentum=0.9)
    model.compile(optimizer, "categorical_crossentropy" if one_hot else "binary_crossentropy")
    return model


def fit_fakespotter(X, y):
    """Fit skfakespot's classifier."""
    return FakeSpotterClassifier(
        HIDDEN, max_iter=EPOCHS, n_iter_no_change=np.inf, random_state=0
    ).fit(X, y)


def fit_mlp(X, y):
    """Fit scikit-learn's classifier."""
    return MLPClassifier(
        HIDDEN,
        solver="sgd",
        alpha=0.0,
        batch_size=BATCH_SIZE,
        learning_rate_init=LEARNING_RATE,
        nesterovs_momentum=False,
        max_iter=EPOCHS,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X, y)


def fit_keras_wrapper(X, y):
    """Fit Keras' own wrapper, which hands one-hot labels to the model."""
    from keras.wrappers import SKLearnClassifier

    def make_model(X, y):  # noqa: ARG001
        return make_keras_model(X.shape[1], one_hot=True)

    return SKLearnClassifier(
        make_model,
        fit_kwargs={"epochs": EPOCHS, "batch_size": BATCH_SIZE, "verbose": 0},
    ).fit(X, y)


def fit_scikeras(X, y):
    """Fit scikeras' wrapper."""
    from scikeras.wrappers import KerasClassifier

    return KerasClassifier(
        make_keras_model,
        n_features=X.shape[1],
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        verbose=0,
    ).fit(X, y)


def resident_megabytes():
    """Return the memory that this process holds now, or NaN where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    import resource

    return pages * resource.getpagesize() / 2**20


def time_fits(fit, X, y, n_fits):
    """Return the seconds of each fit, the growth of memory in MB from the fifth, and a fit."""
    seconds = []
    for index in range(n_fits):
        start = time.perf_counter()
        classifier = fit(X, y)
        seconds.append(time.perf_counter() - start)
        if index == min(4, n_fits - 1):
            gc.collect()
            memory = resident_megabytes()
    gc.collect()
    return seconds, resident_megabytes() - memory, classifier


def time_single_rows(predict, X, n_rows):
    """Return the median milliseconds of predicting one row."""
    seconds = []
    for index in range(n_rows):
        row = X[index : index + 1]
        start = time.perf_counter()
        # Keras draws a progress bar even for one row.
        with contextlib.redirect_stdout(io.StringIO()):
            predict(row)
        seconds.append(time.perf_counter() - start)
    return 1e3 * median(seconds[1:])


def main():
    """Run the comparison and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--fits", type=int, default=60, help="fits of each classifier (more than 5)"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")

    X, y = make_data()
    contestants = {
        "FakeSpotterClassifier": fit_fakespotter,
        "MLPClassifier": fit_mlp,
        "keras SKLearnClassifier": fit_keras_wrapper,
        "scikeras KerasClassifier": fit_scikeras,
    }
    # TensorFlow's start belongs to nobody's fit.
    import_keras().ops.zeros(1)
    header = ("classifier", "fit s", "first s", "total s", "x ours", "MB growth", "row ms")
    print("{:26}{:>9}{:>9}{:>9}{:>9}{:>11}{:>9}".format(*header))
    ours = None
    for name, fit in contestants.items():
        try:
            seconds, growth, classifier = time_fits(fit, X, y, arguments.fits)
        except (ImportError, AttributeError) as error:
            print(f"{name:26}absent ({error})")
            continue
        row = time_single_rows(classifier.predict, X, 200)
        ours = ours or median(seconds)
        print(
            f"{name:26}{median(seconds):9.3f}{seconds[0]:9.3f}{sum(seconds):9.1f}"
            f"{median(seconds) / ours:9.2f}{growth:11.1f}{row:9.3f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
