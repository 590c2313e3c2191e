# SPDX-License-Identifier: BSD-3-Clause
"""Content of the folder `memory` that the package did not write."""

import shutil

import numpy as np
import pytest
from hostile.forged_folders import FORGERIES, read_records, write_forged
from hostile.special_files import KINDS, limits, make_special
from numpy.testing import assert_array_equal
from PIL import Image

from skfakespot import NeuronCoverageTransformer, clear_caches, count_network_images
from skfakespot.faces import FaceCropper

pytestmark = pytest.mark.usefixtures("no_profiles")
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 12, 10, 3), dtype=np.uint8)
RUNS = {
    "layer": {},
    "channel": {"output": "channel"},
    "statistics": {"output": "channel", "statistics": ("coverage", "mean", "std")},
}


@pytest.fixture(scope="module")
def written(exact, tmp_path_factory):
    """A folder for each run, what the run has found, and the options."""
    folders = {}
    for name, options in RUNS.items():
        clear_caches(networks=False)
        folder = tmp_path_factory.mktemp("written") / "memory"
        coverage = NeuronCoverageTransformer(exact, memory=folder, **options)
        folders[name] = folder, coverage.fit_transform(IMAGES), coverage.thresholds_
    return folders


def assert_computed_again(exact, written, run, folder, n_warnings=1, match="is not used, because"):
    _, expected, thresholds = written[run]
    coverage = NeuronCoverageTransformer(exact, memory=folder, **RUNS[run])
    warns = pytest.warns(UserWarning, match=match)
    with limits(), count_network_images() as passed, warns as caught:
        counts = coverage.fit_transform(IMAGES)
    assert len(caught) == n_warnings
    assert_array_equal(counts, expected)
    assert_array_equal(coverage.thresholds_, thresholds)
    assert passed.n_images >= len(IMAGES)


def copy_of(written, run, tmp_path):
    folder = tmp_path / "memory"
    shutil.copytree(written[run][0], folder)
    return folder, sorted(folder.rglob("*.profiles"))


@pytest.mark.parametrize("run", ["layer", "channel"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_profiles_are_computed_again(exact, written, tmp_path, run, forgery):
    folder, (file,) = copy_of(written, run, tmp_path)
    FORGERIES[forgery](file)
    assert_computed_again(exact, written, run, folder)


@pytest.mark.parametrize("forgery", ["random bytes", "no numbers", "record of 1 GB"])
def test_forged_statistics_are_computed_again(exact, written, tmp_path, forgery):
    folder, files = copy_of(written, "statistics", tmp_path)
    for file in files:
        FORGERIES[forgery](file)
    coverage = NeuronCoverageTransformer(exact, memory=folder, **RUNS["statistics"])
    with limits(), pytest.warns(UserWarning, match="is not used, because") as caught:
        counts = coverage.fit_transform(IMAGES)
    # Random numbers cannot be told from means and deviations.
    if forgery != "random bytes":
        assert_array_equal(counts, written["statistics"][1])
    assert 1 <= len(caught) <= len(files)


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_special_files_in_the_place_of_profiles(exact, written, tmp_path, kind):
    folder, (file,) = copy_of(written, "layer", tmp_path)
    file.unlink()
    make_special(file, kind)
    assert_computed_again(exact, written, "layer", folder)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "folder"])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_special_files_in_the_place_of_folders(exact, written, tmp_path, kind, level):
    folder, (file,) = copy_of(written, "layer", tmp_path)
    place = [folder, file.parent.parent, file.parent][level]
    shutil.rmtree(place)
    make_special(place, kind)
    assert_computed_again(exact, written, "layer", folder, match="could not be written to memory=")


def test_special_files_beside_profiles_do_not_hinder_writing(exact, written, tmp_path):
    folder, (file,) = copy_of(written, "layer", tmp_path)
    (tmp_path / "memory" / "notes.txt").write_text("mine")
    for number, kind in enumerate(KINDS[:-1]):
        make_special(file.with_name(f"{number}.unfinished"), kind)
        make_special(file.with_name(f"{number:020}-{number:032x}.profiles"), kind)
    file.unlink()
    assert_computed_again(exact, written, "layer", folder)
    assert (tmp_path / "memory" / "notes.txt").read_text() == "mine"


def test_a_clock_that_went_wrong(exact, written, tmp_path):
    folder, (file,) = copy_of(written, "layer", tmp_path)
    file.rename(file.with_name(f"{10**19}{file.name[20:]}"))
    coverage = NeuronCoverageTransformer(exact, memory=folder)
    with count_network_images() as passed:
        assert_array_equal(coverage.fit_transform(IMAGES), written["layer"][1])
    assert passed.n_images == 0


@pytest.mark.parametrize("face", [np.nan, np.inf, 1e9])
def test_forged_faces_are_searched_again(tmp_path, face):
    path = tmp_path / "grey.png"
    Image.new("RGB", (90, 90), (128, 128, 128)).save(path)
    cropper = FaceCropper(memory=tmp_path / "memory")
    before = cropper.fit_transform([path])
    (file,) = (tmp_path / "memory").rglob("*.profiles")
    forged = np.zeros((1, 15))
    forged[0, :7] = [0, 0, face, face, 1, 5, 5]
    write_forged(file, [(digest, forged.tobytes()) for digest, _ in read_records(file)])
    clear_caches(networks=False)
    with limits(), pytest.warns(UserWarning, match="is not used, because"):
        after = cropper.fit_transform([path])
    assert [type(crop) for crop in after] == [type(crop) for crop in before]
