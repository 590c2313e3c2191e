# SPDX-License-Identifier: BSD-3-Clause
"""Time the engine in units of the bare network, and measure its memory.

Every figure is a ratio to the bare forward pass of the same images in the same process: the
network alone, in a ``tf.function``, on preprocessed batches that wait in memory.

Run: python benchmarks/engine.py --real DIR --fake DIR
"""

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.utils import shuffle

from skfakespot import (
    FakeSpotterClassifier,
    NeuronCoverageTransformer,
    clear_caches,
    make_fakespotter,
)
from skfakespot._keras import import_keras
from skfakespot.datasets import load_face_folders
from skfakespot.images import as_samples

BATCH_SIZE = 32
CANDIDATES = {"classify__C": np.logspace(-4, 1.5, 12)}


def read_all(paths, size):
    """Decode and resize all images into one array."""
    samples = as_samples(paths)
    batches = samples.batches(image_size=size, batch_size=BATCH_SIZE)
    return np.concatenate([batch.data for batch in batches])


class BareNetwork:
    """The network alone, compiled, on batches that are preprocessed already."""

    def __init__(self, backbone, images):
        import tensorflow

        self._run = tensorflow.function(backbone.model, reduce_retracing=True)
        starts = range(0, len(images), BATCH_SIZE)
        batches = (images[start : start + BATCH_SIZE] for start in starts)
        self._batches = [tensorflow.constant(backbone.preprocess(batch)) for batch in batches]

    def __call__(self):
        """Run it on all images."""
        for batch in self._batches:
            self._run(batch).numpy()


class EveryOutput:
    """What one would write without this package: all outputs by `predict`, the rest by NumPy."""

    def __init__(self, backbone, layer_names):
        keras = import_keras()
        outputs = [backbone.model.get_layer(name).output for name in layer_names]
        self._model = keras.Model(backbone.model.inputs, outputs)
        self._preprocess = backbone.preprocess

    def _outputs(self, images):
        for start in range(0, len(images), BATCH_SIZE):
            batch = self._preprocess(images[start : start + BATCH_SIZE])
            outputs = self._model.predict(batch, batch_size=BATCH_SIZE, verbose=0)
            yield [output.reshape(len(batch), -1) for output in outputs]

    def fit(self, images):
        """Mean of each layer."""
        sums = [[layer.sum(dtype=np.float64) for layer in batch] for batch in self._outputs(images)]
        sizes = [layer.shape[1] for layer in next(self._outputs(images[:1]))]
        self._thresholds = np.sum(sums, axis=0) / (np.array(sizes) * len(images))

    def transform(self, images):
        """Count the outputs above it."""
        return np.concatenate(
            [
                np.stack(
                    [
                        np.count_nonzero(layer > threshold, axis=1)
                        for layer, threshold in zip(batch, self._thresholds, strict=True)
                    ],
                    axis=1,
                )
                for batch in self._outputs(images)
            ]
        )

    def count_by_dnn_tip(self, images):
        """Count, in all layers together, the outputs above one number: dnn-tip's NAC."""
        from dnn_tip.neuron_coverage import NAC

        count = NAC(0.0)
        return np.concatenate([count(batch)[0] for batch in self._outputs(images)])


def seconds(action):
    """Time one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(bare, actions, repeats):
    """Print the medians of each action's time over that of the bare pass just before and after."""
    bare()
    ratios = {name: [] for name in actions}
    rates = []
    for _ in range(repeats):
        for name, action in actions.items():
            before = seconds(bare)
            taken = seconds(action)
            around = (before + seconds(bare)) / 2
            ratios[name].append(taken / around)
            rates.append(around)
    for name, values in ratios.items():
        low, middle, high = min(values), statistics.median(values), max(values)
        print(f"{name:<46}{middle:>8.2f}   ({low:.2f} to {high:.2f})", flush=True)
    return statistics.median(rates)


def measure_steps(coverage, images, paths, bare, repeats):
    """Time transform, fit and fit_transform, of arrays and of files, and what they replace."""
    fitted = clone(coverage).fit(images)

    def afresh(method, X, estimator=coverage):
        def action():
            clear_caches(networks=False)
            getattr(clone(estimator) if estimator is coverage else estimator, method)(X)

        return action

    def fit_then_transform():
        clear_caches(networks=False)
        fresh = clone(coverage).fit(images)
        clear_caches(networks=False)
        fresh.transform(images)

    def by_hand():
        every.fit(images)
        every.transform(images)

    def by_dnn_tip():
        every.count_by_dnn_tip(images)

    actions = {
        "transform": afresh("transform", images, fitted),
        "fit": afresh("fit", images),
        "fit_transform": afresh("fit_transform", images),
    }
    if paths is not None:
        every = EveryOutput(fitted.backbone_, fitted.layer_names_)
        every.fit(images[:BATCH_SIZE])
        actions["two passes: fit, forget, transform"] = fit_then_transform
        actions["keras predict and NumPy, both passes"] = by_hand
        if find_spec("dnn_tip"):
            actions["keras predict and dnn-tip's NAC, one pass"] = by_dnn_tip
        size = images.shape[1:3]
        from_files = clone(coverage).fit(paths)
        actions["files: decoding and resizing alone"] = lambda: read_all(paths, size)
        actions["files: transform"] = afresh("transform", paths, from_files)
        actions["files: fit_transform"] = afresh("fit_transform", paths)
    one_pass = compare(bare, actions, repeats)
    print(f"{'bare forward pass, images a second':<46}{len(images) / one_pass:>8.0f}")


def measure_selection(X, kind, target, bare, repeats):
    """Time a cross-validation and a grid search, less the scaler's and the classifier's time."""
    features = NeuronCoverageTransformer().fit_transform(X)
    search_grid = {"cv": 5, "scoring": "roc_auc"}

    def evaluate(classifier, memory, grid):
        detector = make_fakespotter(classifier=classifier, memory=memory)
        if memory is None:
            detector = detector[1:]
        given = features if memory is None else X
        clear_caches(networks=False)
        if grid is None:
            cross_validate(detector, given, target, **search_grid)
        else:
            GridSearchCV(detector, grid, refit=False, **search_grid).fit(given, target)

    cases = {
        "cross_validate, 5 folds": (FakeSpotterClassifier(max_iter=20, random_state=0), None),
        "GridSearchCV, 5 folds x 12 candidates": (LogisticRegression(max_iter=500), CANDIDATES),
    }
    print(f"\n{f'{kind}, less the classifier':<46}{'x bare':>8}")
    for name, (classifier, grid) in cases.items():
        evaluate(classifier, None, grid)
        cold, warm = [], []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as memory:
                own = seconds(partial(evaluate, classifier, None, grid))
                before = seconds(bare)
                taken = seconds(partial(evaluate, classifier, memory, grid))
                around = (before + seconds(bare)) / 2
                again = seconds(partial(evaluate, classifier, memory, grid))
            cold.append((taken - own) / around)
            warm.append((again - own) / around)
        for label, values in ((name, cold), (f"{name}, warm store", warm)):
            low, middle, high = min(values), statistics.median(values), max(values)
            print(f"{label:<46}{middle:>8.2f}   ({low:.2f} to {high:.2f})", flush=True)


_PEAK = """
import resource, sys
from pathlib import Path
from skfakespot import NeuronCoverageTransformer
paths = sorted(Path(sys.argv[1]).iterdir())[: int(sys.argv[2])]
NeuronCoverageTransformer().fit_transform(paths)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def measure_memory(paths):
    """Print the peak memory of fit_transform on 500 and on 5,000 files of distinct content."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(5000):
            with Image.open(paths[number % len(paths)]) as face:
                shifted = ImageChops.offset(face, number // len(paths), 0)
                shifted.save(Path(folder, f"{number:05}.jpg"), quality=75)
        peaks = []
        for count in (500, 5000):
            command = [sys.executable, "-c", _PEAK, folder, str(count)]
            result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
            peaks.append(float(result.stdout.split()[-1]))
            print(f"peak memory, {count} files: {peaks[-1]:.0f} MiB", flush=True)
    print(f"ratio {peaks[1] / peaks[0]:.3f}")


def main():
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--backbone", default="dlib-resnet29")
    parser.add_argument("--weights", default=None)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--parts", nargs="+", default=["steps", "selection", "memory"], metavar="PART"
    )
    options = parser.parse_args()
    faces = load_face_folders(real=options.real, fake=options.fake)
    paths, target = shuffle(faces.data, faces.target, random_state=0, n_samples=options.images)
    packages = ("skfakespot", "keras", "tensorflow", "numpy", "scikit-learn")
    print(f"{date.today()}, {platform.platform()}, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    coverage = NeuronCoverageTransformer(
        options.backbone, weights=options.weights, batch_size=BATCH_SIZE
    )
    backbone = clone(coverage).fit(paths[:2]).backbone_
    images = read_all(paths, backbone.input_size)
    bare = BareNetwork(backbone, images)
    if "steps" in options.parts:
        title = f"{options.backbone}, {len(images)} images of {images.shape[1:3]}"
        print(f"\n{title:<46}{'x bare':>8}")
        has_files = options.backbone == "dlib-resnet29"
        measure_steps(coverage, images, paths if has_files else None, bare, options.repeats)
    if "selection" in options.parts:
        measure_selection(images, "arrays", target, bare, options.repeats)
        measure_selection(paths, "files", target, bare, options.repeats)
    if "memory" in options.parts:
        print()
        measure_memory(faces.data)


if __name__ == "__main__":
    main()
