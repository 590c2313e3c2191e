# SPDX-License-Identifier: BSD-3-Clause
"""Time the statistics of feature maps in units of the bare network.

Run: python benchmarks/statistic_cost.py --real DIR --fake DIR --weights FACERES_JSON
"""

import argparse

from engine import BareNetwork, compare, read_all

from skfakespot import NeuronCoverageTransformer, clear_caches
from skfakespot.datasets import load_face_folders

MOMENTS = ("mean", "std", "skewness", "kurtosis")
SELECTIONS = {
    "coverage": ("coverage",),
    "mean, std, skewness, kurtosis": MOMENTS,
    "autocorrelation": ("autocorrelation",),
    "the four moments and autocorrelation": (*MOMENTS, "autocorrelation"),
    "gram": ("gram",),
    "coverage and grid": ("coverage", "grid"),
}


def main(arguments=None):
    """Print a table for each backbone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--weights", help="of vggface2-mobilenet; without it, that is left out")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    faces = load_face_folders(real=options.real, fake=options.fake)
    paths = faces.data[:: max(1, len(faces.data) // options.images)][: options.images]
    backbones = [("dlib-resnet29", None, (256, 256))]
    if options.weights:
        backbones.append(("vggface2-mobilenet", options.weights, (224, 224)))
    for name, weights, size in backbones:
        measure(name, weights, size, read_all(paths, size), options.repeats)


def measure(name, weights, size, images, repeats):
    """Print the time of `transform` and `fit_transform` for each selection of statistics."""
    actions = {}
    for title, statistics in SELECTIONS.items():
        reader = NeuronCoverageTransformer(
            name, weights=weights, image_size=size, output="channel", statistics=statistics
        ).fit(images[:32])
        actions[f"transform: {title}"] = lambda reader=reader: without_cache(
            reader.transform, images
        )
        if title in ("coverage", "the four moments and autocorrelation"):
            actions[f"fit_transform: {title}"] = lambda reader=reader: without_cache(
                reader.fit_transform, images
            )
    print(f"\n{name} at {size[0]} x {size[1]}, {len(images)} images")
    rate = compare(BareNetwork(reader.backbone_, images), actions, repeats)
    print(f"bare network: {1000 * rate / len(images):.1f} ms an image")


def without_cache(method, images):
    """Call a method while no profile is known."""
    clear_caches(networks=False)
    method(images)


if __name__ == "__main__":
    main()
