# SPDX-License-Identifier: BSD-3-Clause
"""How well faces are found in photographs, with the pictures of benchmarks/face_detection.py."""

import sys
from pathlib import Path

import numpy as np
import pytest

from skfakespot import make_fakespotter
from skfakespot.faces import FaceCropper

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
N_OTHERS, N_PHOTOGRAPHS = 100, 40
# What the script printed with the seed 0: a box and FaceCropper's square without its margin, in
# aligned pictures of 256 pixels. They are the medians over the first 100 faces that it draws, so
# that none of the faces here had a part in them.
BOX = (124.2, 141.5, 148.7, 0.0)
FACE = (128.7, 155.3, 118.8, 0.0)


@pytest.fixture(scope="module")
def script():
    """The benchmark as a module."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import face_detection
    finally:
        sys.path.remove(str(BENCHMARKS))
    return face_detection


@pytest.fixture(scope="module")
def photographs(script, faces, tmp_path_factory):
    """Files of uncropped photographs, their labels, and where the faces are."""
    pytest.importorskip("skimage", reason="scikit-image is not installed")
    rng = np.random.default_rng(0)
    paths, y = script.draw_faces(faces, N_OTHERS + N_PHOTOGRAPHS, rng)
    folder = tmp_path_factory.mktemp("photographs")
    backgrounds = script.load_photographs()
    files, placements = script.write_photographs(
        paths[N_OTHERS:], BOX[2], backgrounds, folder, rng, sides=(80, 180)
    )
    return files, y[N_OTHERS:], placements


@pytest.mark.slow
def test_a_detector_finds_the_faces_of_photographs(script, photographs):
    files, y, placements = photographs
    detector = make_fakespotter(faces=True, random_state=0).fit(files, y)
    assert set(detector.predict(files)) <= {0, 1}
    cropper = detector.named_steps["faces"]
    crops = cropper.transform(files)
    overlaps = [
        script.overlap(
            script.to_picture(FACE, placement), script.square_of_crop(crop, cropper.margin)
        )
        for crop, placement in zip(crops, placements, strict=True)
    ]
    assert np.mean(np.array(overlaps) >= 0.7) >= 0.95
    found = cropper.get_faces(files)
    assert [of_image.crops[0] for of_image in found] == list(crops)
    boxes = [script.square_of_box(of_image.boxes[0]) for of_image in found]
    overlaps = [
        script.overlap(script.to_picture(BOX, placement), box)
        for box, placement in zip(boxes, placements, strict=True)
    ]
    # Sides and places of boxes are in steps, so fewer of them overlap as much.
    assert np.mean(np.array(overlaps) >= 0.5) >= 0.95
    assert np.mean(np.array(overlaps) >= 0.7) >= 0.7


@pytest.mark.slow
def test_no_face_is_found_where_there_is_none(script):
    pytest.importorskip("skimage", reason="scikit-image is not installed")
    rng = np.random.default_rng(1)
    pictures = script.draw_pictures_without_faces(
        script.load_photographs(), 200, rng, sides=(100, 240)
    )
    with_face = [len(faces.boxes) > 0 for faces in FaceCropper().get_faces(pictures)]
    assert len(with_face) == 200
    assert np.mean(with_face) <= 0.01


def test_squares_overlap_as_computed_by_hand(script):
    square = (10.0, 20.0, 8.0, 0.0)
    assert script.overlap(square, square) == 1
    assert script.overlap(square, (14.0, 20.0, 8.0, 0.0)) == pytest.approx(1 / 3, abs=0.01)
    assert script.overlap(square, (10.0, 20.0, 8.0, 90.0)) == pytest.approx(1, abs=0.01)
    octagon = 2 * np.sqrt(2) - 2
    assert script.overlap(square, (10.0, 20.0, 8.0, 45.0)) == pytest.approx(
        octagon / (2 - octagon), abs=0.01
    )
    assert script.overlap(square, (19.0, 20.0, 8.0, 0.0)) == 0
