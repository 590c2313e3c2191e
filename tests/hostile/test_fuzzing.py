# SPDX-License-Identifier: BSD-3-Clause
"""Random changes of files: each is read, or refused by the room's own error.

Each kind of file is changed for a fraction of a second, and for a minute in the long tests. A
failure names the number of the change: ``mutated(data, number, head)`` makes it again.
"""

import io
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from graph_models import RandomFaceRes, write_graph_model
from hostile.forged_folders import read_records, write_forged
from hostile.keras_archives import members_of, write_members, write_network
from hostile.mutations import mutations
from hostile.special_files import bounded_memory
from networks import small_network
from weight_files import write_legacy_file

from skfakespot import NeuronCoverageTransformer, clear_caches
from skfakespot._record_folder import RecordFolder
from skfakespot._regular_files import UnreadableFileError
from skfakespot.backbones import BackboneError
from skfakespot.backbones._backbone import WeightsFormatError
from skfakespot.backbones._dlib_format import parse_dlib_network
from skfakespot.backbones._dlib_stream import find_installed
from skfakespot.backbones._mobilenet import _published_graph
from skfakespot.backbones._registry import _load_keras_file
from skfakespot.backbones._tensorflowjs_format import read_tensors
from skfakespot.backbones._weights import read_hdf5
from skfakespot.faces._detector_format import parse_detector_model
from skfakespot.faces._landmark_format import parse_landmark_model

REFUSALS = (WeightsFormatError, UnreadableFileError, BackboneError)
FORMATS = {}


def file_format(make):
    """Register a function that returns the data, what reads a changed copy, and the head's size."""
    FORMATS[make.__name__] = make
    return make


def dlib_file(name, parse, head):
    return SimpleNamespace(data=find_installed(name).read_bytes(), read=parse, head=head)


@file_format
def dlib_network(_folder):
    name = "dlib_face_recognition_resnet_model_v1.dat"
    return dlib_file(name, parse_dlib_network, 600)


@file_format
def dlib_detector(_folder):
    return dlib_file("mmod_human_face_detector.dat", parse_detector_model, 400)


@file_format
def dlib_landmarks(_folder):
    return dlib_file("shape_predictor_5_face_landmarks.dat", parse_landmark_model, 400)


@file_format
def tensorflowjs_manifest(folder):
    published = RandomFaceRes()
    path = write_graph_model(folder / "faceres.json", published.graph, published.tensors)

    def read(changed):
        path.write_bytes(changed)
        read_tensors(path, *_published_graph())

    return SimpleNamespace(data=path.read_bytes(), read=read, head=None)


def weights_file(path, model, head):
    def read(changed):
        read_hdf5(io.BytesIO(changed), model, {})

    return SimpleNamespace(data=path.read_bytes(), read=read, head=head)


@file_format
def legacy_weights(folder):
    model = small_network()
    return weights_file(write_legacy_file(folder / "weights.h5", model), model, 4000)


@file_format
def keras_weights(folder):
    model = small_network()
    model.save_weights(folder / "a.weights.h5")
    return weights_file(folder / "a.weights.h5", model, 4000)


def archive_of(folder, name):
    path = write_network(folder / "network.keras")
    members = members_of(path)

    def read(changed):
        if name is None:
            path.write_bytes(changed)
        else:
            write_members(path, {**members, name: changed})
        _load_keras_file(path)

    data = path.read_bytes() if name is None else members[name]
    return SimpleNamespace(data=data, read=read, head=None)


@file_format
def keras_archive(folder):
    return archive_of(folder, None)


@file_format
def keras_archive_config(folder):
    return archive_of(folder, "config.json")


@file_format
def keras_archive_weights(folder):
    return archive_of(folder, "model.weights.h5")


@file_format
def file_of_records(folder):
    (folder / "memory").mkdir()
    first = RecordFolder(folder / "memory", bytes(32))
    first.write([(bytes([n]) * 16, bytes(range(n))) for n in range(5)])
    (path,) = folder.rglob("*.profiles")

    def read(changed):
        path.write_bytes(changed)
        records = RecordFolder(folder / "memory", bytes(32))
        records.refresh()
        for n in range(5):
            assert list(records.read(bytes([n]) * 16)) in ([], [bytes(range(n))])

    return SimpleNamespace(data=path.read_bytes(), read=read, head=100)


@file_format
def profile(folder):
    images = np.random.default_rng(0).integers(0, 256, (2, 12, 10, 3), dtype=np.uint8)
    network = small_network()
    coverage = NeuronCoverageTransformer(network, output="channel", memory=folder / "memory")
    coverage.fit(images)
    (path,) = folder.rglob("*.profiles")
    (first, data), other = read_records(path)

    def read(changed):
        write_forged(path, [(first, changed), other])
        clear_caches(networks=False)
        counts = coverage.transform(images)
        assert ((counts >= 0) & (counts <= coverage.n_neurons_.max())).all()
        for extra in set(folder.rglob("*.profiles")) - {path}:
            extra.unlink()

    return SimpleNamespace(data=data, read=read, head=200)


@pytest.mark.parametrize("seconds", [0.2, pytest.param(60, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", FORMATS)
def test_changed_bytes_are_read_or_refused(tmp_path, name, seconds):
    target, n_refused = FORMATS[name](tmp_path), 0
    # HDF5 can take any amount of memory for a damaged file.
    with warnings.catch_warnings(), bounded_memory():
        warnings.simplefilter("ignore")
        for number, changed in mutations(target.data, seconds, head=target.head):
            try:
                target.read(changed)
            except REFUSALS:
                n_refused += 1
            except Exception as error:
                error.add_note(f"change number {number}")
                raise
    print(f"{name}: {number + 1} changes, {n_refused} refused")
