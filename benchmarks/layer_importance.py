# SPDX-License-Identifier: BSD-3-Clause
"""Which layers of dlib's network the detectors of both recipes depend on, on held-out faces.

Run: python benchmarks/layer_importance.py --real DIR --fake DIR --output PNG
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.model_selection import train_test_split

from skfakespot import count_network_images, make_fakespotter
from skfakespot.datasets import load_face_folders
from skfakespot.inspection import LayerImportanceDisplay, layer_importance

RECIPES = ("paper", "statistics")


def main(arguments=None):
    """Print a table of the layers, and draw the bars of both recipes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--seed", type=int, default=0, help="of the split and the permutations")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--output", type=Path, help="file of the picture; without it, none")
    options = parser.parse_args(arguments)
    faces = load_face_folders(real=options.real, fake=options.fake)
    X_train, X_test, y_train, y_test = train_test_split(
        faces.data, faces.target, test_size=0.25, stratify=faces.target, random_state=options.seed
    )
    results = {}
    for recipe in RECIPES:
        detector = make_fakespotter(recipe=recipe, random_state=options.seed)
        detector.fit(X_train, y_train)
        with count_network_images() as count:
            results[recipe] = layer_importance(
                detector, X_test, y_test, n_repeats=options.repeats, random_state=options.seed
            )
        print(
            f"{recipe}: AUC {results[recipe].baseline_score:.3f} of {len(y_test)} images; "
            f"{count.n_images} images passed through the network"
        )
    _print_table(results)
    if options.output:
        _draw(results, options.output)


def _print_table(results):
    names = next(iter(results.values())).layer_names
    print(f"\n{'layer':<22}" + "".join(f"{recipe:>34}" for recipe in results))
    for layer, name in enumerate(names):
        cells = (
            f"{result.importances_mean[layer]:+.4f} ({result.importances_low[layer]:+.4f} to "
            f"{result.importances_high[layer]:+.4f})"
            for result in results.values()
        )
        print(f"{name:<22}" + "".join(f"{cell:>34}" for cell in cells))
    for recipe, result in results.items():
        in_order = np.argsort(-result.importances_mean)[:5]
        print(f"{recipe}, the five highest: {', '.join(result.layer_names[in_order])}")


def _draw(results, file):
    n_layers = max(len(result.layer_names) for result in results.values())
    figure = Figure(figsize=(8, 1.2 + 0.2 * n_layers), layout="constrained")
    panels = figure.subplots(1, len(results), sharey=True)
    for panel, (recipe, result) in zip(panels, results.items(), strict=True):
        LayerImportanceDisplay.from_importances(result, ax=panel)
        panel.set(
            title=f'recipe "{recipe}"', xlabel=f"drop of the AUC ({result.baseline_score:.3f})"
        )
    figure.savefig(file, dpi=90)


if __name__ == "__main__":
    main()
