# SPDX-License-Identifier: BSD-3-Clause
"""Archives of Keras from strangers: one error, and little time and memory."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
from hostile.keras_archives import (
    ATTACKS,
    WRITERS,
    members_of,
    write_legacy_with_code,
    write_members,
    write_network,
)
from hostile.special_files import KINDS, limits, make_special
from networks import small_network

from skfakespot import NeuronCoverageTransformer
from skfakespot.backbones import BackboneError
from skfakespot.backbones._backbone import WeightsFormatError
from skfakespot.backbones._weights import read_weights

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 12, 10, 3), dtype=np.uint8)

# Of those that Keras itself would not refuse in time.
REASONS = {
    "2^30 units": "take 21,474,836,928 bytes of weights, and its model.weights.h5 has",
    "outputs of 5 GB": "up to layer 'larger' it outputs 8,000,000,320 numbers for one image",
    "images of 100,000 pixels a side": "up to layer 'conv' it outputs",
    "dataset of 4 GB": "layers/conv2d/vars/0 is not stored as plain numbers",
    "unused dataset of 4 TB": "other is not stored as plain numbers",
    "link to a device": "'layers/conv2d/vars/0' is a link to somewhere else",
    "weights stored in a device": "layers/conv2d/vars/0 is not stored as plain numbers",
    "config of 16 MB": "config.json has 16,",
    "config of 200,000 brackets": "too many brackets",
    "2^24 calls": "layers, settings and calls, more than 20,000",
    "30,000 layers": "layers, settings and calls, more than 20,000",
}


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    return members_of(write_network(tmp_path_factory.mktemp("network") / "network.keras"))


def assert_refused(path, reason=""):
    with limits(), pytest.raises(BackboneError, match=f"cannot be loaded.*{reason}.*Accepted is"):
        NeuronCoverageTransformer(path).fit(IMAGES)


def test_the_network_itself_is_read(members, tmp_path):
    path = write_members(tmp_path / "network.keras", members)
    assert NeuronCoverageTransformer(path).fit(IMAGES).n_neurons_.tolist() == [320, 2]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_describes_too_much_or_no_network_is_refused(members, tmp_path, attack):
    path = write_members(tmp_path / "hostile.keras", ATTACKS[attack](members))
    assert_refused(path, REASONS.get(attack, ""))


@pytest.mark.parametrize("attack", WRITERS)
def test_archives_that_are_no_plain_archives_are_refused(members, tmp_path, attack):
    path = tmp_path / "hostile.keras"
    WRITERS[attack](path, members)
    if attack == "20,000 members":
        with limits():
            NeuronCoverageTransformer(path).fit(IMAGES)
    else:
        assert_refused(path)


@pytest.mark.parametrize("kind", KINDS)
def test_special_files_are_refused(tmp_path, kind):
    assert_refused(make_special(tmp_path / "network.keras", kind))


def test_an_unpacked_archive_is_refused(members, tmp_path):
    folder = tmp_path / "network.keras"
    folder.mkdir()
    for name, content in members.items():
        (folder / name).write_bytes(content)
    assert_refused(folder, "it is a folder")


def test_files_of_keras_2_are_refused(tmp_path):
    write_legacy_with_code(tmp_path / "network.h5")
    assert_refused(tmp_path / "network.h5", r"does not end in \.keras")


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="needs limits of a process")
def test_weights_in_which_hdf5_takes_all_memory_are_refused(members, tmp_path):
    # Found by fuzzing; without bounds, HDF5 1.14.6 takes 15 GB and more.
    damaged = Path(__file__).with_name("endless.weights.h5").read_bytes()
    changed = {**members, "model.weights.h5": damaged}
    archive = write_members(tmp_path / "hostile.keras", changed)
    assert_refused(archive, "the HDF5 file cannot be read")
    file = tmp_path / "hostile.weights.h5"
    file.write_bytes(damaged)
    for path in (archive, file):
        with limits(), pytest.raises(WeightsFormatError, match="the HDF5 file cannot be read"):
            read_weights(path, small_network(), {})


def test_a_checked_network_leaves_nothing_behind(members, tmp_path):
    path = write_members(tmp_path / "hostile.keras", ATTACKS["4e7 filters"](members))
    assert_refused(path)
    # Keras initialises the variables of a scope when it ends, and those of scopes before it.
    with limits(), keras.StatelessScope():
        pass
