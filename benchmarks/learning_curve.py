# SPDX-License-Identifier: BSD-3-Clause
"""Learning curves of detectors: the AUC over five folds against the number of training faces.

Run: python benchmarks/learning_curve.py --real DIR --fake DIR
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.model_selection import LearningCurveDisplay, StratifiedKFold, learning_curve

from skfakespot import count_network_images, make_fakespotter
from skfakespot.datasets import load_face_folders

AIM = 0.99


def main(arguments=None):
    """Measure the curves, print them and their power laws, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 200, 400, 800, 1280])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument(
        "--faceres", metavar="FILE", help="faceres.json, to measure vggface2-mobilenet too"
    )
    parser.add_argument("--memory", type=Path, help="folder of the profiles; default: a new one")
    parser.add_argument("--output", type=Path, default=Path("learning_curve.png"))
    options = parser.parse_args(arguments)
    faces = load_face_folders(real=options.real, fake=options.fake)
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    with tempfile.TemporaryDirectory() as folder:
        for name, detector in make_detectors(options.memory or Path(folder), options.faceres):
            start = time.perf_counter()
            with count_network_images() as count:
                curve = measure(detector, faces, options)
            seconds = time.perf_counter() - start
            print(f"{name}: {seconds:.0f} s, {count.n_images} images through the network")
            print_curve(curve.train_sizes, curve.test_scores)
            curve.plot(axes, score_type="test", line_kw={"marker": "o"})
            curve.lines_[0].set_label(name)
    axes.set(xscale="log", xticks=options.sizes, xticklabels=options.sizes)
    axes.set(xlabel="training faces", ylabel=f"AUC, {options.folds} folds")
    axes.minorticks_off()
    axes.legend()
    figure.savefig(options.output, dpi=100)
    print(f"The curves are in {options.output}")


def measure(detector, faces, options):
    """Train the detector on parts of the training faces of each fold, and test it."""
    train_sizes, train_scores, test_scores = learning_curve(
        detector,
        faces.data,
        faces.target,
        train_sizes=options.sizes,
        cv=StratifiedKFold(options.folds, shuffle=True, random_state=0),
        scoring="roc_auc",
        shuffle=True,
        random_state=0,
        error_score="raise",
    )
    return LearningCurveDisplay(
        train_sizes=train_sizes,
        train_scores=train_scores,
        test_scores=test_scores,
        score_name="AUC",
    )


def make_detectors(memory, faceres):
    """Name and make the detectors, each with its own folder of profiles."""
    yield "layer counts", make_fakespotter(memory=memory / "layer", random_state=0)
    counts = make_fakespotter(output="channel", memory=memory / "channel", random_state=0)
    yield "feature-map counts", counts
    statistics = make_fakespotter(recipe="statistics", memory=memory / "statistics")
    yield "statistics", statistics
    if faceres:
        mobilenet = make_fakespotter(
            "vggface2-mobilenet", recipe="statistics", memory=memory / "mobilenet"
        )
        mobilenet.set_params(coverage__weights=faceres)
        yield "statistics, vggface2-mobilenet", mobilenet


def print_curve(sizes, scores):
    """Print the AUCs and, if they rise, the power law that is fitted to 1 - AUC."""
    cells = [
        f"{size}: {row.mean():.3f} ± {row.std():.3f}"
        for size, row in zip(sizes, scores, strict=True)
    ]
    print(f"    {', '.join(cells)}", flush=True)
    aucs = scores.mean(axis=1)
    if not (np.diff(aucs) > 0).all() or aucs[-1] == 1:
        return
    exponents, aims = power_laws(sizes, aucs)
    steps = ", ".join(f"{exponent:.2f}" for exponent in exponents[1:])
    print(f"    1 - AUC ~ n^{exponents[0]:.2f}; from size to size n^ {steps}")
    print(f"    a guess: {AIM} at {aims[0]:.1e} faces by all sizes, {aims[1]:.1e} by the last two")


def power_laws(sizes, aucs):
    """Exponents of 1 - AUC, of all sizes and from each to the next; sizes at which it is AIM."""
    x, y, aim = np.log(sizes), np.log(1 - aucs), np.log(1 - AIM)
    exponent, constant = np.polyfit(x, y, 1)
    steps = np.diff(y) / np.diff(x)
    of_all, of_last = (aim - constant) / exponent, x[-1] + (aim - y[-1]) / steps[-1]
    return [exponent, *steps], np.exp([of_all, of_last])


if __name__ == "__main__":
    main()
