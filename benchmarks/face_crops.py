# SPDX-License-Identifier: BSD-3-Clause
"""AUC of detectors on whole pictures, on square crops of their faces, and on aligned crops.

"Fixed" is the same square of every picture, the mean of the box crops: it enlarges the faces as
much, but does not follow them. "Native" crops are scaled once, from the picture to the size that
the network reads. "Resampled" ones are first scaled to a fixed size, as if they had been saved.
Every row is measured on the same pictures and folds, without the pictures in which no face is
found.

Run: python benchmarks/face_crops.py --real DIR --fake DIR, or --demo for the demonstration faces
"""

import argparse
import tempfile

import numpy as np
from paper_protocol import splits
from PIL import Image
from sklearn.model_selection import cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import Bunch

from skfakespot import make_fakespotter
from skfakespot.datasets import load_demo_faces, load_face_folders
from skfakespot.faces import FaceCrop, FaceCropper
from skfakespot.images import load_image

# What is cut out, and the margin.
CROPS = (("none", ""), ("fixed", 0.25), ("box", 0.25), ("aligned", 0.25), ("aligned", 0.5))


def main(arguments=None):
    """Leave out the pictures without a face, and print a table for each recipe."""
    options = parse(arguments)
    with tempfile.TemporaryDirectory() as memory:
        faces = leave_out_missing(load(options), options, memory)
        folds = [
            fold for repeat in range(options.repeats) for fold in splits_of(faces, options, repeat)
        ]
        print_squares(faces, folds, options, memory)
        for recipe in options.recipes:
            name = f"{recipe}, {options.backbone}"
            print(f"\n{name}, seed {options.seed}, {options.repeats} x {options.folds} folds")
            compare(recipe, faces, folds, options, memory)


def parse(arguments):
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", metavar="DIR")
    parser.add_argument("--fake", metavar="DIR")
    parser.add_argument("--demo", action="store_true", help="take load_demo_faces instead")
    parser.add_argument("--backbone", default="dlib-resnet29", help="default: %(default)s")
    parser.add_argument("--recipes", nargs="+", default=["paper", "statistics"])
    parser.add_argument("--crops", nargs="+", choices=dict(CROPS), default=list(dict(CROPS)))
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[128], help="of resampled pixels (%(default)s)"
    )
    parser.add_argument("--min-size", type=float, default=80, help="of FaceCropper (%(default)s)")
    parser.add_argument("--folds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=1, help="of the folds (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    options = parser.parse_args(arguments)
    if not options.demo and None in (options.real, options.fake):
        parser.error("give --real DIR and --fake DIR, or --demo")
    return options


def load(options):
    """Load the pictures; copies of a demonstration face are in one group."""
    if options.demo:
        return load_demo_faces()
    return load_face_folders(real=options.real, fake=options.fake)


def splits_of(faces, options, repeat):
    """Training and test rows of the folds of one repeat."""
    groups = "name" if options.demo else "file"
    return splits(faces, Bunch(folds=options.folds, groups=groups, seed=options.seed + repeat))


def leave_out_missing(faces, options, memory):
    """Keep the pictures in which a face is found, and print how many are left out."""
    cropper = FaceCropper(min_size=options.min_size, memory=memory).fit(faces.data)
    found = np.array([len(of_picture.boxes) > 0 for of_picture in cropper.get_faces(faces.data)])
    (n_real, n_fake), missing = np.bincount(faces.target), faces.target[~found]
    print(f"{n_real} real and {n_fake} fake pictures; min_size {options.min_size:g}")
    print(f"without a face: {(missing == 0).sum()} real and {(missing == 1).sum()} fake, left out")
    return Bunch(
        data=faces.data[found], target=faces.target[found], groups=np.asarray(faces.groups)[found]
    )


def print_squares(faces, folds, options, memory):
    """Print where the aligned crops lie, and the AUC of a classifier that knows only this."""
    crops = FaceCropper(min_size=options.min_size, memory=memory).fit_transform(faces.data)
    squares = np.array([crop.square for crop in crops])
    _, _, side, angle = np.median(np.abs(squares), axis=0)
    print(f"aligned crops: median side {side:.0f} px, median turn {angle:.1f} degrees")
    for label, name in enumerate(("real", "fake")):
        x, y, side, angle = squares[faces.target == label].std(axis=0)
        print(f"  sd of {name}: x {x:.1f}, y {y:.1f}, side {side:.1f} px, turn {angle:.1f} degrees")
    classifier = make_pipeline(StandardScaler(), SVC())
    aucs = cross_val_score(classifier, squares, faces.target, cv=folds, scoring="roc_auc")
    print(f"AUC of their x, y, side and turn alone (RBF-SVM): {aucs.mean():.3f} ± {aucs.std():.3f}")


def compare(recipe, faces, folds, options, memory):
    """Print a row for each crop, from native and from resampled pixels."""
    detector = make_fakespotter(
        options.backbone, recipe=recipe, memory=memory, random_state=options.seed
    )
    print(
        f"{'crop':<9}{'margin':<8}{'pixels':<11}{'AUC':<15}{'minus none':<17}{'minus native':<17}"
        f"{'accuracy':<15}outside"
    )
    aucs = {}
    for crop, margin in CROPS:
        for size in (None, *options.sizes) if crop in ("none", *options.crops) else ():
            crops = make_crops(faces.data, crop, margin, size, options, memory)
            scores = cross_validate(
                detector,
                crops,
                faces.target,
                cv=folds,
                scoring=("roc_auc", "accuracy"),
                error_score="raise",
            )
            auc, accuracy = scores["test_roc_auc"], scores["test_accuracy"]
            aucs[crop, margin, size] = auc
            to_none = difference(auc - aucs["none", "", size])
            to_native = difference(auc - aucs[crop, margin, None])
            pixels = "native" if size is None else f"{size} px"
            print(
                f"{crop:<9}{margin:<8}{pixels:<11}"
                f"{auc.mean():.3f} ± {auc.std():.3f}  {to_none:<17}{to_native:<17}"
                f"{accuracy.mean():.3f} ± {accuracy.std():.3f}  {outside(crops):.0%}",
                flush=True,
            )


def make_crops(pictures, crop, margin, size, options, memory):
    """Cut a square out of each picture, and scale it if size is given."""
    if crop == "none":
        return pictures if size is None else np.stack([scale(each, size) for each in pictures])
    cropper = FaceCropper(
        crop="box" if crop == "fixed" else crop,
        margin=margin,
        size=size,
        min_size=options.min_size,
        memory=memory,
    )
    crops = cropper.fit_transform(pictures)
    if crop == "fixed":
        x, y, side, _ = np.mean([each.square for each in crops], axis=0)
        crops[:] = [FaceCrop(each.source, x, y, side, size=size) for each in crops]
    return crops


def scale(picture, size):
    """Scale a whole picture to a square, as the network's reader does."""
    image = Image.fromarray(load_image(picture))
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))


def difference(of_folds):
    """Mean and standard deviation of the differences of the folds; nothing if all are zero."""
    return f"{of_folds.mean():+.3f} ± {of_folds.std():.3f}" if of_folds.any() else ""


def outside(crops):
    """Share of the crops that reach beyond their picture, where they are black."""
    if not hasattr(crops[0], "corners"):
        return 0
    reaches = []
    for crop in crops:
        height, width = load_image(crop.source).shape[:2]
        reaches.append(
            (crop.corners < -0.5).any() or (crop.corners > (width - 0.5, height - 0.5)).any()
        )
    return np.mean(reaches)


if __name__ == "__main__":
    main()
