# SPDX-License-Identifier: BSD-3-Clause
"""Mean drop of the AUC on perturbed faces, of detectors trained with and without perturbed copies.

Run: python benchmarks/robustness.py --real DIR --fake DIR --copies 0 1 4
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from skfakespot import PerturbationAugmenter, make_fakespotter
from skfakespot.augmentation import KINDS, PRESETS
from skfakespot.datasets import load_face_folders
from skfakespot.robustness import mean_drop, robustness_curve


def main(arguments=None):
    """For each seed, split the faces, train on 75 % and test on 25 %; print every curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--recipe", choices=("paper", "statistics"), default="statistics")
    parser.add_argument("--features", choices=("layer", "channel"), help="default: the recipe's")
    parser.add_argument("--backbone", nargs="+", default=["dlib-resnet29"])
    parser.add_argument("--weights", nargs="+", help="file of each backbone, - for its own")
    parser.add_argument("--copies", nargs="+", type=int, default=[0, 1], help="of each image")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, metavar="KIND")
    parser.add_argument("--levels", choices=tuple(PRESETS), default="paper")
    parser.add_argument("--memory", type=Path, help="folder of the profiles; default: a new one")
    options = parser.parse_args(arguments)
    faces = load_face_folders(real=options.real, fake=options.fake)
    drops = {n_copies: [] for n_copies in options.copies}
    with tempfile.TemporaryDirectory() as folder:
        for seed in options.seeds:
            split = train_test_split(
                faces.data, faces.target, test_size=0.25, stratify=faces.target, random_state=seed
            )
            # A folder holds 4 GiB at most: one for each seed.
            memory = (options.memory or Path(folder)) / str(seed)
            for n_copies in options.copies:
                detector = make_detector(options, n_copies, memory, seed)
                drops[n_copies].append(measure(detector, split, options, seed))
    for n_copies, values in drops.items():
        clean, drop, relative = np.mean(values, axis=0)
        print(f"{n_copies} copies, mean of {len(values)} seeds: clean AUC {clean:.3f}, ", end="")
        print(f"mean drop {drop:.4f}, {relative:.2%} of the clean AUC")


def make_detector(options, n_copies, memory, seed):
    """Make a detector that adds so many perturbed copies of each training image."""
    augment = None
    if n_copies:
        augment = PerturbationAugmenter(n_copies=n_copies, levels=options.levels, random_state=seed)
    names = options.backbone
    detector = make_fakespotter(
        names[0] if len(names) == 1 else names,
        recipe=options.recipe,
        output=options.features,
        augment=augment,
        memory=memory,
        random_state=seed,
    )
    if options.weights:
        files = [None if file == "-" else file for file in options.weights]
        detector.set_params(coverage__weights=files[0] if len(names) == 1 else files)
    return detector


def measure(detector, split, options, seed):
    """Print the AUC at each level; return that of unperturbed faces and the mean drops."""
    X_train, X_test, y_train, y_test = split
    detector.fit(X_train, y_train)
    results = robustness_curve(
        detector,
        X_test,
        y_test,
        options.kinds or list(PRESETS[options.levels]),
        options.levels,
        n_bootstraps=0,
        random_state=seed,
    )
    augment = detector.named_steps.get("augment")
    n_copies = augment.n_copies if augment else 0
    print(f"seed {seed}, {n_copies} copies: mean drop {mean_drop(results):.4f}")
    levels = zip(results["perturbation"], results["score"], strict=True)
    print("   ", ", ".join(f"{level} {score:.3f}" for level, score in levels), flush=True)
    clean = results["score"].iloc[0]
    return clean, mean_drop(results), mean_drop(results, relative=True)


if __name__ == "__main__":
    main()
