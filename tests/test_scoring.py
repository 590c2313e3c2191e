# SPDX-License-Identifier: BSD-3-Clause
"""Tables and files of scores, with images that cannot be read among the others."""

import gc
import io
import os
import subprocess
import sys
import weakref
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from photos import UNREADABLE, fit_detector
from PIL import Image
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skfakespot import (
    NeuronCoverageTransformer,
    SkipMissingClassifier,
    clear_caches,
    count_network_images,
    fake_probability,
    score_images,
)
from skfakespot.augmentation import perturb
from skfakespot.faces import FaceCropper, NoFaceWarning
from skfakespot.images import ImageError, LazyImage, find_unreadable, load_image
from skfakespot.scoring import ImageScore, iter_scores

COLUMNS = ["path", "probability", "label", "error"]


@pytest.fixture(scope="module")
def detector(network, photos):
    return fit_detector(network, photos)


def check_mixed(table, detector, mixed_photos, photos):
    """The scores of the pictures are in line with their paths, and the others have errors."""
    assert list(table.columns) == COLUMNS
    assert table["path"].tolist() == mixed_photos
    scored = table["path"].isin(photos)
    assert_allclose(
        table["probability"][scored], fake_probability(detector, photos), rtol=1e-6, atol=1e-9
    )
    labels = np.where(table["probability"][scored] >= 0.5, "fake", "real")
    assert table["label"][scored].tolist() == labels.tolist()
    assert set(labels) == {"fake", "real"}
    assert table["error"][scored].tolist() == [None] * len(photos)
    for path, probability, label, error in table[~scored].itertuples(index=False):
        assert error.startswith(UNREADABLE[Path(path).name])
        assert np.isnan(probability)
        assert label is None


@pytest.mark.parametrize("on_error", ["raise", "nan"])
@pytest.mark.parametrize("chunk_size", [1, 4, 256])
def test_unreadable_images_do_not_stop_the_others(
    network, mixed_photos, photos, on_error, chunk_size, recwarn
):
    detector = fit_detector(network, photos, on_error=on_error)
    check_mixed(
        score_images(detector, mixed_photos, chunk_size=chunk_size), detector, mixed_photos, photos
    )
    assert not recwarn.list


def test_a_detector_that_gives_nan_reads_each_image_once(network, mixed_photos, photos):
    coverage = NeuronCoverageTransformer(network, on_error="nan")
    classifier = SkipMissingClassifier(LogisticRegression())
    detector = make_pipeline(coverage, StandardScaler(), classifier).fit(photos, [0, 1] * 6)
    clear_caches(networks=False)
    with count_network_images() as count:
        table = score_images(detector, mixed_photos)
    assert count.n_images == len(photos)
    check_mixed(table, detector, mixed_photos, photos)


class Grey(LazyImage):
    """A picture without a face, which counts how often it is made."""

    name = "grey"

    def __init__(self):
        self.n_loaded = 0

    def load(self):
        self.n_loaded += 1
        return np.full((100, 100, 3), 128, dtype=np.uint8)

    def digest(self):
        return bytes(16)


def test_an_image_with_a_known_reason_is_not_read_for_another(network, photos):
    cropper = FaceCropper(on_no_face="whole")
    coverage = NeuronCoverageTransformer(network, on_error="nan")
    classifier = SkipMissingClassifier(LogisticRegression())
    detector = make_pipeline(cropper, coverage, StandardScaler(), classifier)
    with pytest.warns(NoFaceWarning):
        detector.fit(photos, [0, 1] * 6)
    cropper.set_params(on_no_face="nan")
    clear_caches(networks=False)
    grey = Grey()
    table = score_images(detector, [grey])
    assert table["error"].tolist() == ["no face was found in it"]
    assert grey.n_loaded == 1


def test_nan_without_a_cause_is_an_error_of_its_image():
    detector = SkipMissingClassifier(LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
    table = score_images(detector, [[np.nan], [2.0]])
    assert table["path"].tolist() == ["row 0 of X", "row 1 of X"]
    assert table["error"].tolist() == ["the detector gives it no probability (NaN)", None]
    assert table["label"].tolist() == [None, "fake"]


def test_all_images_unreadable(detector, mixed_photos, photos):
    table = score_images(detector, [path for path in mixed_photos if path not in photos])
    assert table["error"].notna().all()
    assert table["probability"].isna().all()


@pytest.mark.parametrize("classifier", ["search", "calibrated"])
def test_any_fitted_classifier(network, mixed_photos, photos, classifier):
    detector = fit_detector(network, photos)
    if classifier == "search":
        detector = GridSearchCV(detector, {"logisticregression__C": [1.0]}, cv=2)
    else:
        detector = CalibratedClassifierCV(detector, cv=2)
    detector.fit(photos, np.repeat(["real", "fake"], 6))
    table = score_images(detector, mixed_photos)
    assert table["error"].notna().sum() == len(UNREADABLE)
    expected = fake_probability(detector, photos)
    assert_allclose(table["probability"].dropna(), expected, rtol=1e-6, atol=1e-9)


def test_labels_are_fake_and_real_whatever_the_detectors_are(network, photos):
    expected = score_images(fit_detector(network, photos), photos)
    for labels in [(0, 1), ("Real", "FAKE")]:
        pd.testing.assert_frame_equal(
            score_images(fit_detector(network, photos, labels=labels), photos), expected
        )
    table = score_images(
        fit_detector(network, photos, labels=("camera", "ai")), photos, pos_label="ai"
    )
    pd.testing.assert_frame_equal(table, expected)


def test_with_several_generators_fake_is_what_is_not_real(network, photos):
    coverage = NeuronCoverageTransformer(network)
    detector = make_pipeline(coverage, StandardScaler(), LogisticRegression())
    detector.fit(photos, ["real", "stylegan", "diffusion"] * 4)
    table = score_images(detector, photos)
    real = detector.predict_proba(photos)[:, list(detector.classes_).index("real")]
    assert_allclose(table["probability"], 1 - real)
    assert table["label"].tolist() == ["fake" if p <= 0.5 else "real" for p in real]


def test_the_threshold(detector, photos):
    probability = fake_probability(detector, photos)
    table = score_images(detector, photos, threshold=float(probability[3]))
    assert_array_equal(table["label"] == "fake", probability >= probability[3])
    for threshold in (-0.1, 1.1):
        with pytest.raises(ValueError, match="threshold"):
            score_images(detector, photos, threshold=threshold)
    with pytest.raises(ValueError, match="chunk_size"):
        score_images(detector, photos, chunk_size=0)


def test_everything_that_estimators_take(detector, photos):
    expected = score_images(detector, photos)
    pixels = [np.array(Image.open(path)) for path in photos]
    for paths in (
        tuple(map(Path, photos)),
        np.array(photos),
        pd.Series(photos, index=range(50, 62)),
        pl.Series(photos),
        iter(photos),
        (Path(path) for path in photos),
    ):
        table = score_images(detector, paths, chunk_size=5)
        pd.testing.assert_frame_equal(table, expected)
    names = pd.Series([f"image {index} of X" for index in range(12)], dtype=object)
    contents = [Path(path).read_bytes() for path in photos]
    streams = list(map(io.BytesIO, contents))
    for images in (pixels, np.stack(pixels), map(Image.fromarray, pixels), contents, streams):
        table = score_images(detector, images, chunk_size=5)
        pd.testing.assert_frame_equal(table, expected.assign(path=names))


@pytest.mark.parametrize("make_frame", [pd.DataFrame, pl.DataFrame])
def test_a_detector_of_data_frames_gets_data_frames(detector, photos, mixed_photos, make_frame):
    """Otherwise scikit-learn would warn of missing feature names."""
    frame = make_frame({"photo": photos})
    of_frames = clone(detector).fit(frame, np.repeat(["real", "fake"], 6))
    table = score_images(of_frames, make_frame({"photo": mixed_photos}), chunk_size=5)
    pd.testing.assert_frame_equal(table, score_images(detector, mixed_photos, chunk_size=5))


def test_perturbed_images_have_the_names_of_their_files(detector, photos, mixed_photos):
    table = score_images(detector, perturb(mixed_photos, "blur", 1.0, random_state=0))
    expected = score_images(detector, perturb(photos, "blur", 1.0, random_state=0))
    assert table["path"].tolist() == [f"{path} (blur 1)" for path in mixed_photos]
    assert_allclose(table["probability"].dropna(), expected["probability"], rtol=1e-6)


def test_an_error_of_the_detector_is_raised(detector, photos):
    with pytest.raises(TypeError, match="no predict_proba"):
        score_images(LinearSVC().fit([[0], [1]], [0, 1]), photos)
    with pytest.raises(ValueError, match="Give pos_label"):
        score_images(DummyClassifier().fit(photos, ["a", "b"] * 6), photos)
    with pytest.raises(TypeError, match="single path"):
        score_images(detector, photos[0])
    with Path(photos[0]).open("rb") as file, pytest.raises(TypeError, match="BufferedReader"):
        score_images(detector, file)
    for nothing in ([], iter([])):
        with pytest.raises(ValueError, match="0 sample"):
            score_images(detector, nothing)


def test_memory_is_bounded_by_the_chunk(photos):
    """An iterator of many images is read no further than the scores are."""
    n_read, sizes = 0, []

    class Recorder(DummyClassifier):
        def predict_proba(self, X):
            sizes.append(len(X))
            return super().predict_proba(X)

    def paths():
        nonlocal n_read
        while True:
            n_read += 1
            yield photos[n_read % 12]

    recorder = Recorder(strategy="prior").fit(photos, [0, 1] * 6)
    scores = iter_scores(recorder, paths(), chunk_size=64)
    assert len(list(islice(scores, 300))) == 300
    assert n_read == 64 * 5
    assert sizes == [64] * 5


def test_the_features_of_a_chunk_with_unreadable_images_are_freed(mixed_photos, photos):
    features = []

    class Reader(DummyClassifier):
        def predict_proba(self, X):
            matrix = np.zeros((len(X), 100))
            features.append(weakref.ref(matrix))
            try:
                list(map(load_image, X))
            except ImageError as error:
                again = error  # a cycle: error, traceback, frame, error
                raise again from None
            return super().predict_proba(X)

    detector = Reader(strategy="prior").fit(photos, [0, 1] * 6)
    gc.disable()
    try:
        table = score_images(detector, mixed_photos, chunk_size=4)
        n_kept = sum(matrix() is not None for matrix in features)
    finally:
        gc.enable()
    assert table["error"].notna().sum() == len(UNREADABLE)
    assert len(features) > 5
    assert n_kept == 0


@pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals")
@pytest.mark.parametrize("X", ["['a'] * 600", "iter(['a'] * 600)"])
def test_a_progress_bar_is_drawn_on_a_terminal(X):
    import pty

    terminal, stderr = pty.openpty()
    program = HIDE.format(hidden=[]) + f"score_images(detector, {X}, verbose=1)"
    with subprocess.Popen([sys.executable, "-c", program], stderr=stderr) as process:
        os.close(stderr)
        shown = b""
        with suppress(OSError):  # the end of a pseudo-terminal is an error on Linux
            while block := os.read(terminal, 65536):
                shown += block
        os.close(terminal)
    assert process.returncode == 0
    assert b"score images" in shown
    assert (b"600/600" if X.startswith("[") else b"600/?") in shown
    silent = HIDE.format(hidden=[]) + f"score_images(detector, {X})"
    ran = subprocess.run([sys.executable, "-c", silent], capture_output=True)
    assert (ran.returncode, ran.stderr) == (0, b"")


HIDE = """
import sys
from importlib.machinery import PathFinder
class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, *arguments):
        return None if name.split(".")[0] in {hidden} else super().find_spec(name, *arguments)
sys.meta_path = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
from sklearn.dummy import DummyClassifier
from skfakespot import score_images
detector = DummyClassifier(strategy="prior").fit(["a", "b"], [0, 1])
"""


def run_without(hidden, program):
    """Run a program in an environment where libraries are not installed."""
    program = HIDE.format(hidden=hidden) + program
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_polars_without_pandas():
    program = """
class Odd(DummyClassifier):
    def predict_proba(self, X):
        return [[float("nan")] * 2, [0.5, 0.5]]
table = score_images(Odd().fit(["a", "b"], [0, 1]), ["a", "b"])
print(table.dtypes)
print(table.rows())
"""
    run = run_without(["pandas"], program)
    assert run.stdout.splitlines() == [
        "[String, Float64, String, String]",
        "[('a', None, None, 'no such file'), ('b', 0.5, 'fake', None)]",
    ], run.stderr


def test_arrays_without_pandas_and_polars():
    program = "print({name: list(x) for name, x in score_images(detector, ['a', 'b']).items()})"
    run = run_without(["pandas", "polars"], program)
    values = {
        "path": ["a", "b"],
        "probability": [0.5, 0.5],
        "label": ["fake", "fake"],
        "error": [None, None],
    }
    assert run.stdout.replace("np.float64(0.5)", "0.5") == f"{values}\n", run.stderr


def test_parquet_without_its_libraries_is_refused_before_the_work(tmp_path):
    program = "score_images(detector, ['a'], output='scores.parquet')"
    run = run_without(["polars", "pyarrow"], program)
    assert "Install one with: pip install polars" in run.stderr


def test_find_unreadable(mixed_photos, photos):
    found = find_unreadable(mixed_photos)
    assert [index for index, _ in found] == [0, 4, 5, 9, 16]
    assert all(
        reason.startswith(UNREADABLE[Path(mixed_photos[index]).name]) for index, reason in found
    )
    assert find_unreadable(photos) == find_unreadable(pd.DataFrame({"path": photos})) == []
    assert find_unreadable([[1.0, 2.0]]) == []
    with pytest.raises(TypeError):
        find_unreadable(iter(photos))


def test_find_unreadable_in_an_array():
    images = np.zeros((600, 2, 2))
    images[[3, 599], 1, 1] = np.nan, 300
    (first, nan), (second, range_) = find_unreadable(images)
    assert (first, second) == (3, 599)
    assert "NaN" in nan
    assert "0 to 300" in range_


def test_a_score_is_a_line_of_csv():
    assert ImageScore("a.png", 0.1 + 0.2, "real", None).to_csv() == (
        "a.png,0.30000000000000004,real,\n"
    )
    assert ImageScore("a.png", np.nan, None, "no, it is\rdamaged").to_csv() == (
        'a.png,,,"no, it is\rdamaged"\n'
    )
