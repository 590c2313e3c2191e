# SPDX-License-Identifier: BSD-3-Clause

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# As skfakespot does, for tests that import Keras first.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# A busy machine is no failure, and a commit that passed once passes again.
# --hypothesis-profile=random searches for new examples.
settings.register_profile("same-examples", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile("same-examples")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_ignore_collect(collection_path):
    """With another backend of Keras, look only into files that have tests for it."""
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        is_program = collection_path.suffix == ".py"
        return (is_program and "mark.backends" not in collection_path.read_text()) or None
    return None


def pytest_configure():
    """Take SIGINT, which a shell's background ignores: the programs that tests start would, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """Let the garbage collector pass over what was imported, of which TensorFlow has much."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items):
    for item in items:
        if {"faces", "oracle_file"} & set(item.fixturenames):
            item.add_marker(pytest.mark.needs_faces)
        if "faceres" in item.fixturenames:
            item.add_marker(pytest.mark.needs_weights)


@pytest.fixture(scope="session")
def faces():
    """The folder of development faces, which stands beside a developer's checkout."""
    folder = SHARED / "faces" / "stylegan_ffhq"
    if not folder.is_dir():
        pytest.skip(f"the development faces are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def oracle_file():
    """Values of dlib's network by an independent implementation."""
    file = SHARED / "reference" / "dlib_resnet29_check.npz"
    if not file.is_file():
        pytest.skip(f"the oracle of the dlib network is not at {file}")
    return file


@pytest.fixture(scope="session")
def faceres():
    """The folder of FaceRes' own files, which stands beside a developer's checkout."""
    folder = SHARED / "weights" / "faceres"
    if not folder.is_dir():
        pytest.skip(f"the weights of FaceRes are not at {folder}")
    return folder


@pytest.fixture
def picture_files(tmp_path):
    """Paths of ten PNG files, and the pictures in them."""
    import numpy as np
    from pictures import picture
    from PIL import Image

    pictures = np.stack([picture(seed) for seed in range(10)])
    paths = [tmp_path / f"face{number}.png" for number in range(10)]
    for path, pixels in zip(paths, pictures, strict=True):
        Image.fromarray(pixels).save(path)
    return paths, pictures


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Paths of twelve small pictures, brighter and brighter."""
    from photos import write_photos

    return write_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="session")
def mixed_photos(photos, tmp_path_factory):
    """The paths of the pictures; those at 0, 4, 5, 9 and 16 cannot be read."""
    from photos import write_unreadable

    first, second, third, fourth, last = write_unreadable(tmp_path_factory.mktemp("unreadable"))
    return [first, *photos[:3], second, third, *photos[3:6], fourth, *photos[6:], last]


@pytest.fixture(scope="module")
def network():
    """A small network on images of 12 x 10 pixels."""
    from networks import small_network

    return small_network()


@pytest.fixture(scope="module")
def exact():
    """The small network with outputs that are the same bits on every processor."""
    from networks import exact_network

    return exact_network()


@pytest.fixture
def no_profiles():
    """Nothing is left of what other tests have shown to a network."""
    from skfakespot import clear_caches

    clear_caches(networks=False)
