# SPDX-License-Identifier: BSD-3-Clause
"""The command compare: several detectors on the same folds."""

import sys

from ..scoring import without_nan
from ._inputs import load_faces, load_further_faces, read_groups
from ._output import check_folder_exists, new_figure, print_json


def compare(options):
    """Compare detectors on the faces of two folders; the status is 1 if one of them failed."""
    from ..comparison import ComparisonDisplay, compare_detectors, figure_size, make_detectors

    names = None if options.methods is None else options.methods.split(",")
    detectors = make_detectors(names, random_state=options.seed)
    figure = None
    if options.figure is not None:
        check_folder_exists(options.figure)
        figure = new_figure("compare", extra="plot")
    faces, skipped = load_faces(options)
    groups = read_groups(options.groups, faces.data)
    further = load_further_faces(options.zero_shot, faces, options)
    comparison = compare_detectors(
        detectors,
        faces.data,
        faces.target,
        groups=groups,
        cv=options.folds,
        zero_shot={name: (own.data, own.target) for name, own in further.items()},
        random_state=options.seed,
        verbose=int(sys.stderr.isatty()),
    )
    if figure is not None:
        figure.set_size_inches(figure_size(len(detectors)))
        ComparisonDisplay.from_comparison(comparison, ax=figure.subplots())
        figure.savefig(options.figure, dpi=100)
    if options.json:
        print_json({**_as_json(comparison, options), **skipped})
    else:
        print(comparison)
        if figure is not None:
            print(f"\nThe bars are in {options.figure}")
    return int(any(result.error for result in comparison.results.values()))


def _as_json(comparison, options):
    return {
        "results": [without_nan(row) for row in comparison.to_records()],
        "n_real": comparison.n_real,
        "n_fake": comparison.n_fake,
        "n_folds": comparison.n_folds,
        "seed": options.seed,
        "perturbations": [str(step) for step in comparison.perturbations],
        "zero_shot": comparison.zero_shot,
        "figure": options.figure and str(options.figure),
    }
