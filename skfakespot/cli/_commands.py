"""The commands: each takes the parsed options and returns the exit status."""

import dataclasses
import sys
import time

import numpy as np

from ..backbones import describe_backbones
from ..datasets import load_demo_faces, load_face_folders
from ._detectors import fit_and_report, load_detector, make_detector, save_detector, score_files
from ._faces import audit_faces, read_groups, split_faces
from ._output import (
    check_parent_exists,
    new_figure,
    print_json,
    print_reports,
    print_table,
)

_PREDICTED_AT_ONCE = 256


def demo(options):
    """Train and test on simulated fakes, print the metrics, draw the precision-recall curve."""
    from sklearn.model_selection import GroupShuffleSplit

    figure = new_figure("demo", extra="demo")
    check_parent_exists(options.output)
    faces = load_demo_faces()
    splitter = GroupShuffleSplit(1, test_size=0.25, random_state=options.seed)
    train_rows, test_rows = next(splitter.split(faces.data, faces.target, faces.groups))
    detector = make_detector(options.seed)
    reports, probability = fit_and_report(detector, faces, train_rows, test_rows)
    _draw_precision_recall(figure, faces.target[test_rows], probability)
    figure.savefig(options.output, dpi=120)
    if options.json:
        print_json({**reports, "simulated": True, "picture": str(options.output)})
        return 0
    print(
        "100 real faces (Labeled Faces in the Wild) and 100 SIMULATED fakes: the same faces\n"
        "after the up-sampling stage of a GAN's decoder. No image is the work of a GAN, so\n"
        "these figures say that the installation works, not how well real fakes are spotted.\n\n"
        f"Trained on {len(train_rows)} images, tested on {len(test_rows)} of other faces.\n"
    )
    print_reports(reports)
    print(f"\nThe precision-recall curve is in {options.output}")
    return 0


def _draw_precision_recall(figure, y_true, probability):
    from sklearn.metrics import PrecisionRecallDisplay

    figure.set_size_inches(5, 4)
    axes = figure.subplots()
    PrecisionRecallDisplay.from_predictions(
        y_true, probability, name="FakeSpotter, layer counts", plot_chance_level=True, ax=axes
    )
    axes.set_title("Simulated fakes (GAN up-sampling), held-out faces")
    axes.legend(loc="lower left")


def evaluate(options):
    """Train on a part of the images, print the eight metrics of the others, and audit the files."""
    faces = load_face_folders(real=options.real, fake=options.fake)
    groups = read_groups(options.groups, faces.data)
    audit = audit_faces(faces, groups)
    train_rows, test_rows = split_faces(faces, groups, options)
    start = time.perf_counter()
    detector = make_detector(options.seed, options)
    reports, _ = fit_and_report(detector, faces, train_rows, test_rows)
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
    if isinstance(audit, str):
        print(f"\nAudit of the files: {audit}")
    else:
        print(f"\nWARNING: these scores are suspect.\n{audit}" if audit.suspect else f"\n{audit}")
    return 0


def train(options):
    """Train on all images and save the detector."""
    check_parent_exists(options.output)
    faces = load_face_folders(real=options.real, fake=options.fake)
    detector = make_detector(options.seed, options)
    detector.fit(faces.data, faces.target)
    save_detector(detector, options.output)
    n_real, n_fake = np.bincount(faces.target).tolist()
    if options.json:
        print_json({"output": str(options.output), "n_real": n_real, "n_fake": n_fake})
    else:
        print(f"Trained on {n_real} real and {n_fake} fake faces; saved to {options.output}")
    return 0


def predict(options):
    """Print a score for each image; unreadable images go to stderr and make the exit status 2."""
    detector = load_detector(options.detector)
    all_readable = True
    for start in range(0, len(options.images), _PREDICTED_AT_ONCE):
        paths = options.images[start : start + _PREDICTED_AT_ONCE]
        probabilities, problems = score_files(detector, paths)
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
    """Print the networks, and whether their weights are on this machine."""
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
