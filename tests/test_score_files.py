# SPDX-License-Identifier: BSD-3-Clause
"""Files of scores: what they hold, and how an interrupted run goes on."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from photos import fit_detector
from sklearn.dummy import DummyClassifier

from skfakespot import (
    clear_caches,
    count_network_images,
    fake_probability,
    score_images,
)

COLUMNS = ["path", "probability", "label", "error"]


@pytest.fixture(scope="module")
def detector(network, photos):
    return fit_detector(network, photos)


@pytest.fixture
def read_again(detector):
    """Score with an output, and count the images that pass through the network."""

    def read_again(X, output, **parameters):
        clear_caches(networks=False)
        with count_network_images() as count:
            table = score_images(detector, X, output=output, chunk_size=4, **parameters)
        return table, count.n_images

    return read_again


def test_a_csv_file_holds_the_table(read_again, mixed_photos, tmp_path):
    table, _ = read_again(mixed_photos, tmp_path / "scores.csv")
    written = pd.read_csv(tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(
        written.astype(object).where(written.notna(), None),
        table.astype(object).where(table.notna(), None),
    )
    assert pl.read_csv(tmp_path / "scores.csv").columns == COLUMNS


@pytest.mark.parametrize("name", ["scores.csv", "scores.parquet"])
def test_a_finished_file_is_not_scored_again(read_again, mixed_photos, tmp_path, name):
    table, n_images = read_again(mixed_photos, tmp_path / name)
    assert n_images >= 12
    again, n_images = read_again(mixed_photos, tmp_path / name)
    assert n_images <= 8  # those that are compared
    pd.testing.assert_frame_equal(again, table)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["scores.csv", "scores.parquet"])
def test_more_images_are_added_to_a_finished_file(read_again, mixed_photos, tmp_path, name):
    expected, _ = read_again(mixed_photos, tmp_path / "all.csv")
    read_again(mixed_photos[:7], tmp_path / name)
    table, _ = read_again(mixed_photos, tmp_path / name)
    pd.testing.assert_frame_equal(table, expected)
    again, _ = read_again(iter(mixed_photos), tmp_path / name)
    pd.testing.assert_frame_equal(again, expected)


def test_a_parquet_file_holds_the_table(read_again, mixed_photos, tmp_path):
    table, _ = read_again(mixed_photos, tmp_path / "scores.parquet")
    written = pl.read_parquet(tmp_path / "scores.parquet")
    assert written["path"].to_list() == mixed_photos
    assert written["error"].to_list() == table["error"].tolist()
    assert written["label"].to_list() == table["label"].tolist()
    assert_array_equal(written["probability"].fill_null(np.nan), table["probability"])


def test_a_csv_file_cut_off_at_any_byte_is_completed(photos, tmp_path):
    """Also within a path of several lines, within a number and within a letter of two bytes."""
    odd = ['a,"b".png', "two\nlines.png", "carriage\rreturn.png", 'ü"\n.png']
    detector = DummyClassifier(strategy="prior").fit(photos, [0, 1] * 6)
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


def test_a_name_that_is_no_text_is_written_with_a_backslash(detector, tmp_path, photos):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.png")
    try:
        Path(path).write_bytes(Path(photos[0]).read_bytes())
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    for name in ("scores.csv", "scores.parquet"):
        for _ in range(2):
            table = score_images(detector, [path], output=tmp_path / name)
            assert table["path"].tolist() == [f"{tmp_path}/\\udce9.png"]
            assert table["error"].tolist() == [None]


def test_a_file_of_something_else_is_refused(detector, photos, tmp_path):
    output = tmp_path / "scores.csv"

    def check(content, message):
        output.write_text(content)
        with pytest.raises(ValueError, match=message):
            score_images(detector, photos, output=output)
        assert output.read_text() == content

    header = "path,probability,label,error\n"
    check("name,age\nAnn,31\n", "does not hold scores: its first line is 'name,age'")
    check("name", "does not hold scores")
    check(f"{header}a.png,0.7\nb.png,0.7,fake,\n", "line 2, is not a score")
    check(f"{header}a.png,much,fake,\n", "line 2, is not a score")
    check(f'{header}"a"b.png,0.7,fake,\nb.png,0.7,fake,\n', "line 2, is not a score")
    check(f"{header}a.png,0.7,fake,\n", "holds scores of other images: row 0 is of 'a.png'")
    check(f"{header}{photos[0]},0.2,fake,\n", "another threshold")
    check(f"{header}{photos[0]},0.987654,fake,\n", "scores of another detector")
    with pytest.raises(ValueError, match=r"must end in \.csv or \.parquet"):
        score_images(detector, photos, output=tmp_path / "scores.txt")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        score_images(detector, photos, output=tmp_path / "nowhere" / "scores.csv")


def test_a_file_of_more_images_is_refused(detector, photos, tmp_path):
    output = tmp_path / "scores.csv"
    score_images(detector, photos, output=output)
    for X in (photos[:5], iter(photos[:5])):
        with pytest.raises(ValueError, match="scores of 12 images, but X has only 5"):
            score_images(detector, X, output=output)


def test_a_parquet_file_of_something_else_is_refused(detector, photos, tmp_path):
    output = tmp_path / "scores.parquet"
    pl.DataFrame({"name": ["Ann"]}).write_parquet(output)
    with pytest.raises(ValueError, match="its columns are name"):
        score_images(detector, photos, output=output)
    output.write_bytes(b"no Parquet")
    with pytest.raises(ValueError, match="is not a Parquet file"):
        score_images(detector, photos, output=output)


def test_an_interrupted_run_goes_on(detector, mixed_photos, tmp_path):
    """Only the chunk during which it was interrupted is scored again."""
    expected = score_images(detector, mixed_photos)
    for name in ("scores.csv", "scores.parquet"):

        def interrupted():
            for number, path in enumerate(mixed_photos):
                if number == 10:
                    raise KeyboardInterrupt
                yield path

        with pytest.raises(KeyboardInterrupt):
            score_images(detector, interrupted(), output=tmp_path / name, chunk_size=4)
        journal = {"scores.parquet": "scores.parquet.part.csv"}.get(name, name)
        assert pd.read_csv(tmp_path / journal)["path"].tolist() == mixed_photos[:8]
        table = score_images(detector, mixed_photos, output=tmp_path / name)
        pd.testing.assert_frame_equal(table, expected)
        assert not list(tmp_path.glob("*.part*"))


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_a_killed_process_leaves_a_file_that_goes_on(photos, tmp_path):
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


def test_images_that_have_gone_since_do_not_stop_the_rest(detector, photos, tmp_path):
    paths = [tmp_path / Path(face).name for face in photos]
    for face, path in zip(photos, paths, strict=True):
        path.write_bytes(Path(face).read_bytes())
    output = tmp_path / "scores.csv"
    score_images(detector, paths[:4], output=output)
    for path in paths[:4]:
        path.unlink()
    table = score_images(detector, paths, output=output)
    assert_allclose(table["probability"], fake_probability(detector, photos), rtol=1e-6)
