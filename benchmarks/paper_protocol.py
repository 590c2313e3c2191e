# SPDX-License-Identifier: BSD-3-Clause
"""What the scripts that redo the paper's tables and figures share: faces, splits, detectors."""

from contextlib import suppress
from pathlib import Path

from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from skfakespot import make_fakespotter
from skfakespot.datasets import load_face_folders


def add_options(parser):
    """Declare the options that choose faces, split and detector."""
    parser.add_argument(
        "--row",
        nargs=3,
        action="append",
        default=[],
        metavar=("NAME", "REAL", "FAKE"),
        help="name of the fakes (PGGAN, StyleGAN2, ... as in Table 2, or any other), folder of "
        "real faces, folder of fake faces; can be given again",
    )
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="a row for each folder NAME in it that holds real and fake, or 0_real and 1_fake",
    )
    parser.add_argument(
        "--groups",
        choices=("file", "folder", "name"),
        default="file",
        help="what stays on one side of a split; see load_face_folders (default: %(default)s)",
    )
    parser.add_argument("--folds", type=int, default=5, metavar="K", help="default: %(default)s")
    parser.add_argument("--backbone", default="dlib-resnet29", help="default: %(default)s")
    parser.add_argument("--features", choices=("layer", "channel"), default="layer")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")


def load_rows(options):
    """Faces of each row, by its name."""
    groups = options.groups
    rows = {
        name: load_face_folders(real=real, fake=fake, groups=groups)
        for name, real, fake in options.row
    }
    if options.root is not None:
        for folder in sorted(options.root.iterdir()):
            with suppress(NotADirectoryError):  # it holds no such folders
                rows[folder.name] = load_face_folders(folder, groups=groups)
    if not rows:
        raise SystemExit("No faces: give --row NAME REAL FAKE, or a --root with such folders.")
    return rows


def splits(faces, options):
    """Training and test rows of each fold."""
    parameters = {"n_splits": options.folds, "shuffle": True, "random_state": options.seed}
    if options.groups == "file":
        return list(StratifiedKFold(**parameters).split(faces.data, faces.target))
    folds = StratifiedGroupKFold(**parameters)
    return list(folds.split(faces.data, faces.target, faces.groups))


def make_detector(options, memory=None, **kwargs):
    """An unfitted detector; memory is a folder for what the network says of each face."""
    return make_fakespotter(
        options.backbone,
        output=options.features,
        memory=memory,
        random_state=options.seed,
        **kwargs,
    )
