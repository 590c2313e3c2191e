# SPDX-License-Identifier: BSD-3-Clause
"""The paper's Figure 4 on your faces: the AUC on perturbed faces, a line for each sort of fakes.

Each line is that of the faces which the first of the folds holds out, with intervals of 95 %.

Run: python benchmarks/figure4.py --row StyleGAN DIR/real DIR/fake --output figure4.png
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure
from paper_protocol import add_options, load_rows, make_detector, splits

from skfakespot.augmentation import KINDS, PRESETS
from skfakespot.robustness import (
    PAPER_MEAN_DROP,
    RobustnessCurveDisplay,
    figure_size,
    mean_drop,
    robustness_curve,
)


def main(argv=None):
    """Train, perturb, test, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, metavar="KIND")
    parser.add_argument("--levels", choices=tuple(PRESETS), default="paper")
    parser.add_argument("--output", type=Path, default=Path("figure4.png"), metavar="FILE")
    options = parser.parse_args(argv)
    kinds, results = options.kinds or list(PRESETS[options.levels]), {}
    for name, faces in load_rows(options).items():
        train, test = splits(faces, options)[0]
        detector = make_detector(options).fit(faces.data[train], faces.target[train])
        results[name] = robustness_curve(
            detector,
            faces.data[test],
            faces.target[test],
            kinds,
            options.levels,
            groups=faces.groups[test],
            random_state=options.seed,
        )
        print(f"{name}: the AUC falls by {mean_drop(results[name]):.4f} on average", flush=True)
    print(f"The paper reports less than {PAPER_MEAN_DROP:.2%} on its own faces and levels.")
    figure = Figure(figsize=figure_size(len(kinds)), layout="constrained")
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)
    RobustnessCurveDisplay.from_results(results, axes=panels)
    figure.savefig(options.output, dpi=80)
    print(f"The curves are in {options.output}")


if __name__ == "__main__":
    main()
