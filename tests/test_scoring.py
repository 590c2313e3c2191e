"""Tables and files of scores, with images that cannot be read among the others."""

import csv
import gc
import io
import os
import signal
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
from pictures import encoded, picture
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
from skfakespot.images import ImageError, find_unreadable, load_image
from skfakespot.scoring import ImageScore, iter_scores

COLUMNS = ["path", "probability", "label", "error"]
BAD = {
    "missing.png": "no such file",
    "empty.png": "the file is empty (0 bytes)",
    "truncated.png": "the file is damaged or truncated",
    "folder.png": "it is a folder, not an image file",
    "text.png": "it is not an image of a format that is read",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder of files that cannot be read and of twelve pictures, brighter and brighter."""
    root = tmp_path_factory.mktemp("pictures")
    for number in range(12):
        pixels = picture(number) // 2 + np.uint8(10 * number)
        Image.fromarray(pixels).save(root / f"face{number:02}.png")
    (root / "empty.png").write_bytes(b"")
    (root / "truncated.png").write_bytes(encoded(Image.fromarray(picture()), "PNG")[:200])
    (root / "folder.png").mkdir()
    (root / "text.png").write_text("no pixels")
    return root


@pytest.fixture(scope="module")
def faces(root):
    return sorted(map(str, root.glob("face*.png")))


@pytest.fixture(scope="module")
def mixed(root, faces):
    """Paths of which 0, 4, 5, 9 and the last cannot be read."""
    first, second, third, fourth, fifth = (str(root / name) for name in BAD)
    return [first, *faces[:3], second, third, *faces[3:6], fourth, *faces[6:], fifth]


@pytest.fixture(scope="module")
def make_detector(network, faces):
    """Make a detector that was fitted to the twelve pictures."""

    def make_detector(on_error="raise", labels=("real", "fake")):
        coverage = NeuronCoverageTransformer(network, on_error=on_error)
        detector = make_pipeline(coverage, StandardScaler(), LogisticRegression())
        return detector.fit(faces, np.repeat(labels, 6))

    return make_detector


@pytest.fixture(scope="module")
def detector(make_detector):
    return make_detector()


def check_mixed(table, detector, mixed, faces):
    """The scores of the pictures are in line with their paths, and the others have errors."""
    assert list(table.columns) == COLUMNS
    assert table["path"].tolist() == mixed
    scored = table["path"].isin(faces)
    assert_allclose(
        table["probability"][scored], fake_probability(detector, faces), rtol=1e-6, atol=1e-9
    )
    labels = np.where(table["probability"][scored] >= 0.5, "fake", "real")
    assert table["label"][scored].tolist() == labels.tolist()
    assert set(labels) == {"fake", "real"}
    assert table["error"][scored].tolist() == [None] * len(faces)
    for path, probability, label, error in table[~scored].itertuples(index=False):
        assert error.startswith(BAD[Path(path).name])
        assert np.isnan(probability)
        assert label is None


@pytest.mark.parametrize("on_error", ["raise", "nan"])
@pytest.mark.parametrize("chunk_size", [1, 4, 256])
def test_unreadable_images_do_not_stop_the_others(
    make_detector, mixed, faces, on_error, chunk_size, recwarn
):
    detector = make_detector(on_error)
    check_mixed(score_images(detector, mixed, chunk_size=chunk_size), detector, mixed, faces)
    assert not recwarn.list


def test_a_detector_that_gives_nan_reads_each_image_once(network, mixed, faces):
    coverage = NeuronCoverageTransformer(network, on_error="nan")
    classifier = SkipMissingClassifier(LogisticRegression())
    detector = make_pipeline(coverage, StandardScaler(), classifier).fit(faces, [0, 1] * 6)
    clear_caches(networks=False)
    with count_network_images() as count:
        table = score_images(detector, mixed)
    assert count.n_images == len(faces)
    check_mixed(table, detector, mixed, faces)


def test_nan_without_a_cause_is_an_error_of_its_image():
    detector = SkipMissingClassifier(LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
    table = score_images(detector, [[np.nan], [2.0]])
    assert table["path"].tolist() == ["row 0 of X", "row 1 of X"]
    assert table["error"].tolist() == ["the detector gives it no probability (NaN)", None]
    assert table["label"].tolist() == [None, "fake"]


def test_all_images_unreadable(detector, root):
    table = score_images(detector, [root / name for name in BAD])
    assert table["error"].notna().all()
    assert table["probability"].isna().all()


@pytest.mark.parametrize("classifier", ["search", "calibrated"])
def test_any_fitted_classifier(make_detector, mixed, faces, classifier):
    detector = make_detector()
    if classifier == "search":
        detector = GridSearchCV(detector, {"logisticregression__C": [1.0]}, cv=2)
    else:
        detector = CalibratedClassifierCV(detector, cv=2)
    detector.fit(faces, np.repeat(["real", "fake"], 6))
    table = score_images(detector, mixed)
    assert table["error"].notna().sum() == len(BAD)
    expected = fake_probability(detector, faces)
    assert_allclose(table["probability"].dropna(), expected, rtol=1e-6, atol=1e-9)


def test_labels_are_fake_and_real_whatever_the_detectors_are(make_detector, faces):
    expected = score_images(make_detector(), faces)
    for labels in [(0, 1), ("Real", "FAKE")]:
        pd.testing.assert_frame_equal(score_images(make_detector(labels=labels), faces), expected)
    table = score_images(make_detector(labels=("camera", "ai")), faces, pos_label="ai")
    pd.testing.assert_frame_equal(table, expected)


def test_with_several_generators_fake_is_what_is_not_real(network, faces):
    coverage = NeuronCoverageTransformer(network)
    detector = make_pipeline(coverage, StandardScaler(), LogisticRegression())
    detector.fit(faces, ["real", "stylegan", "diffusion"] * 4)
    table = score_images(detector, faces)
    real = detector.predict_proba(faces)[:, list(detector.classes_).index("real")]
    assert_allclose(table["probability"], 1 - real)
    assert table["label"].tolist() == ["fake" if p <= 0.5 else "real" for p in real]


def test_the_threshold(detector, faces):
    probability = fake_probability(detector, faces)
    table = score_images(detector, faces, threshold=float(probability[3]))
    assert_array_equal(table["label"] == "fake", probability >= probability[3])
    for threshold in (-0.1, 1.1):
        with pytest.raises(ValueError, match="threshold"):
            score_images(detector, faces, threshold=threshold)
    with pytest.raises(ValueError, match="chunk_size"):
        score_images(detector, faces, chunk_size=0)


def test_everything_that_estimators_take(detector, faces):
    expected = score_images(detector, faces)
    pixels = [np.array(Image.open(path)) for path in faces]
    for paths in (
        tuple(map(Path, faces)),
        np.array(faces),
        pd.Series(faces, index=range(50, 62)),
        pl.Series(faces),
        iter(faces),
        (Path(path) for path in faces),
    ):
        table = score_images(detector, paths, chunk_size=5)
        pd.testing.assert_frame_equal(table, expected)
    names = pd.Series([f"image {index} of X" for index in range(12)], dtype=object)
    contents = [Path(path).read_bytes() for path in faces]
    streams = list(map(io.BytesIO, contents))
    for images in (pixels, np.stack(pixels), map(Image.fromarray, pixels), contents, streams):
        table = score_images(detector, images, chunk_size=5)
        pd.testing.assert_frame_equal(table, expected.assign(path=names))


@pytest.mark.parametrize("make_frame", [pd.DataFrame, pl.DataFrame])
def test_a_detector_of_data_frames_gets_data_frames(detector, faces, mixed, make_frame):
    """Otherwise scikit-learn would warn of missing feature names."""
    frame = make_frame({"photo": faces})
    of_frames = clone(detector).fit(frame, np.repeat(["real", "fake"], 6))
    table = score_images(of_frames, make_frame({"photo": mixed}), chunk_size=5)
    pd.testing.assert_frame_equal(table, score_images(detector, mixed, chunk_size=5))


def test_perturbed_images_have_the_names_of_their_files(detector, faces, mixed):
    table = score_images(detector, perturb(mixed, "blur", 1.0, random_state=0))
    expected = score_images(detector, perturb(faces, "blur", 1.0, random_state=0))
    assert table["path"].tolist() == [f"{path} (blur 1)" for path in mixed]
    assert_allclose(table["probability"].dropna(), expected["probability"], rtol=1e-6)


def test_an_error_of_the_detector_is_raised(detector, faces):
    with pytest.raises(TypeError, match="no predict_proba"):
        score_images(LinearSVC().fit([[0], [1]], [0, 1]), faces)
    with pytest.raises(ValueError, match="Give pos_label"):
        score_images(DummyClassifier().fit(faces, ["a", "b"] * 6), faces)
    with pytest.raises(TypeError, match="single path"):
        score_images(detector, faces[0])
    with Path(faces[0]).open("rb") as file, pytest.raises(TypeError, match="BufferedReader"):
        score_images(detector, file)
    for nothing in ([], iter([])):
        with pytest.raises(ValueError, match="0 sample"):
            score_images(detector, nothing)


def test_memory_is_bounded_by_the_chunk(faces):
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
            yield faces[n_read % 12]

    recorder = Recorder(strategy="prior").fit(faces, [0, 1] * 6)
    scores = iter_scores(recorder, paths(), chunk_size=64)
    assert len(list(islice(scores, 300))) == 300
    assert n_read == 64 * 5
    assert sizes == [64] * 5


def test_the_features_of_a_chunk_with_unreadable_images_are_freed(mixed, faces):
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

    detector = Reader(strategy="prior").fit(faces, [0, 1] * 6)
    gc.disable()
    try:
        table = score_images(detector, mixed, chunk_size=4)
        n_kept = sum(matrix() is not None for matrix in features)
    finally:
        gc.enable()
    assert table["error"].notna().sum() == len(BAD)
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


# Files of scores


@pytest.fixture
def read_again(detector):
    """Score with an output, and count the images that pass through the network."""

    def read_again(X, output, **parameters):
        clear_caches(networks=False)
        with count_network_images() as count:
            table = score_images(detector, X, output=output, chunk_size=4, **parameters)
        return table, count.n_images

    return read_again


def test_a_csv_file_holds_the_table(read_again, mixed, tmp_path):
    table, _ = read_again(mixed, tmp_path / "scores.csv")
    written = pd.read_csv(tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(
        written.astype(object).where(written.notna(), None),
        table.astype(object).where(table.notna(), None),
    )
    assert pl.read_csv(tmp_path / "scores.csv").columns == COLUMNS


@pytest.mark.parametrize("name", ["scores.csv", "scores.parquet"])
def test_a_finished_file_is_not_scored_again(read_again, mixed, tmp_path, name):
    table, n_images = read_again(mixed, tmp_path / name)
    assert n_images >= 12
    again, n_images = read_again(mixed, tmp_path / name)
    assert n_images <= 8  # those that are compared
    pd.testing.assert_frame_equal(again, table)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["scores.csv", "scores.parquet"])
def test_more_images_are_added_to_a_finished_file(read_again, mixed, tmp_path, name):
    expected, _ = read_again(mixed, tmp_path / "all.csv")
    read_again(mixed[:7], tmp_path / name)
    table, _ = read_again(mixed, tmp_path / name)
    pd.testing.assert_frame_equal(table, expected)
    again, _ = read_again(iter(mixed), tmp_path / name)
    pd.testing.assert_frame_equal(again, expected)


def test_a_parquet_file_holds_the_table(read_again, mixed, tmp_path):
    table, _ = read_again(mixed, tmp_path / "scores.parquet")
    written = pl.read_parquet(tmp_path / "scores.parquet")
    assert written["path"].to_list() == mixed
    assert written["error"].to_list() == table["error"].tolist()
    assert written["label"].to_list() == table["label"].tolist()
    assert_array_equal(written["probability"].fill_null(np.nan), table["probability"])


def test_a_csv_file_cut_off_at_any_byte_is_completed(faces, root, tmp_path):
    """Also within a path of several lines, within a number and within a letter of two bytes."""
    odd = ['a,"b".png', "two\nlines.png", "carriage\rreturn.png", 'ü"\n.png']
    detector = DummyClassifier(strategy="prior").fit(faces, [0, 1] * 6)
    X = [*odd, "plain.png"]
    complete = tmp_path / "complete.csv"
    table = score_images(detector, X, output=complete)
    assert table["path"].tolist() == X
    content = complete.read_bytes()
    with complete.open(newline="", encoding="utf-8") as file:
        assert [row[0] for row in csv.reader(file)] == ["path", *X]
    part = tmp_path / "part.csv"
    for size in range(len(content)):
        part.write_bytes(content[:size])
        again = score_images(detector, X, output=part, chunk_size=2)
        assert part.read_bytes() == content
        assert again["path"].tolist() == X


def test_a_name_that_is_no_text_is_written_with_a_backslash(root, detector, tmp_path, faces):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.png")
    try:
        Path(path).write_bytes(Path(faces[0]).read_bytes())
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    for name in ("scores.csv", "scores.parquet"):
        for _ in range(2):
            table = score_images(detector, [path], output=tmp_path / name)
            assert table["path"].tolist() == [f"{tmp_path}/\\udce9.png"]
            assert table["error"].tolist() == [None]


def test_a_file_of_something_else_is_refused(detector, faces, tmp_path):
    output = tmp_path / "scores.csv"

    def check(content, message):
        output.write_text(content)
        with pytest.raises(ValueError, match=message):
            score_images(detector, faces, output=output)
        assert output.read_text() == content

    header = "path,probability,label,error\n"
    check("name,age\nAnn,31\n", "does not hold scores: its first line is 'name,age'")
    check("name", "does not hold scores")
    check(f"{header}a.png,0.7\nb.png,0.7,fake,\n", "line 2, is not a score")
    check(f"{header}a.png,much,fake,\n", "line 2, is not a score")
    check(f'{header}"a"b.png,0.7,fake,\nb.png,0.7,fake,\n', "line 2, is not a score")
    check(f"{header}a.png,0.7,fake,\n", "holds scores of other images: row 0 is of 'a.png'")
    check(f"{header}{faces[0]},0.2,fake,\n", "another threshold")
    check(f"{header}{faces[0]},0.987654,fake,\n", "scores of another detector")
    with pytest.raises(ValueError, match=r"must end in \.csv or \.parquet"):
        score_images(detector, faces, output=tmp_path / "scores.txt")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        score_images(detector, faces, output=tmp_path / "nowhere" / "scores.csv")


def test_a_file_of_more_images_is_refused(detector, faces, tmp_path):
    output = tmp_path / "scores.csv"
    score_images(detector, faces, output=output)
    for X in (faces[:5], iter(faces[:5])):
        with pytest.raises(ValueError, match="scores of 12 images, but X has only 5"):
            score_images(detector, X, output=output)


def test_a_parquet_file_of_something_else_is_refused(detector, faces, tmp_path):
    output = tmp_path / "scores.parquet"
    pl.DataFrame({"name": ["Ann"]}).write_parquet(output)
    with pytest.raises(ValueError, match="its columns are name"):
        score_images(detector, faces, output=output)
    output.write_bytes(b"no Parquet")
    with pytest.raises(ValueError, match="is not a Parquet file"):
        score_images(detector, faces, output=output)


def test_an_interrupted_run_goes_on(detector, mixed, tmp_path):
    """Only the chunk during which it was interrupted is scored again."""
    expected = score_images(detector, mixed)
    for name in ("scores.csv", "scores.parquet"):

        def interrupted():
            for number, path in enumerate(mixed):
                if number == 10:
                    raise KeyboardInterrupt
                yield path

        with pytest.raises(KeyboardInterrupt):
            score_images(detector, interrupted(), output=tmp_path / name, chunk_size=4)
        journal = {"scores.parquet": "scores.parquet.part.csv"}.get(name, name)
        assert pd.read_csv(tmp_path / journal)["path"].tolist() == mixed[:8]
        table = score_images(detector, mixed, output=tmp_path / name)
        pd.testing.assert_frame_equal(table, expected)
        assert not list(tmp_path.glob("*.part*"))


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_a_killed_process_leaves_a_file_that_goes_on(faces, tmp_path):
    output = tmp_path / "scores.csv"
    script = f"""
from sklearn.dummy import DummyClassifier
from skfakespot import score_images
detector = DummyClassifier(strategy="prior").fit(["a", "b"], [0, 1])
def paths():
    number = 0
    while True:
        yield f"face{{number}}.png"
        number += 1
score_images(detector, paths(), output={str(output)!r}, chunk_size=10)
"""
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        while not output.exists() or output.stat().st_size < 1000:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    n_written = output.read_text().count("\n") - 1
    X = [f"face{number}.png" for number in range(n_written + 5)]
    detector = DummyClassifier(strategy="prior").fit(["a", "b"], [0, 1])
    assert score_images(detector, X, output=output)["path"].tolist() == X
    assert pd.read_csv(output)["path"].tolist() == X


def test_images_that_have_gone_since_do_not_stop_the_rest(detector, faces, tmp_path):
    paths = [tmp_path / Path(face).name for face in faces]
    for face, path in zip(faces, paths, strict=True):
        path.write_bytes(Path(face).read_bytes())
    output = tmp_path / "scores.csv"
    score_images(detector, paths[:4], output=output)
    for path in paths[:4]:
        path.unlink()
    table = score_images(detector, paths, output=output)
    assert_allclose(table["probability"], fake_probability(detector, faces), rtol=1e-6)


# Finding what cannot be read


def test_find_unreadable(mixed, faces):
    found = find_unreadable(mixed)
    assert [index for index, _ in found] == [0, 4, 5, 9, 16]
    assert all(reason.startswith(BAD[Path(mixed[index]).name]) for index, reason in found)
    assert find_unreadable(faces) == find_unreadable(pd.DataFrame({"path": faces})) == []
    assert find_unreadable([[1.0, 2.0]]) == []
    with pytest.raises(TypeError):
        find_unreadable(iter(faces))


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
