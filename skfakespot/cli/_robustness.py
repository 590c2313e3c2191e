"""The command robustness: the paper's section 4.3 on one's own faces."""

from pathlib import Path

import numpy as np

from ..augmentation import KINDS, PRESETS
from ..datasets import load_face_folders
from ..robustness import (
    PAPER_MEAN_DROP,
    RobustnessCurveDisplay,
    figure_size,
    mean_drop,
    robustness_curve,
)
from . import _commands
from ._output import print_json, print_table


def add_options(command):
    """Declare what the command takes beside the options of evaluate."""
    command.add_argument(
        "--detector",
        type=Path,
        metavar="FILE",
        help="detector that train saved. It is tested on all faces, and must not have been trained "
        "on any of them (default: train on a part of the faces)",
    )
    command.add_argument(
        "--kinds",
        nargs="+",
        choices=KINDS,
        metavar="KIND",
        help=f"perturbations: {', '.join(KINDS)} (default: all that --levels contains)",
    )
    command.add_argument(
        "--levels",
        choices=tuple(PRESETS),
        default="paper",
        help="preset of perturbation levels (default: %(default)s)",
    )
    command.add_argument(
        "--output",
        type=Path,
        default=Path("skfakespot-robustness.png"),
        metavar="FILE",
        help="file for the plot of the curves (default: %(default)s)",
    )


def robustness(options):
    """Score a detector on perturbed faces, print how much its AUC drops, draw the curves."""
    figure = _new_figure()
    _commands._check_folder_of(options.output)
    if options.detector is not None and options.augment:
        raise ValueError("--augment is for training; it does not go with --detector.")
    faces = load_face_folders(real=options.real, fake=options.fake)
    groups = _commands._read_groups(options.groups, faces.data)
    if options.detector is None:
        train_rows, test_rows = _commands._split(faces, groups, options)
        detector = _commands._make_detector(options.seed, options)
        detector.fit(faces.data[train_rows], faces.target[train_rows])
        tested = f"Trained on {len(train_rows)} images, tested on {len(test_rows)} others"
    else:
        detector = _commands._load_detector(options.detector).set_params(coverage__on_error="raise")
        test_rows = np.arange(len(faces.target))
        tested = f"{options.detector}, tested on {len(faces.target)} images"
    kinds = options.kinds or list(PRESETS[options.levels])
    results = robustness_curve(
        detector,
        faces.data[test_rows],
        faces.target[test_rows],
        kinds,
        options.levels,
        groups=None if groups is None else groups[test_rows],
        random_state=options.seed,
    )
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)
    figure.set_size_inches(figure_size(len(kinds)))
    name = "augmented" if options.augment else "detector"
    RobustnessCurveDisplay.from_results({name: results}, axes=panels)
    figure.savefig(options.output, dpi=120)
    drops = {"fall": mean_drop(results), "relative_fall": mean_drop(results, relative=True)}
    records = results if isinstance(results, list) else results.to_dict("records")
    if options.json:
        records[0]["level"] = None  # JSON has no NaN
        print_json({"results": records, **drops, "picture": str(options.output)})
        return 0
    print(f"{tested}, seed {options.seed}. AUC with intervals of 95 % (bootstrap).\n")
    rows = [_cells(record) for record in records]
    print_table(["perturbation", "AUC", "interval", "drop", "interval"], rows)
    print(
        f"\nMean drop of the AUC: {drops['fall']:.4f}, {drops['relative_fall']:.2%} of the clean "
        f"AUC.\nThe FakeSpotter paper reports less than {PAPER_MEAN_DROP:.2%} on its own faces and "
        f"levels.\n\nThe curves are in {options.output}"
    )
    return 0


def _cells(record):
    return [
        record["perturbation"],
        f"{record['score']:.3f}",
        f"{record['score_low']:.3f} to {record['score_high']:.3f}",
        f"{record['fall']:+.3f}",
        f"{record['fall_low']:+.3f} to {record['fall_high']:+.3f}",
    ]


def _new_figure():
    # Before the work is done; and not by pyplot, which may want a display.
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "robustness draws with matplotlib. Install it with: pip install 'skfakespot[plot]'"
        ) from error
    return Figure(layout="constrained")
