# SPDX-License-Identifier: BSD-3-Clause
"""The command line: ``skfakespot`` and ``python -m skfakespot``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from .._perturbations import KINDS, PRESETS
from ._start import import_for_prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

_BACKBONE = "dlib-resnet29"
_INTERRUPTED = 130  # as shells report a program that SIGINT has ended: 128 + 2
_COMMANDS = (
    ("demo", "train and test on 100 real faces and simulated fakes"),
    ("evaluate", "train and test a detector on your faces"),
    ("compare", "train and test several detectors on your faces, in one table"),
    ("robustness", "measure a detector on perturbed faces"),
    ("train", "train a detector and save it"),
    (
        "predict",
        "score images and videos with a saved detector: print path, probability of fake and label "
        "as CSV",
    ),
    ("explain", "draw why a saved detector scores images as it does, in a picture for each"),
    ("backbones", "list the backbones, or the layers of one"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : list of str, default=None
        The command line without the program's name; None for that of the process.

    Returns
    -------
    status : int
        0 if all went well, 2 if the input is bad, 1 if something else failed, 130 if the user
        pressed Ctrl-C.
    """
    return _run(_parser().parse_args(arguments))


def run_program() -> int:
    """Run the command of this process; see `main`. It owns the process, and starts faster."""
    return _run(_parser().parse_args(), owns_process=True)


def _run(options, *, owns_process=False):
    try:
        if owns_process and options.command == "predict":
            import_for_prediction(options.detector)
        # Only now, so that the help does not wait for scikit-learn.
        from . import _commands

        return getattr(_commands, options.command)(options) or 0
    except BrokenPipeError:
        # The reader, such as head, has closed the pipe. Python would report that again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("skfakespot: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except (ValueError, OSError, ImportError) as error:
        print(f"skfakespot: {error}", file=sys.stderr)
        return 1 if isinstance(error, ImportError) else 2


def _parser():
    parser = argparse.ArgumentParser(
        prog="skfakespot",
        description="Detect AI-made faces by the neuron coverage of a face-recognition network.",
    )
    parser.add_argument("--version", action="version", version=f"skfakespot {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    commands = {}
    for name, summary in _COMMANDS:
        command = subparsers.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        command.set_defaults(command=name)
        command.add_argument("--json", action="store_true", help="print JSON instead of a table")
        commands[name] = command
    for name in ("evaluate", "compare", "robustness", "train"):
        _add_folders(commands[name])
    for name in ("evaluate", "robustness"):
        _add_split(commands[name])
    _add_comparison(commands["compare"])
    _add_robustness(commands["robustness"])
    commands["demo"].set_defaults(
        recipe="paper",
        backbone=[_BACKBONE],
        weights=None,
        features=None,
        augment=False,
        faces=False,
    )
    _add_picture(commands["demo"], "skfakespot-demo.png", "precision-recall curve")
    _add_picture(commands["robustness"], "skfakespot-robustness.png", "curves")
    commands["train"].add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="file to save the detector to"
    )
    commands["train"].add_argument(
        "--format",
        choices=("skops", "joblib"),
        default="skops",
        help="kind of the file: skops runs no code when it is loaded, joblib may "
        "(default: %(default)s)",
    )
    for name in ("evaluate", "robustness", "train"):
        _add_detector(commands[name])
    for name in ("demo", "evaluate", "compare", "robustness", "train"):
        commands[name].add_argument(
            "--seed",
            type=int,
            default=0,
            metavar="N",
            help="seed of the split or the folds, and the classifiers (default: %(default)s)",
        )
    _add_saved_detector_and_images(
        commands["predict"],
        "image or video file; folder, searched to any depth for both; pattern such as "
        '"photos/**/*.jpg"; or - for a list of files on stdin, one on each line',
    )
    _add_scores(commands["predict"])
    _add_saved_detector_and_images(
        commands["explain"],
        'image file; folder, searched to any depth; pattern such as "photos/**/*.jpg"; or - for a '
        "list of files on stdin, one on each line",
    )
    _add_explanations(commands["explain"])
    _add_layers(commands["backbones"])
    return parser


def _add_folders(command):
    for label in ("real", "fake"):
        command.add_argument(
            f"--{label}",
            type=Path,
            required=True,
            metavar="DIR",
            help=f"folder of {label} faces, searched to any depth",
        )
    command.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="if images cannot be read: list them and stop before the training, or list them and "
        "leave them out (default: %(default)s)",
    )


def _add_split(command):
    command.add_argument(
        "--test-size",
        type=_share,
        default=0.25,
        metavar="SHARE",
        help="share of the images to test on, between 0 and 1 (default: %(default)s)",
    )
    _add_groups(command)


def _add_groups(command):
    command.add_argument(
        "--groups",
        type=Path,
        metavar="FILE",
        help="CSV file with a line PATH,GROUP for each image, where a group is an identity or a "
        "video: all images of a group are used either for training or for testing; relative "
        "paths start at the folder of the file",
    )


def _add_comparison(command):
    _add_groups(command)
    command.add_argument(
        "--methods",
        metavar="NAME,...",
        help="the detectors, such as fakespotter-layer,fakespotter-channel,"
        "fakespotter-statistics,log-dct; a wrong name lists all (default: all)",
    )
    command.add_argument(
        "--zero-shot",
        nargs="+",
        type=Path,
        default=[],
        metavar="DIR",
        help="folders of further fakes, or of folders real and fake, which are tested on but never "
        "trained on",
    )
    command.add_argument(
        "--folds",
        type=_count,
        default=5,
        metavar="N",
        help="number of folds (default: %(default)s)",
    )
    command.add_argument(
        "--figure", type=Path, metavar="FILE", help="draw the AUC of each detector into this file"
    )


def _add_detector(command):
    command.add_argument(
        "--recipe",
        choices=("paper", "statistics"),
        default="paper",
        help="counts of each layer and the paper's classifier, or the most accurate: statistics of "
        "each feature map and a ridge classifier (default: %(default)s)",
    )
    command.add_argument(
        "--backbone",
        nargs="+",
        default=[_BACKBONE],
        metavar="NAME",
        help="a name that the command backbones lists, or a .keras file; several are read together "
        f"(default: {_BACKBONE})",
    )
    command.add_argument(
        "--weights",
        nargs="+",
        metavar="FILE",
        help='weights of each backbone; "default" for the pre-trained ones (default: those of '
        "all backbones)",
    )
    command.add_argument(
        "--features",
        choices=("layer", "channel"),
        help="one feature for each layer, or features of each feature map (default: the recipe's)",
    )
    command.add_argument(
        "--augment",
        action="store_true",
        help="also train on a perturbed copy of each training face",
    )
    command.add_argument(
        "--faces",
        action="store_true",
        help="find the largest face of each image and cut it out; images without a face are named "
        "and left out",
    )


def _add_trust(command):
    command.add_argument(
        "--trust",
        action="store_true",
        help="also load a detector from a file that can run code, as those of joblib can: only if "
        "you or people you trust have made it",
    )


def _add_robustness(command):
    _add_trust(command)
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


def _add_picture(command, file, what):
    command.add_argument(
        "--output",
        type=Path,
        default=Path(file),
        metavar="FILE",
        help=f"file for the plot of the {what} (default: %(default)s)",
    )


def _add_explanations(command):
    command.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the pictures, which is made if it is missing. The picture of photo.jpg is "
        "photo-explained.png; those of equal names are numbered",
    )
    command.add_argument(
        "--html",
        action="store_true",
        help="also write a page with all pictures, index.html in the folder",
    )


def _add_saved_detector_and_images(command, images_help):
    command.add_argument(
        "detector",
        type=Path,
        metavar="FILE",
        help="detector that train saved",
    )
    _add_trust(command)
    command.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help=images_help,
    )
    command.add_argument(
        "--null",
        "-0",
        action="store_true",
        help="the names in the list on stdin end with a null byte, as `find -print0` writes them",
    )


def _add_scores(command):
    command.add_argument(
        "--frames",
        type=_count,
        metavar="N",
        help="score so many frames of each video, at equal distances (default: 32). It is needed "
        "if a list on stdin holds videos",
    )
    command.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the scores to this .csv or .parquet file instead of printing them; if an "
        "earlier run was interrupted, go on after its last score",
    )
    command.add_argument(
        "--threshold",
        type=_share,
        default=0.5,
        metavar="P",
        help="label an image or a video fake if its probability of fake is at least P "
        "(default: %(default)s)",
    )


def _add_layers(command):
    command.add_argument(
        "--layers",
        metavar="NAME",
        help="list the layers of this backbone instead, a name or a .keras file, and say which "
        "are read; nothing is downloaded",
    )


def _count(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def _share(text):
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value
