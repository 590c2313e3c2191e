# SPDX-License-Identifier: BSD-3-Clause
"""Whether evidence maps are faithful: how the decision value falls without parts of held-out fakes.

Run: python benchmarks/explanations.py --real DIR --fake DIR
"""

import argparse
import time

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skfakespot import make_fakespotter
from skfakespot.datasets import load_face_folders
from skfakespot.inspection import evidence_map, faithfulness

METHODS = ["linear", "occlusion"]
LINEAR = LogisticRegression(C=0.01, max_iter=2000)
# Of each detector: the parameters of `make_fakespotter`, and the methods that suit it.
DETECTORS = {
    "layers-mlp": ({}, ["occlusion"]),
    "layers-linear": ({"classifier": LINEAR}, ["linear", "occlusion"]),
    "maps-linear": ({"output": "channel", "classifier": LINEAR}, ["linear", "occlusion"]),
    "maps-svm": ({"output": "channel"}, ["occlusion"]),
    "statistics": ({"recipe": "statistics"}, ["occlusion"]),
}


def main(arguments=None):
    """Print a line for each detector and method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", required=True, metavar="DIR")
    parser.add_argument("--fake", required=True, metavar="DIR")
    parser.add_argument("--images", type=int, default=100, help="fakes (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the split (default: %(default)s)")
    parser.add_argument("--detectors", nargs="+", choices=DETECTORS, default=list(DETECTORS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    options = parser.parse_args(arguments)
    faces = load_face_folders(real=options.real, fake=options.fake)
    rows = np.arange(len(faces.target))
    train, test = train_test_split(
        rows, test_size=0.25, stratify=faces.target, random_state=options.seed
    )
    fakes = faces.data[test[faces.target[test] == 1][: options.images]]
    print(f"Trained on {len(train)} faces; {len(fakes)} held-out fakes. Fall of the decision value")
    print("without a tenth of the pixels; in brackets intervals of 95 % (bootstrap over fakes).")
    for name in options.detectors:
        parameters, methods = DETECTORS[name]
        detector = make_fakespotter(random_state=options.seed, **parameters)
        detector.fit(faces.data[train], faces.target[train])
        for method in (each for each in methods if each in options.methods):
            report(name, method, detector, fakes, options.seed)


def report(name, method, detector, fakes, seed):
    """Print how faithful the maps of a method are, and the time that a map takes."""
    evidence_map(detector, fakes[:1], method=method)  # compiles the network
    start = time.perf_counter()
    evidence = evidence_map(detector, fakes, method=method)
    seconds = (time.perf_counter() - start) / len(fakes)
    falls = faithfulness(detector, fakes, evidence, random_state=seed)
    means = "  ".join(f"{part} {falls[part].mean():+.3f}" for part in ("top", "random", "bottom"))
    differences = "  ".join(
        f"{part.replace('_', ' ')} {{:+.3f}} [{{:+.3f}}, {{:+.3f}}]".format(*falls[part])
        for part in ("top_minus_random", "top_minus_bottom")
    )
    value = evidence.decision_values.mean()
    print(
        f"{name}, {method}: decision value {value:.2f}  {means}  {differences}  "
        f"{seconds:.2f} s an image",
        flush=True,
    )


if __name__ == "__main__":
    main()
