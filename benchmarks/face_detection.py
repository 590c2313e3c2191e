# SPDX-License-Identifier: BSD-3-Clause
"""How well faces of 80 to 400 pixels are found in photographs, and how often where there are none.

Each photograph is a part of a picture without a face, into which a face from a picture that is
aligned like FFHQ is pasted at a known place and scale.

The truth is the aligned picture's face: as FFHQ's alignment puts every face in the same place, it
is one square, the same for all faces. Where in the aligned picture this square is, is the median
over other faces than those that are judged, once for the detector's boxes and once for the squares
of FaceCropper, because the two have different margins. A second truth, for comparison, is the
median of the detector's own boxes of the same face, at other scales and on grey.

Run: python benchmarks/face_detection.py --faces DIR [--background DIR]

DIR has folders "real" and "fake".
"""

import argparse
import itertools
import tempfile
import warnings
from pathlib import Path

import numpy as np
from pasted_faces import (
    draw_photograph,
    draw_pictures_without_faces,
    load_photographs,
    overlap,
    paste_face,
    square_of_box,
    square_of_crop,
    to_aligned,
    to_picture,
)
from PIL import Image
from scipy.stats import binomtest

from skfakespot import make_fakespotter
from skfakespot.faces import FaceCropper, MissingFace
from skfakespot.images import UnreadableImageWarning

LEAST_OVERLAP = 0.7
# A box that overlaps the truth less is another face, or none.
LEAST_OVERLAP_OF_FOUND = 0.5
THRESHOLDS = (0.0, 0.5, 1.0)
SIDES = (80, 100, 160, 400)


def main(argv=None):
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", required=True, metavar="DIR", help="folders real and fake")
    parser.add_argument("--background", metavar="DIR", help="more photographs without faces")
    parser.add_argument("--judged", type=int, default=400, help="faces; default: %(default)s")
    parser.add_argument("--others", type=int, default=100, help="faces; default: %(default)s")
    parser.add_argument("--empty", type=int, default=400, help="pictures; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    options = parser.parse_args(argv)
    rng = np.random.default_rng(options.seed)
    photographs = load_photographs(options.background)
    paths, y = draw_faces(options.faces, options.others + options.judged, rng)
    others, judged = paths[: options.others], paths[options.others :]
    box, face, _ = locate_faces(others, rng)
    print(f"seed {options.seed}; truth in the aligned picture, from {len(others)} other faces:")
    for name, square in (("box", box), ("FaceCropper's square", face)):
        print(f"{name}: centre {square[0]:.1f}, {square[1]:.1f}, side {square[2]:.1f} of 256 px")
    own = locate_faces(judged, rng)[2]
    with tempfile.TemporaryDirectory() as folder:
        files, placements = write_photographs(judged, box[2], photographs, folder, rng)
        found = FaceCropper().get_faces(files)
        report_overlaps(found, placements, box, face, own)
        report_pipeline(files, y[options.others :], placements, face)
        empty = draw_pictures_without_faces(photographs, options.empty, rng)
        report_errors(found, placements, box, FaceCropper().get_faces(empty))


def draw_faces(folder, n_faces, rng):
    """Draw paths of faces, half of them real, and their labels."""
    drawn = [sorted(Path(folder, kind).iterdir()) for kind in ("real", "fake")]
    drawn = [[paths[i] for i in rng.permutation(len(paths))] for paths in drawn]
    paths = [path for pair in zip(*drawn, strict=False) for path in pair][:n_faces]
    if len(paths) < n_faces:
        raise SystemExit(f"{folder}: {n_faces} faces are needed, half real and half fake")
    return paths, np.arange(n_faces) % 2


def locate_faces(paths, rng, n_copies=12):
    """Locate boxes and FaceCropper's squares in aligned pictures, at several scales on grey.

    The scales divide two steps of the detector's sizes, each 6/5 of the one before.

    Returns
    -------
    box, face : ndarray of shape (4,)
        The medians over all pictures.
    boxes : list of ndarray of shape (4,)
        The median box of each picture; NaN where no copy has a face.
    """
    cropper, boxes, faces = FaceCropper(crop="box"), [], []
    grey = Image.new("RGB", (300, 300), (128, 128, 128))
    scales = 0.75 * 1.2 ** (2 * np.arange(n_copies) / n_copies)
    for path in paths:
        copies = [
            paste_face(path, scale, grey, tuple(int(place) for place in rng.integers(4, 12, 2)))
            for scale in scales
        ]
        found = cropper.get_faces([np.asarray(picture) for picture, _ in copies])
        squares = [
            (to_aligned(square_of_box(box), placement), to_aligned(square, placement))
            for of_image, (_, placement) in zip(found, copies, strict=True)
            for box, square in zip(
                of_image.boxes[:1], face_squares(of_image, cropper), strict=False
            )
        ]
        medians = np.median(squares, axis=0) if squares else np.full((2, 4), np.nan)
        boxes.append(medians[0])
        faces.append(medians[1])
    return np.nanmedian(boxes, axis=0), np.nanmedian(faces, axis=0), boxes


def face_squares(of_image, cropper):
    """Return FaceCropper's square of each face of an image, without its margin."""
    return [square_of_crop(crop, cropper.margin) for crop in of_image.crops]


def write_photographs(paths, box_side, photographs, folder, rng, sides=(SIDES[0], SIDES[-1])):
    """Write a photograph of each face; return the files, and where the faces are."""
    files, placements = [], []
    for number, path in enumerate(paths):
        side = np.exp(rng.uniform(*np.log([sides[0] + 1, sides[1]])))
        picture, placement = draw_photograph(path, side / box_side, photographs, rng)
        files.append(str(Path(folder, f"{number}.jpg")))
        placements.append(placement)
        picture.save(files[-1], quality=95)
    return files, placements


def report_overlaps(found, placements, box, face, own):
    """Print how many faces are found with an overlap of at least 0.7 with the truth."""
    rows = {"boxes": [], "squares": [], "boxes, own median": [], "squares, own median": []}
    for of_image, placement, own_box in zip(found, placements, own, strict=True):
        boxes = [square_of_box(square) for square in of_image.boxes]
        squares = face_squares(of_image, FaceCropper())
        truth, own_truth = to_picture(box, placement), to_picture(own_box, placement)
        converted = [as_box(square, box, face) for square in squares]
        rows["boxes"].append(best_overlap(truth, boxes))
        rows["squares"].append(best_overlap(to_picture(face, placement), squares))
        rows["boxes, own median"].append(best_overlap(own_truth, boxes))
        rows["squares, own median"].append(best_overlap(own_truth, converted))
    sides = np.array([placement[0] for placement in placements]) * box[2]
    print(f"\n{len(sides)} faces, IoU >= {LEAST_OVERLAP}, 95 % interval (Wilson)")
    ranges = list(itertools.pairwise(SIDES))
    print(f"{'':22}{'all':>28}" + "".join(f"{f'{low} to {high} px':>16}" for low, high in ranges))
    for name, overlaps in rows.items():
        good = np.array(overlaps) >= LEAST_OVERLAP
        columns = f"{rate(good.sum(), len(good)):>28}"
        for low, high in ranges:
            within = good[(sides >= low) & (sides < high + (high == SIDES[-1]))]
            columns += f"{f'{within.sum()} of {len(within)}':>16}"
        print(f"{name:22}{columns}", flush=True)


def as_box(square, box, face):
    """Return the box that a square of FaceCropper has, by the truth of the other faces."""
    scale = square[2] / face[2]
    x, y = (square[axis] + scale * (box[axis] - face[axis]) for axis in (0, 1))
    return x, y, scale * box[2], 0.0


def best_overlap(truth, squares):
    """Return the largest overlap with the truth; 0 without a square."""
    return max((overlap(truth, square) for square in squares), default=0.0)


def report_pipeline(files, y, placements, face):
    """Fit a detector on half of the photographs, predict the others, and print what it cropped."""
    half = len(files) // 2
    detector = make_fakespotter(faces=True, on_error="nan", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreadableImageWarning)
        labels = detector.fit(files[:half], y[:half]).predict(files[half:])
    cropper = detector.named_steps["faces"]
    crops = cropper.transform(files)
    overlaps = [
        overlap(to_picture(face, placement), square_of_crop(crop, cropper.margin))
        for crop, placement in zip(crops, placements, strict=True)
        if not isinstance(crop, MissingFace)
    ]
    n_good = sum(value >= LEAST_OVERLAP for value in overlaps)
    print(f"\nmake_fakespotter(faces=True): fit on {half} photographs, {len(labels)} predicted")
    print(f"crops of all, IoU >= {LEAST_OVERLAP}: {rate(n_good, len(files))}")
    print(f"photographs without a crop: {len(files) - len(overlaps)}")
    n_labelled = int(np.isin(labels, y).sum())
    print(f"photographs with a label: {n_labelled} of {len(labels)}", flush=True)


def report_errors(found, placements, box, found_in_empty):
    """Print by score threshold how many faces are missed, and how many are found in error."""
    scores, hits, missed = [], [], []
    for of_image, placement in zip(found, placements, strict=True):
        truth = to_picture(box, placement)
        overlaps = [overlap(truth, square_of_box(square)) for square in of_image.boxes]
        hit = [value >= LEAST_OVERLAP_OF_FOUND for value in overlaps]
        scores += list(of_image.scores)
        hits += hit
        missed.append(max(of_image.scores[np.array(hit, dtype=bool)], default=-np.inf))
    scores, hits, missed = np.array(scores), np.array(hits, dtype=bool), np.array(missed)
    empty_scores = [max(faces.scores, default=-np.inf) for faces in found_in_empty]
    n_empty = len(empty_scores)
    print(f"\n{len(missed)} photographs with one face, {n_empty} pictures without a face")
    header = ("faces missed", "false beside", "pictures with a false face")
    print(f"{'score above':>12}{header[0]:>28}{header[1]:>14}{header[2]:>28}")
    for threshold in THRESHOLDS:
        n_missed = int((missed <= threshold).sum())
        n_beside = int((~hits & (scores > threshold)).sum())
        n_false = int((np.array(empty_scores) > threshold).sum())
        columns = f"{rate(n_missed, len(missed)):>28}{n_beside:>14}"
        print(f"{threshold:12}{columns}{rate(n_false, n_empty):>28}", flush=True)


def rate(count, total):
    """Describe a share in percent, with its Wilson interval."""
    low, high = binomtest(int(count), total).proportion_ci(method="wilson")
    return f"{count} {100 * count / total:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    main()
