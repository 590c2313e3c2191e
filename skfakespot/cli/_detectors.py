# SPDX-License-Identifier: BSD-3-Clause
"""Detectors of the command line: made from options, loaded from a file, and used."""

import io
import sys
import zipfile

from .. import fake_probability, trusted_types
from .._complete_files import written_when_complete
from .._keras import import_keras
from .._regular_files import UnreadableFileError, open_regular_file

_ZIP = b"PK\x03\x04"  # how an archive begins, and so a file of skops
_MAX_BYTES = 1 << 30
_MAX_SCHEMA_BYTES = 1 << 24  # of the JSON part, which takes much more memory when it is parsed


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
        faces=options.faces,
        # Images that cannot be read have been found before, but not those without a face.
        on_error="nan" if options.faces else "raise",
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


def check_name(file, file_format):
    """Raise a ValueError if the name of a file says that it has the other format."""
    of_name = {".skops": "skops", ".joblib": "joblib", ".pkl": "joblib"}.get(file.suffix)
    if of_name not in (None, file_format):
        raise ValueError(
            f"{file} would be a file of {file_format}, with a name that says {of_name}: name it "
            f"{file.with_suffix('.' + file_format)}, or give --format {of_name}."
        )


def save_detector(detector, file, file_format):
    """Write a detector beside its file and then rename it, so that no file is incomplete."""
    if file_format == "skops":
        from skops.io import dump
    else:
        from joblib import dump

    with written_when_complete(file) as unfinished:
        dump(detector, unfinished)


def load_detector(file, *, trust):
    """Load what the command train saved, or another fitted classifier, without its messages.

    Only with `trust` is a file loaded that could run code.
    """
    try:
        opened = open_regular_file(file, kind="a detector's", max_bytes=_MAX_BYTES)
    except UnreadableFileError as error:
        raise ValueError(f"{file}: {error}; give what `skfakespot train` saved.") from error
    with opened:
        is_skops = opened.read(len(_ZIP)) == _ZIP
        opened.seek(0)
        if not is_skops and not trust:
            raise ValueError(
                f"{file} is not a file of skops. A file of joblib can run code when it is loaded: "
                "add --trust if you or people you trust have made it. Otherwise ask for a file "
                "that `skfakespot train` saved with --format skops."
            )
        if is_skops:
            import_skops()
        import_keras()
        detector = _load(opened, file, is_skops=is_skops, trust=trust)
    if not hasattr(detector, "predict_proba"):
        raise ValueError(
            f"{file} holds a {type(detector).__name__}, which gives no probabilities; give what "
            "`skfakespot train` saved."
        )
    verbose = (name for name in detector.get_params() if name.split("__")[-1] == "verbose")
    return detector.set_params(**dict.fromkeys(verbose, 0))


def _load(opened, file, *, is_skops, trust):
    import joblib

    try:
        return _load_skops(opened, trust=trust) if is_skops else joblib.load(opened)
    except Exception as error:
        raise ValueError(
            f"{file} cannot be loaded ({type(error).__name__}: {error}); give what `skfakespot "
            "train` saved, with the same versions installed."
        ) from error


def import_skops():
    """Import skops.io, before Keras: it looks for hundreds of names in all imported modules."""
    import skops.io

    return skops.io


def _load_skops(opened, *, trust):
    skops_io = import_skops()
    data = opened.read()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for names, limit in (archive.namelist(), _MAX_BYTES), (["schema.json"], _MAX_SCHEMA_BYTES):
            n_bytes = sum(archive.getinfo(name).file_size for name in names)
            if n_bytes > limit:
                raise ValueError(f"{names[-1]}: {n_bytes} bytes are more than {limit}")
    untrusted = sorted({*skops_io.get_untrusted_types(data=data)} - {*trusted_types()})
    if untrusted and not trust:
        raise ValueError(
            f"it holds {', '.join(untrusted)}, which could run code; add --trust if you or people "
            "you trust have made it"
        )
    return skops_io.loads(data, trusted=[*trusted_types(), *untrusted])
