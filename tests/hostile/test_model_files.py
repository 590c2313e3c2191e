# SPDX-License-Identifier: BSD-3-Clause
"""Files of detectors from elsewhere: nothing in them runs unless the user trusts them."""

import io
import os
import zipfile

import joblib
import numpy as np
import pytest
import skops.io
from networks import small_network
from photos import write_photos
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.svm import SVC

from skfakespot import (
    FakeSpotterClassifier,
    NeuronCoverageTransformer,
    PerturbationAugmenter,
    SkipMissingClassifier,
    make_fakespotter,
    trusted_types,
)
from skfakespot.cli import main
from skfakespot.faces import FaceCropper
from skfakespot.video import VideoClassifier


class RunsCode:
    """Makes a file when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (self.file,)


class Foreign(DummyClassifier):
    """A type that skops does not know."""


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    return str(write_photos(tmp_path_factory.mktemp("photo"))[0])


@pytest.fixture(scope="module")
def fitted():
    return DummyClassifier(strategy="prior").fit(np.zeros((2, 1)), [0, 1])


def small_detector(**options):
    detector = make_fakespotter(random_state=0, **options)
    return detector.set_params(coverage__weights="random", coverage__layers="dense")


@pytest.mark.parametrize("trust", [[], ["--trust"]])
def test_a_file_of_joblib_runs_only_if_it_is_trusted(photo, tmp_path, capsys, trust):
    file, trace = tmp_path / "detector.skops", tmp_path / "was-run"
    joblib.dump(RunsCode(str(trace)), file)
    assert main(["predict", str(file), photo, *trust]) == 2
    assert trace.exists() == bool(trust)
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    if not trust:
        assert "can run code when it is loaded: add --trust" in message
        assert "--format skops" in message


def test_a_file_of_skops_with_foreign_types_is_loaded_only_if_it_is_trusted(
    photo, tmp_path, capsys
):
    file = tmp_path / "detector.skops"
    skops.io.dump(Foreign(strategy="prior").fit(np.zeros((2, 1)), [0, 1]), file)
    assert main(["predict", str(file), photo]) == 2
    error = capsys.readouterr().err
    assert "Foreign, which could run code; add --trust" in error
    assert main(["predict", str(file), photo, "--trust"]) == 0


@pytest.mark.parametrize(
    "options",
    [
        {"on_error": "nan"},
        {"recipe": "statistics", "augment": True},
        {"classifier": CalibratedClassifierCV(SVC(), ensemble=False, cv=2)},
    ],
    ids=["missing", "augmented", "calibrated"],
)
def test_a_fitted_detector_needs_only_the_trusted_types(options):
    images = list(np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8))
    detector = small_detector(**options).fit(images, np.arange(12) % 2)
    loaded = skops.io.loads(skops.io.dumps(detector), trusted=trusted_types())
    np.testing.assert_array_equal(loaded.predict_proba(images), detector.predict_proba(images))
    requests = (str(each["classify"].get_metadata_routing()) for each in (loaded, detector))
    assert next(requests) == next(requests)


def test_all_estimators_can_be_saved_and_loaded():
    for estimator in (
        NeuronCoverageTransformer(),
        FakeSpotterClassifier(),
        PerturbationAugmenter(),
        SkipMissingClassifier(SVC()),
        FaceCropper(),
        VideoClassifier(make_fakespotter(faces=True, recipe="statistics")),
        make_fakespotter(augment=True, output="channel"),
    ):
        loaded = skops.io.loads(skops.io.dumps(estimator), trusted=trusted_types())
        assert repr(loaded) == repr(estimator)


def test_a_network_in_the_file_is_not_trusted():
    data = skops.io.dumps(NeuronCoverageTransformer(small_network()))
    assert set(skops.io.get_untrusted_types(data=data)) - set(trusted_types())


def test_the_format_goes_with_the_name(tmp_path, capsys):
    for name, options in (("d.joblib", []), ("d.skops", ["--format", "joblib"])):
        command = ["train", "--real", ".", "--fake", ".", "--output", str(tmp_path / name)]
        assert main([*command, *options]) == 2
        error = capsys.readouterr().err
        assert "or give --format" in error


def archive(**parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name.replace("_json", ".json"), content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        archive(schema_json=b" " * (1 << 25)),
        archive(schema_json=b"[" * 100_000),
        archive(schema_json=b"{}"),
        archive(other=b"{}"),
        b"PK\x03\x04",
    ],
    ids=["large", "deep", "empty", "without", "cut"],
)
def test_an_archive_that_is_no_detector_is_one_line(photo, tmp_path, capsys, content):
    file = tmp_path / "detector.skops"
    file.write_bytes(content)
    assert main(["predict", str(file), photo]) == 2
    error = capsys.readouterr().err
    assert f"{file} cannot be loaded" in error
    assert error.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_not_waited_for(photo, tmp_path, capsys):
    os.mkfifo(tmp_path / "detector.skops")
    assert main(["predict", str(tmp_path / "detector.skops"), photo]) == 2
    assert "it is not a regular file" in capsys.readouterr().err


def mutated(data, seed):
    """Change up to eight bytes of a file, or cut it, or repeat a part of it."""
    source = np.random.default_rng(seed)
    damaged = np.frombuffer(data, dtype=np.uint8).copy()
    places = source.integers(len(damaged), size=source.integers(1, 9))
    damaged[places] = source.integers(256, size=len(places))
    damaged = damaged.tobytes()
    start, stop = sorted(source.integers(len(data), size=2))
    kinds = (
        damaged,
        damaged[:start],
        damaged[:start] + damaged[stop:],
        damaged[:stop] + damaged[start:],
    )
    return kinds[source.integers(len(kinds))]


@pytest.mark.parametrize("n_files", [40, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.filterwarnings("ignore::Warning")
def test_damaged_files_are_one_line_or_detectors(fitted, photo, tmp_path, capsys, n_files):
    data = skops.io.dumps(small_detector().fit(
        list(np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)),
        [0, 1, 0, 1],
    ))  # fmt: skip
    packed = repacked(data)
    for seed in range(n_files):
        file = tmp_path / "detector.skops"
        file.write_bytes(packed(seed) if seed % 2 else mutated(data, seed))
        status = main(["predict", str(file), photo])
        error = capsys.readouterr().err
        assert status in (0, 2), seed
        assert (status == 0) == (error == ""), (seed, error)


def repacked(data):
    """Return a function that makes archives with sound checksums around damaged parts."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        parts = {name: file.read(name) for name in file.namelist()}

    def make(seed):
        damaged = np.random.default_rng(seed).choice(["schema.json", *parts])
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            for name, content in parts.items():
                file.writestr(name, mutated(content, seed) if name == damaged else content)
        return buffer.getvalue()

    return make
