"""Detectors of the command line: made from options, loaded from a file, and used."""

import os
import sys
import tempfile
from pathlib import Path

from .. import fake_probability
from .._keras import import_keras


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
    probability = fake_probability(detector, faces.data[test_rows])
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
    """Load what the command train saved, or another fitted classifier, without its messages."""
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
    if not hasattr(detector, "predict_proba"):
        raise ValueError(
            f"{file} holds a {type(detector).__name__}, which gives no probabilities; give what "
            "`skfakespot train` saved."
        )
    verbose = (name for name in detector.get_params() if name.split("__")[-1] == "verbose")
    return detector.set_params(**dict.fromkeys(verbose, 0))
