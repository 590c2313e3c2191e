# SPDX-License-Identifier: BSD-3-Clause
"""The paper's Figure 3 on your faces: a precision-recall curve for each sort of fakes.

Each curve is that of the faces which the first of the folds holds out.

Run: python benchmarks/figure3.py --row StyleGAN DIR/real DIR/fake --output figure3.png
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure
from paper_protocol import add_options, load_rows, make_detector, splits
from sklearn.metrics import PrecisionRecallDisplay


def main(argv=None):
    """Train, test, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--output", type=Path, default=Path("figure3.png"), metavar="FILE")
    options = parser.parse_args(argv)
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, faces in load_rows(options).items():
        train, test = splits(faces, options)[0]
        detector = make_detector(options).fit(faces.data[train], faces.target[train])
        display = PrecisionRecallDisplay.from_estimator(
            detector, faces.data[test], faces.target[test], name=name, ax=axes
        )
        print(
            f"{name}: AP {display.average_precision:.3f}, trained on {len(train)} faces, tested "
            f"on {len(test)} others",
            flush=True,
        )
    axes.set_title(f"{options.backbone}, {options.features} output")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    figure.savefig(options.output, dpi=80)
    print(f"The curves are in {options.output}")


if __name__ == "__main__":
    main()
