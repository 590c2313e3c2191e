"""The command robustness: the curves of the paper's section 4.3, on the user's faces."""

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
from ._detectors import load_detector, make_detector
from ._faces import read_groups, split_faces
from ._output import check_parent_exists, new_figure, print_json, print_table


def add_options(command):
    """Add the options that the command evaluate does not have."""
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


def robustness(options):
    """Score a detector on perturbed faces, print how much its AUC drops, draw the curves."""
    figure = new_figure("robustness", extra="plot")
    check_parent_exists(options.output)
    if options.detector is not None and options.augment:
        raise ValueError("--augment is for training; it does not go with --detector.")
    faces = load_face_folders(real=options.real, fake=options.fake)
    groups = read_groups(options.groups, faces.data)
    detector, test_rows, tested = _prepare_detector(faces, groups, options)
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
    # Without pandas, the results are a list of the rows already.
    rows = results if isinstance(results, list) else results.to_dict("records")
    if options.json:
        _print_json(rows, options)
    else:
        _print_text(rows, tested, options)
    return 0


def _prepare_detector(faces, groups, options):
    """Return a fitted detector, the rows to test it on, and a text about both."""
    if options.detector is not None:
        # Unreadable files are an error here, as they are where the detector is trained.
        detector = load_detector(options.detector).set_params(coverage__on_error="raise")
        rows = np.arange(len(faces.target))
        return detector, rows, f"{options.detector}, tested on {len(rows)} images"
    train_rows, test_rows = split_faces(faces, groups, options)
    detector = make_detector(options.seed, options)
    detector.fit(faces.data[train_rows], faces.target[train_rows])
    tested = f"Trained on {len(train_rows)} images, tested on {len(test_rows)} others"
    return detector, test_rows, tested


def _print_json(rows, options):
    print_json(
        {
            "results": [{**rows[0], "level": None}, *rows[1:]],  # JSON has no NaN
            "fall": mean_drop(rows),
            "relative_fall": mean_drop(rows, relative=True),
            "picture": str(options.output),
        }
    )


def _print_text(rows, tested, options):
    print(f"{tested}, seed {options.seed}. AUC with intervals of 95 % (bootstrap).\n")
    print_table(
        ["perturbation", "AUC", "interval", "drop", "interval"],
        [
            [
                row["perturbation"],
                f"{row['score']:.3f}",
                f"{row['score_low']:.3f} to {row['score_high']:.3f}",
                f"{row['fall']:+.3f}",
                f"{row['fall_low']:+.3f} to {row['fall_high']:+.3f}",
            ]
            for row in rows
        ],
    )
    print(
        f"\nMean drop of the AUC: {mean_drop(rows):.4f}, "
        f"{mean_drop(rows, relative=True):.2%} of the clean AUC.\n"
        f"The FakeSpotter paper reports less than {PAPER_MEAN_DROP:.2%} on its own faces and "
        f"levels.\n\nThe curves are in {options.output}"
    )
