# SPDX-License-Identifier: BSD-3-Clause
"""The commands: each takes the parsed options and returns the exit status, None for 0."""

import dataclasses
import sys
import time
import warnings
from collections import Counter

import numpy as np

from ..images import ImageError, is_video
from ..scoring import csv_line, iter_scores, without_nan
from ._comparison import compare
from ._detectors import check_name, fit_and_report, load_detector, make_detector, save_detector
from ._explain import PAGE, explain_images, write_page
from ._inputs import list_arguments, load_faces, read_groups
from ._output import check_folder_exists, new_figure, print_json, print_table

__all__ = ["backbones", "compare", "demo", "evaluate", "explain", "predict", "robustness", "train"]


def demo(options):
    """Train and test on simulated fakes, print the metrics, draw the precision-recall curve."""
    from sklearn.model_selection import GroupShuffleSplit

    from ..datasets import load_demo_faces

    check_folder_exists(options.output)
    figure = new_figure("demo", extra="demo")
    faces = load_demo_faces()
    splitter = GroupShuffleSplit(1, test_size=0.25, random_state=options.seed)
    train_rows, test_rows = next(splitter.split(faces.data, faces.target, faces.groups))
    detector = make_detector(options)
    reports, probability = fit_and_report(detector, faces, train_rows, test_rows)
    _draw_precision_recall(figure, faces.target[test_rows], probability)
    figure.savefig(options.output, dpi=120)
    if options.json:
        print_json({**reports, "simulated": True, "picture": str(options.output)})
        return
    print(
        "100 real faces (Labeled Faces in the Wild) and 100 SIMULATED fakes: the same faces\n"
        "after the up-sampling stage of a GAN's decoder. No image is the work of a GAN, so\n"
        "these figures say that the installation works, not how well real fakes are spotted.\n\n"
        f"Trained on {len(train_rows)} images, tested on {len(test_rows)} of other faces.\n"
    )
    _print_reports(reports)
    print(f"\nThe precision-recall curve is in {options.output}")


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
    faces, skipped = load_faces(options)
    groups = read_groups(options.groups, faces.data)
    audit = _audit_faces(faces, groups)
    train_rows, test_rows = _split_faces(faces, groups, options)
    start = time.perf_counter()
    detector = make_detector(options)
    reports, _ = fit_and_report(detector, faces, train_rows, test_rows)
    seconds = time.perf_counter() - start
    if options.json:
        print_json(
            {
                **reports,
                "n_train": len(train_rows),
                "n_test": len(test_rows),
                "n_fake_in_test": int(faces.target[test_rows].sum()),
                "recipe": options.recipe,
                "backbone": " ".join(options.backbone),
                "features": detector["coverage"].output,
                "seed": options.seed,
                "seconds": round(seconds, 1),
                "format_audit": audit if isinstance(audit, str) else dataclasses.asdict(audit),
                **skipped,
            }
        )
        return
    print(
        f"Trained on {len(train_rows)} images, tested on {len(test_rows)} others, "
        f"seed {options.seed}, {seconds:.0f} s.\n"
    )
    _print_reports(reports)
    if isinstance(audit, str):
        print(f"\nAudit of the files: {audit}")
    else:
        warning = "WARNING: these scores are suspect.\n" if audit.suspect else ""
        print(f"\n{warning}{audit}")


def robustness(options):
    """Score a detector on perturbed faces, print how much its AUC drops, draw the curves."""
    from ..augmentation import PRESETS
    from ..robustness import RobustnessCurveDisplay, figure_size, mean_drop, robustness_curve

    check_folder_exists(options.output)
    figure = new_figure("robustness", extra="plot")
    if options.detector is not None and options.augment:
        raise ValueError("--augment is for training; it does not go with --detector.")
    faces, skipped = load_faces(options)
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
        print_json(
            {
                "results": [without_nan(row) for row in rows],
                **without_nan(
                    {"fall": mean_drop(rows), "relative_fall": mean_drop(rows, relative=True)}
                ),
                "picture": str(options.output),
                **skipped,
            }
        )
    else:
        _print_robustness(rows, tested, options)


def _prepare_detector(faces, groups, options):
    """Return a fitted detector, the rows to test it on, and a text about both."""
    if options.detector is not None:
        rows = np.arange(len(faces.target))
        tested = f"{options.detector}, tested on {len(rows)} images"
        return load_detector(options.detector, trust=options.trust), rows, tested
    train_rows, test_rows = _split_faces(faces, groups, options)
    detector = make_detector(options)
    detector.fit(faces.data[train_rows], faces.target[train_rows])
    tested = f"Trained on {len(train_rows)} images, tested on {len(test_rows)} others"
    return detector, test_rows, tested


def _print_robustness(rows, tested, options):
    from ..robustness import PAPER_MEAN_DROP, mean_drop

    print(f"{tested}, seed {options.seed}. AUC with intervals of 95 % (bootstrap).")
    if any(row["n_missing"] for row in rows):
        print('Images without a score are left out; "images" is the number of the others.')
    print()
    print_table(
        ["perturbation", "AUC", "interval", "drop", "interval", "images"],
        [
            [
                row["perturbation"],
                f"{row['score']:.3f}",
                f"{row['score_low']:.3f} to {row['score_high']:.3f}",
                f"{row['fall']:+.3f}",
                f"{row['fall_low']:+.3f} to {row['fall_high']:+.3f}",
                str(row["n_samples"]),
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


def train(options):
    """Train on all images and save the detector."""
    check_folder_exists(options.output)
    check_name(options.output, options.format)
    faces, skipped = load_faces(options)
    detector = make_detector(options)
    detector.fit(faces.data, faces.target)
    save_detector(detector, options.output, options.format)
    n_real, n_fake = np.bincount(faces.target).tolist()
    if options.json:
        print_json({"output": str(options.output), "n_real": n_real, "n_fake": n_fake, **skipped})
    else:
        print(f"Trained on {n_real} real and {n_fake} fake faces; saved to {options.output}")


def predict(options):
    """Score images and videos; those without a score are named on stderr, and the status is 2."""
    detector = load_detector(options.detector, trust=options.trust)
    paths, has_videos = list_arguments(options.images, null=options.null)
    has_videos = has_videos or options.frames is not None
    n_of_label, n_refused = Counter(), 0
    for score in _iter_scores(detector, paths, options, has_videos=has_videos):
        if score.error is not None:
            print(f"skfakespot: {score.path}: {score.error}", file=sys.stderr, flush=True)
            n_refused += not has_videos and is_video(score.path)
        if options.output is None:
            _print_score(score, with_header=not n_of_label, as_json=options.json)
        n_of_label[score.label] += 1
    if n_refused:
        print(
            f"skfakespot: {n_refused} of the files are videos. To score 32 frames of each, give "
            "--frames 32.",
            file=sys.stderr,
        )
    if options.output is not None:
        _print_counts(n_of_label, options, what="files" if has_videos else "images")
    return 2 if n_of_label[None] else 0


def _iter_scores(detector, paths, options, *, has_videos):
    parameters = {
        "threshold": options.threshold,
        "output": options.output,
        "verbose": int(options.output is not None and sys.stderr.isatty()),
    }
    if has_videos:
        from ..video import iter_video_scores

        n = {} if options.frames is None else {"n": options.frames}
        return iter_video_scores(detector, paths, **n, **parameters)
    return iter_scores(detector, paths, **parameters)


def _print_score(score, *, with_header, as_json):
    if as_json:
        print_json(without_nan(score._asdict()))
        return
    if with_header:
        print(*score._fields, sep=",")
    print(csv_line(score), end="", flush=True)


def _print_counts(n_of_label, options, what):
    n_fake, n_real, n_unreadable = (n_of_label[label] for label in ("fake", "real", None))
    if options.json:
        counts = {"n_fake": n_fake, "n_real": n_real, "n_unreadable": n_unreadable}
        print_json({"output": str(options.output), **counts})
        return
    print(
        f"{n_fake} {what} are labelled fake and {n_real} real; {n_unreadable} cannot be read. "
        f"The scores are in {options.output}"
    )


def explain(options):
    """Draw why a detector scores images as it does; those without a picture make the status 2."""
    new_figure("explain", extra="plot")
    detector = load_detector(options.detector, trust=options.trust)
    paths, _ = list_arguments(options.images, null=options.null, videos=False)
    options.output.mkdir(parents=True, exist_ok=True)
    explanations = []
    for each in explain_images(
        detector, list(paths), options.output, lambda: new_figure("explain", extra="plot")
    ):
        if each.error is not None:
            print(f"skfakespot: {each.path}: {each.error}", file=sys.stderr, flush=True)
        _print_score(each, with_header=not explanations, as_json=options.json)
        explanations.append(each)
    if options.html:
        write_page(explanations, options.output / PAGE)
    return 2 if any(each.error is not None for each in explanations) else 0


def backbones(options):
    """Print the networks, and whether their weights are on this machine; or the layers of one."""
    from ..backbones import describe_backbones

    if options.layers is not None:
        _print_layers(options)
        return
    cards = describe_backbones()
    if options.json:
        paths = (card.weights and str(card.weights) for card in cards)
        rows = zip(cards, paths, strict=True)
        print_json([{**card._asdict(), "weights": path} for card, path in rows])
        return
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


def _print_layers(options):
    from ..inspection import list_layers

    cards = list_layers(options.layers)
    if options.json:
        print_json([card._asdict() for card in cards])
        return
    print_table(
        ["layer", "kind", "output", "neurons", "maps", "read?"],
        [
            [
                card.name,
                card.kind,
                " x ".join(map(str, card.shape)),
                f"{card.n_neurons:,}",
                str(card.n_maps),
                "yes" if card.selected else "",
            ]
            for card in cards
        ],
    )
    n_read = sum(card.selected for card in cards)
    print(f'\n{n_read} of {len(cards)} layers are read with layers="conv+dense", the default.')


def _split_faces(faces, groups, options):
    """Return the rows to train and to test on, as the options say; no group is on both sides."""
    from sklearn.model_selection import StratifiedGroupKFold, train_test_split

    rows = np.arange(len(faces.target))
    if groups is None:
        return train_test_split(
            rows,
            test_size=options.test_size,
            stratify=faces.target,
            random_state=options.seed,
        )
    n_groups = len(np.unique(groups))
    n_folds = min(max(2, round(1 / options.test_size)), n_groups)
    if n_folds > 1:
        folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=options.seed)
        for parts in folds.split(rows, faces.target, groups):
            if all(len(np.unique(faces.target[part])) == 2 for part in parts):
                return parts
    raise ValueError(
        f"With undivided groups, no {options.test_size:.0%} of the faces can be tested on so that "
        f"there are real and fake ones on both sides. The number of groups is {n_groups}. "
        "Give more groups, or another --test-size."
    )


def _audit_faces(faces, groups):
    """Return the audit of the files, or a text that says why it is not possible."""
    from ..datasets import SuspectDataWarning, format_audit

    try:
        with warnings.catch_warnings():
            # The audit is printed with the metrics, so the warning would repeat it.
            warnings.simplefilter("ignore", SuspectDataWarning)
            return format_audit(faces.data, faces.target, groups=groups)
    except ImageError:
        raise
    except ValueError as error:
        return f"not possible: {error}"


def _print_reports(reports):
    """Print the eight metrics in both conventions, from a dict of convention to report."""
    names = reports["standard"]
    rows = [[name, *(f"{report[name]:.3f}" for report in reports.values())] for name in names]
    print_table(["metric", *reports], rows)
    print(
        "\nstandard: ap and auc from the scores. paper: ap and auc from the labels, fpr and fnr\n"
        "change places, as in Table 2 of the FakeSpotter paper."
    )
