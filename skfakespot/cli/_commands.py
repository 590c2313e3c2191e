"""The commands: each takes the parsed options and returns the exit status."""

import csv
import dataclasses
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from .. import make_fakespotter
from ..backbones import describe_backbones
from ..datasets import SuspectDataWarning, format_audit, load_demo_faces, load_face_folders
from ..images import ImageError, UnreadableImageWarning
from ..metrics import fake_detection_report, fake_label
from ._output import print_audit, print_json, print_reports, print_table, start_keras

_PREDICTED_AT_ONCE = 256


def demo(options):
    """Train and test on simulated fakes, print the metrics, draw the precision-recall curve."""
    from sklearn.model_selection import GroupShuffleSplit

    plt = _import_pyplot()
    _check_folder_of(options.output)
    faces = load_demo_faces()
    splitter = GroupShuffleSplit(1, test_size=0.25, random_state=options.seed)
    split = next(splitter.split(faces.data, faces.target, faces.groups))
    detector = _make_detector(options.seed)
    reports, probability = _fit_and_report(detector, faces, *split)

    from sklearn.metrics import PrecisionRecallDisplay

    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    PrecisionRecallDisplay.from_predictions(
        faces.target[split[1]],
        probability,
        name="FakeSpotter, layer counts",
        plot_chance_level=True,
        ax=axes,
    )
    axes.set_title("Simulated fakes (GAN up-sampling), held-out faces")
    axes.legend(loc="lower left")
    figure.savefig(options.output, dpi=120)
    if options.json:
        print_json({**reports, "simulated": True, "picture": str(options.output)})
        return 0
    print(
        "100 real faces (Labeled Faces in the Wild) and 100 SIMULATED fakes: the same faces\n"
        "after the up-sampling stage of a GAN's decoder. No image is the work of a GAN, so\n"
        "these figures say that the installation works, not how well real fakes are spotted.\n\n"
        f"Trained on {len(split[0])} images, tested on {len(split[1])} of other faces.\n"
    )
    print_reports(reports)
    print(f"\nThe precision-recall curve is in {options.output}")
    return 0


def evaluate(options):
    """Split, train, and print the eight metrics on the images held out; audit the files."""
    faces = load_face_folders(real=options.real, fake=options.fake)
    groups = _read_groups(options.groups, faces.data)
    audit = _audit(faces, groups)
    train_rows, test_rows = _split(faces, groups, options)
    start = time.perf_counter()
    detector = _make_detector(options.seed, options)
    reports, _ = _fit_and_report(detector, faces, train_rows, test_rows)
    seconds = time.perf_counter() - start
    if options.json:
        print_json(
            {
                **reports,
                "n_train": len(train_rows),
                "n_test": len(test_rows),
                "n_fake_in_test": int(faces.target[test_rows].sum()),
                "backbone": options.backbone,
                "features": options.features,
                "seed": options.seed,
                "seconds": round(seconds, 1),
                "format_audit": audit if isinstance(audit, str) else dataclasses.asdict(audit),
            }
        )
        return 0
    print(
        f"Trained on {len(train_rows)} images, tested on {len(test_rows)} others, "
        f"seed {options.seed}, {seconds:.0f} s.\n"
    )
    print_reports(reports)
    print_audit(audit)
    return 0


def train(options):
    """Train on all images and save the detector."""
    import joblib

    _check_folder_of(options.output)
    faces = load_face_folders(real=options.real, fake=options.fake)
    detector = _make_detector(options.seed, options)
    detector.fit(faces.data, faces.target)
    # A file under its final name is whole: it is written beside it and renamed.
    handle, unfinished = tempfile.mkstemp(dir=options.output.parent, suffix=".part")
    os.close(handle)
    try:
        joblib.dump(detector, unfinished)
        Path(unfinished).replace(options.output)
    finally:
        Path(unfinished).unlink(missing_ok=True)
    n_real, n_fake = np.bincount(faces.target).tolist()
    if options.json:
        print_json({"output": str(options.output), "n_real": n_real, "n_fake": n_fake})
    else:
        print(f"Trained on {n_real} real and {n_fake} fake faces; saved to {options.output}")
    return 0


def predict(options):
    """Score images; unreadable ones are reported on stderr and make the exit status 2."""
    detector = _load_detector(options.detector)
    all_readable = True
    for start in range(0, len(options.images), _PREDICTED_AT_ONCE):
        paths = options.images[start : start + _PREDICTED_AT_ONCE]
        probabilities, problems = _score(detector, paths)
        for path, probability, problem in zip(paths, probabilities, problems, strict=True):
            if problem is not None:
                all_readable = False
                print(f"skfakespot: {path}: {problem}", file=sys.stderr, flush=True)
                continue
            label = "fake" if probability >= options.threshold else "real"
            if options.json:
                print_json({"path": path, "label": label, "probability": float(probability)})
            else:
                print(path, label, f"{probability:.4f}", sep="\t", flush=True)
    return 0 if all_readable else 2


def backbones(options):
    """List the networks, and whether their weights are on this machine."""
    cards = describe_backbones()
    if options.json:
        paths = (card.weights and str(card.weights) for card in cards)
        rows = zip(cards, paths, strict=True)
        print_json([{**card._asdict(), "weights": path} for card, path in rows])
        return 0
    print_table(
        ["name", "layers", "neurons", "input", "licence of the weights", "weights present?"],
        [
            [
                card.name,
                str(card.n_layers),
                f"{card.n_neurons:,}",
                "{} x {}".format(*card.input_size),
                card.licence,
                "yes" if card.weights else "no, they are downloaded at first use",
            ]
            for card in cards
        ],
    )
    return 0


def _make_detector(seed, options=None):
    start_keras()
    if options is None:
        return make_fakespotter(random_state=seed, verbose=1)
    detector = make_fakespotter(
        options.backbone,
        augment=options.augment or None,
        output=options.features,
        random_state=seed,
        verbose=1,
    )
    return detector.set_params(coverage__weights=options.weights)


def _split(faces, groups, options):
    from sklearn.model_selection import StratifiedGroupKFold, train_test_split

    rows = np.arange(len(faces.target))
    if groups is None:
        return train_test_split(
            rows,
            test_size=options.test_size,
            stratify=faces.target,
            random_state=options.seed,
        )
    n_folds = max(2, round(1 / options.test_size))
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=options.seed)
    return next(folds.split(rows, faces.target, groups))


def _audit(faces, groups):
    """What file facts tell of the classes, or why that can't be said."""
    try:
        with warnings.catch_warnings():
            # It is said with the figures, on stdout.
            warnings.simplefilter("ignore", SuspectDataWarning)
            return format_audit(faces.data, faces.target, groups=groups)
    except ImageError:
        raise
    except ValueError as error:
        return f"not possible: {error}"


def _read_groups(file, paths):
    """Group of each path, from a CSV file of lines PATH,GROUP; None without a file."""
    if file is None:
        return None
    group_of = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for number, line in enumerate(csv.reader(lines), start=1):
            if len(line) != 2:
                raise ValueError(f"{file}, line {number}: {line} is not PATH,GROUP.")
            group_of[(file.parent / line[0]).resolve()] = line[1]
    groups = [group_of.get(Path(path).resolve()) for path in paths]
    missing = [path for path, group in zip(paths, groups, strict=True) if group is None]
    if missing:
        raise ValueError(
            f"{file} gives no group for {len(missing)} of {len(paths)} images, the first of them "
            f"{missing[0]}. Relative paths start at {file.parent.resolve()}."
        )
    return np.array(groups)


def _fit_and_report(detector, faces, train_rows, test_rows):
    detector.fit(faces.data[train_rows], faces.target[train_rows])
    probability = _probability_of_fake(detector, faces.data[test_rows])
    truth = faces.target[test_rows]
    reports = {
        convention: fake_detection_report(truth, probability, convention=convention)
        for convention in ("standard", "paper")
    }
    return reports, probability


def _probability_of_fake(detector, X):
    classes = list(detector.classes_)
    return detector.predict_proba(X)[:, classes.index(fake_label(classes))]


def _load_detector(file):
    import joblib

    if not file.is_file():
        raise ValueError(f"{file} is no file; give what `skfakespot train` saved.")
    start_keras()
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
    # An augmenter, which has done its work, comes before.
    detector = detector[list(detector.named_steps).index("coverage") :]
    return detector.set_params(coverage__on_error="nan", coverage__verbose=0)


def _score(detector, paths):
    """Probabilities of fake (NaN where unreadable), and the reason or None for each path."""
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


def _check_folder_of(file):
    if not file.parent.is_dir():
        raise ValueError(f"{file} cannot be written: there is no folder {file.parent}.")


def _import_pyplot():
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise ImportError(
            "The demo draws with matplotlib. Install it with: pip install 'skfakespot[demo]'"
        ) from error
    mpl.use("agg")
    import matplotlib.pyplot as plt

    return plt
