# SPDX-License-Identifier: BSD-3-Clause
"""One folder of records, many processes: at once, killed, on a full disk, and with wrong clocks."""

import os
import resource
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hostile import record_writers
from hostile.record_writers import CONFIGURATION, N_RECORDS, data_of, digest_of
from numpy.testing import assert_array_equal
from sklearn.preprocessing import StandardScaler

from skfakespot import NeuronCoverageTransformer, clear_caches
from skfakespot._record_folder import RecordFolder
from skfakespot.cli._detectors import save_detector
from skfakespot.scoring import ImageScore
from skfakespot.scoring._files import open_scores

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 12, 10, 3), dtype=np.uint8)


def start_writer(folder, seed, n_steps=-1):
    program = [sys.executable, "-W", "error", record_writers.__file__, str(folder)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*program, str(seed), str(n_steps)], **pipes)


def read_all(folder):
    """Number of the records found, all of which must be right, without a warning."""
    records = RecordFolder(folder, CONFIGURATION)
    records.refresh()
    n_found = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(N_RECORDS):
            for found in records.read(digest_of(number)):
                assert found == data_of(number)
                n_found += 1
    return n_found


@pytest.mark.parametrize("n_writers", [2, pytest.param(8, marks=pytest.mark.long)])
def test_writers_at_once(tmp_path, n_writers):
    n_steps = 30 if n_writers == 2 else 300
    writers = [start_writer(tmp_path / "memory", seed, n_steps) for seed in range(n_writers)]
    for writer in writers:
        output, errors = writer.communicate(timeout=300)
        assert writer.returncode == 0, errors.decode()
        assert int(output.split()[-1]) > n_steps
    assert read_all(tmp_path / "memory") > 0
    assert not list(tmp_path.rglob("*.unfinished"))


@pytest.mark.parametrize("n_kills", [3, pytest.param(100, marks=pytest.mark.long)])
def test_killed_writers(tmp_path, n_kills):
    folder, rng = tmp_path / "memory", np.random.default_rng(0)
    for seed in range(n_kills):
        writer = start_writer(folder, seed)
        try:
            assert writer.stdout.readline(), writer.stderr.read()
            time.sleep(rng.uniform(0, 0.1))
        finally:
            writer.kill()
            writer.communicate()
        assert read_all(folder) > 0
    for file in folder.rglob("*.unfinished"):
        os.utime(file, (0, 0))
    RecordFolder(folder, CONFIGURATION).write([(digest_of(0), data_of(0))])
    assert not list(folder.rglob("*.unfinished"))


@contextmanager
def full_disk(size):
    """No file of this process can grow beyond a size, in bytes; nor can pytest's own output."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    # Python would keep modules that it could only write a part of.
    sys.dont_write_bytecode, writes_none = True, sys.dont_write_bytecode
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_none
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("size", [0, 1, 50, 100, 500, 1000])
def test_a_full_disk(exact, tmp_path, size):
    clear_caches(networks=False)
    expected = NeuronCoverageTransformer(exact).fit_transform(IMAGES)
    clear_caches(networks=False)
    coverage = NeuronCoverageTransformer(exact, memory=tmp_path / "memory")
    problem = "could not be written to memory=.*File too large"
    with pytest.warns(UserWarning, match=problem), full_disk(size):
        counts = coverage.fit_transform(IMAGES)
    assert_array_equal(counts, expected)
    assert not [path for path in Path(tmp_path).rglob("*") if path.is_file()]


def test_a_disk_that_is_full_when_small_files_are_merged(tmp_path):
    records = RecordFolder(tmp_path, CONFIGURATION)
    for number in range(63):
        records.write([(digest_of(number), data_of(number))])
    with full_disk(2000):
        records.write([(digest_of(63), data_of(63))])
        with pytest.warns(UserWarning, match="could not be written"):
            records.write_or_warn([(digest_of(64), data_of(64))])
    assert read_all(tmp_path) == 65


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_disk_that_is_full_of_scores(tmp_path, suffix):
    pytest.importorskip("polars")
    path = tmp_path / f"scores.{suffix}"
    scores = [ImageScore(f"{number}.png", 0.5, "real", None) for number in range(200)]
    file = open_scores(path)
    problem = pytest.raises(OSError, match=r"scores.*cannot be written .*File too large")
    with problem, full_disk(1500):
        write_scores(file, scores[:70] if suffix == "parquet" else scores)
    # A later run goes on after the last line that is complete.
    n_known = len(open_scores(path).known)
    assert 0 < n_known < len(scores)
    assert [score.path for score in open_scores(path).known] == [s.path for s in scores[:n_known]]


@pytest.mark.parametrize("file_format", ["skops", "joblib"])
def test_a_disk_that_is_full_of_a_detector(tmp_path, file_format):
    file = tmp_path / f"detector.{file_format}"
    file.write_bytes(b"an earlier detector")
    problem = pytest.raises(
        OSError, match=rf"detector\.{file_format} cannot be written .*too large"
    )
    with problem, full_disk(1500):
        save_detector(StandardScaler().fit(np.eye(200)), file, file_format)
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_bytes() == b"an earlier detector"


def write_scores(file, scores):
    file.append(scores)
    file.finish()


@pytest.mark.parametrize("hours", [-(10**5), -2, 2, 10**5])
def test_steps_of_the_clock(tmp_path, hours):
    """Files that seem to be older or newer than they are: right, and new ones are kept."""
    records = RecordFolder(tmp_path, CONFIGURATION, max_bytes=2000)
    records.write([(digest_of(number), data_of(number)) for number in range(5)])
    (file,) = tmp_path.rglob("*.profiles")
    wrong = time.time_ns() + hours * 3600 * 10**9
    os.utime(file, ns=(max(wrong, 0), max(wrong, 0)))
    file.rename(file.with_name(f"{max(wrong, 0):020}{file.name[20:]}"))
    for _ in range(3):
        records.write([(digest_of(number), data_of(number)) for number in range(5, 10)])
    fresh = RecordFolder(tmp_path, CONFIGURATION)
    fresh.refresh()
    assert next(fresh.read(digest_of(7))) == data_of(7)
    read_all(tmp_path)
