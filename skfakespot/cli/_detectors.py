"""Detectors of the command line: made from options, loaded from a file, and used."""

import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from .._keras import import_keras
from .._labels import fake_label
from ..images import UnreadableImageWarning


def make_detector(options):
    """Make an unfitted detector."""
    from .. import make_fakespotter

    import_keras()
    backbones, weights = options.backbone, options.weights
    if weights is not None:
        if len(weights) != len(backbones):
            raise ValueError(
                f"--weights names {len(weights)} files and --backbone {len(backbones)} networks. "
                'Name one file for each, or "default".'
            )
        weights = [None if file == "default" else file for file in weights]
    detector = make_fakespotter(
        backbones[0] if len(backbones) == 1 else backbones,
        recipe=options.recipe,
        augment=options.augment or None,
        output=options.features,
        random_state=options.seed,
        verbose=int(sys.stderr.isatty()),
    )
    if weights is not None:
        weights = weights[0] if len(weights) == 1 else weights
    return detector.set_params(coverage__weights=weights)


def fit_and_report(detector, faces, train_rows, test_rows):
    """Train a detector; return its reports in both conventions, and the probabilities of fake."""
    from ..metrics import fake_detection_report

    detector.fit(faces.data[train_rows], faces.target[train_rows])
    probability = _probability_of_fake(detector, faces.data[test_rows])
    truth = faces.target[test_rows]
    reports = {
        convention: fake_detection_report(truth, probability, convention=convention)
        for convention in ("standard", "paper")
    }
    return reports, probability


def save_detector(detector, file):
    """Write a detector beside its file and then rename it, so that no file is incomplete."""
    import joblib

    handle, unfinished = tempfile.mkstemp(dir=file.parent, suffix=".part")
    os.close(handle)
    try:
        joblib.dump(detector, unfinished)
        Path(unfinished).replace(file)
    finally:
        Path(unfinished).unlink(missing_ok=True)


def load_detector(file):
    """Load what the command train saved, without the augmenter of the training images."""
    import joblib

    if not file.is_file():
        raise ValueError(f"{file} is no file; give what `skfakespot train` saved.")
    import_keras()
    try:
        detector = joblib.load(file)
    except Exception as error:
        raise ValueError(
            f"{file} cannot be loaded ({type(error).__name__}: {error}); give what `skfakespot "
            "train` saved, with the same versions installed."
        ) from error
    if "coverage" not in getattr(detector, "named_steps", {}):
        raise ValueError(
            f"{file} holds a {type(detector).__name__}; give what `skfakespot train` saved."
        )
    detector = detector[list(detector.named_steps).index("coverage") :]
    return detector.set_params(coverage__on_error="nan", coverage__verbose=0)


def score_files(detector, paths):
    """Return for each path the probability of fake, or NaN and the reason why it is unreadable."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnreadableImageWarning)
        coverage = detector[:1].transform(paths)
    problems = [None] * len(paths)
    for warning in caught:
        if isinstance(warning.message, UnreadableImageWarning):
            problems[warning.message.index] = warning.message.reason
        else:
            warnings.showwarning(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    probabilities = np.full(len(paths), np.nan)
    readable = [row for row, problem in enumerate(problems) if problem is None]
    if readable:
        probabilities[readable] = _probability_of_fake(detector[1:], coverage[readable])
    return probabilities, problems


def _probability_of_fake(detector, X):
    classes = list(detector.classes_)
    return detector.predict_proba(X)[:, classes.index(fake_label(classes))]
