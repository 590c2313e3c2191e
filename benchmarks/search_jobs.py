# SPDX-License-Identifier: BSD-3-Clause
"""Time a grid search in one process and in several, with and without a folder of profiles.

Each search runs in a fresh process with nothing stored, first in one process and then in
`--jobs`, and so on. "CPU s" are the processor's seconds of the process and of its workers, and
"images" those that pass through the network in all of them.

Run: python benchmarks/search_jobs.py --real DIR --fake DIR
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.utils import shuffle

from skfakespot import (
    FakeSpotterClassifier,
    NeuronCoverageTransformer,
    count_network_images,
    make_fakespotter,
)
from skfakespot.datasets import load_face_folders

# 12 x 3 candidates of each recipe.
GRIDS = {
    "paper": {
        "classify__learning_rate_init": np.logspace(-4, -2, 12).tolist(),
        "classify__momentum": [0.5, 0.9, 0.99],
    },
    "statistics": {
        "classify__alphas": [[alpha] for alpha in np.logspace(-4, 0, 12)],
        "classify__class_weight": [None, "balanced", {0: 1, 1: 2}],
    },
}
_IMAGES_FILE = "SEARCH_JOBS_IMAGES"


class CountedCoverage(NeuronCoverageTransformer):
    """Writes to a file, for all processes together, how many images pass through the network."""

    def fit_transform(self, X, y=None):
        """Fit, transform and count."""
        return self._counted(super().fit_transform, X, y)

    def transform(self, X):
        """Transform and count."""
        return self._counted(super().transform, X)

    def _counted(self, method, *arguments):
        with count_network_images() as count:
            result = method(*arguments)
        with open(os.environ[_IMAGES_FILE], "a") as file:  # noqa: PTH123 - one write, appended
            file.write(f"{count.n_images}\n")
        return result


def make_detector(recipe, epochs, memory):
    """Make the detector of a recipe, whose coverage step counts."""
    classifier = FakeSpotterClassifier(max_iter=epochs, random_state=0)
    detector = make_fakespotter(
        recipe=recipe, classifier=classifier if recipe == "paper" else None, memory=memory
    )
    parameters = detector["coverage"].get_params(deep=False)
    return detector.set_params(coverage=CountedCoverage(**parameters))


def search_once(case):
    """Search in this process; print seconds, the processor's seconds and the best score."""
    faces = load_face_folders(real=case["real"], fake=case["fake"])
    paths, target = shuffle(faces.data, faces.target, random_state=0, n_samples=case["images"])
    detector = make_detector(case["recipe"], case["epochs"], case["memory"])
    search = GridSearchCV(
        detector, GRIDS[case["recipe"]], cv=3, scoring="roc_auc", n_jobs=case["n_jobs"]
    )
    start, used = time.perf_counter(), used_seconds()
    search.fit(paths, target)
    taken = time.perf_counter() - start
    if case["n_jobs"] is not None:
        from joblib.externals.loky import get_reusable_executor

        # Only the seconds of processes that have ended are known.
        get_reusable_executor().shutdown(wait=True)
    print(json.dumps([taken, used_seconds() - used, search.best_score_]))


def used_seconds():
    """Return the processor's seconds of this process and of those it has waited for."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def run_case(case, *, has_memory):
    """Run `search_once` in a fresh process; return its numbers and the number of images."""
    with tempfile.TemporaryDirectory() as folder:
        images_file = Path(folder, "images")
        case = {**case, "memory": str(Path(folder, "profiles")) if has_memory else None}
        command = [sys.executable, __file__, "--case", json.dumps(case)]
        environment = {**os.environ, _IMAGES_FILE: str(images_file)}
        result = subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603
        if result.returncode:
            sys.exit(result.stderr)
        taken, used, score = json.loads(result.stdout.splitlines()[-1])
        return taken, used, sum(map(int, images_file.read_text().split())), score


def measure(options, recipe):
    """Print a line for each case of a recipe."""
    case = {
        "real": options.real,
        "fake": options.fake,
        "images": options.images,
        "epochs": options.epochs,
        "recipe": recipe,
    }
    for has_memory in (False, True):
        runs = {None: [], options.jobs: []}
        for _ in range(options.repeats):
            for n_jobs, results in runs.items():
                results.append(run_case({**case, "n_jobs": n_jobs}, has_memory=has_memory))
        for n_jobs, results in runs.items():
            print_line(recipe, has_memory, n_jobs, results)


def print_line(recipe, has_memory, n_jobs, results):
    """Print the medians of the repeated runs of a case, and their range."""
    taken, used, images, scores = zip(*results, strict=True)
    cells = [recipe, "folder" if has_memory else "None", str(n_jobs)]
    cells += [f"{statistics.median(some):.1f}" for some in (taken, used)]
    cells += [f"{min(taken):.1f} to {max(taken):.1f}", f"{min(used):.1f} to {max(used):.1f}"]
    cells += [f"{round(statistics.median(images))}", f"{scores[0]:.4f}"]
    assert len(set(scores)) == 1, "the searches differ in their results"
    print(_LINE.format(*cells), flush=True)


_LINE = "{:<11} {:<9} {:<7} {:>7} {:>7} {:>15} {:>15} {:>7} {:>7}"


def main(arguments=None):
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real")
    parser.add_argument("--fake")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=20, help="of the paper's classifier")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--recipes", nargs="+", choices=GRIDS, default=list(GRIDS))
    parser.add_argument("--case", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.case:
        search_once(options.case)
        return
    if not options.real or not options.fake:
        parser.error("give --real and --fake, two folders of faces")
    print(f"{options.images} faces, 3 folds, 12 x 3 candidates; medians of {options.repeats} runs")
    header = ["recipe", "memory", "n_jobs", "s", "CPU s", "range of s", "of CPU s", "images"]
    print(_LINE.format(*header, "AUC"))
    for recipe in options.recipes:
        measure(options, recipe)


if __name__ == "__main__":
    main()
