# SPDX-License-Identifier: BSD-3-Clause
"""FakeSpotter and its rivals on the same folds, in one table, beside the paper's Table 2.

Run: python benchmarks/rivals.py --real DIR --fake DIR
     python benchmarks/rivals.py --demo
"""

import argparse
import sys
from pathlib import Path

from matplotlib.figure import Figure
from paper_table2 import METRICS, paper_table2

from skfakespot.augmentation import PRESETS
from skfakespot.cli._inputs import load_further_faces, read_groups
from skfakespot.comparison import (
    ComparisonDisplay,
    compare_detectors,
    figure_size,
    list_detectors,
    make_detectors,
)
from skfakespot.datasets import load_demo_faces, load_face_folders


def main(arguments=None):
    """Compare, print the tables and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, metavar="DIR", help="folder of real faces")
    parser.add_argument("--fake", type=Path, metavar="DIR", help="folder of fakes")
    parser.add_argument("--demo", action="store_true", help="the demonstration's faces instead")
    parser.add_argument("--groups", type=Path, metavar="FILE", help="CSV file of PATH,GROUP")
    parser.add_argument("--zero-shot", nargs="+", type=Path, default=[], metavar="DIR")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="default: all")
    parser.add_argument("--levels", choices=("middle", *PRESETS), default="middle")
    parser.add_argument("--folds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=Path("rivals.png"), metavar="FILE")
    options = parser.parse_args(arguments)
    if not options.demo and not (options.real and options.fake):
        parser.error("give --real DIR and --fake DIR, or --demo")
    options.on_error = "raise"
    faces, groups = load_faces(options)
    further = load_further_faces(options.zero_shot, faces, options) if options.zero_shot else {}
    names = options.methods or list_detectors()
    comparison = compare_detectors(
        make_detectors(names, random_state=options.seed),
        faces.data,
        faces.target,
        groups=groups,
        cv=options.folds,
        levels=options.levels,
        zero_shot={name: (own.data, own.target) for name, own in further.items()},
        random_state=options.seed,
        verbose=1,
    )
    print(comparison)
    print("\nThe paper's Table 2, of its own faces:\n")
    print_table2()
    figure = Figure(figsize=figure_size(len(names)), layout="constrained")
    ComparisonDisplay.from_comparison(comparison, ax=figure.subplots())
    figure.savefig(options.output, dpi=100)
    print(f"\nThe bars are in {options.output}", file=sys.stderr)


def load_faces(options):
    """Return the faces, and their groups or None."""
    if options.demo:
        faces = load_demo_faces()
        return faces, faces.groups
    faces = load_face_folders(real=options.real, fake=options.fake)
    return faces, read_groups(options.groups, faces.data)


def print_table2():
    """Print the values of the paper for fakes that are whole faces of a GAN."""
    print(f"{'method, fakes':<24}" + "".join(f"{name:>10}" for name in METRICS))
    for method in ("FakeSpotter", "AutoGAN"):
        for fakes in ("StyleGAN", "StyleGAN2", "PGGAN"):
            values = paper_table2(method)[fakes].values()
            print(f"{method + ', ' + fakes:<24}" + "".join(f"{value:>10.3f}" for value in values))


if __name__ == "__main__":
    main()
