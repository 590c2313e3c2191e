# SPDX-License-Identifier: BSD-3-Clause
"""The store of profiles: shared, bounded, and never trusted blindly."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import joblib
import keras
import numpy as np
import pytest
from networks import exact_network, make_exact, varied_images
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate

from skfakespot import (
    FakeSpotterClassifier,
    NeuronCoverageTransformer,
    clear_caches,
    count_network_images,
    make_fakespotter,
)
from skfakespot._counting._profile import ActivationProfile
from skfakespot._counting._store import ProfileStore, make_cache
from skfakespot._record_folder import RecordFolder
from skfakespot.backbones import Backbone, Preprocessing

pytestmark = [pytest.mark.usefixtures("no_profiles"), pytest.mark.numeric]

CONFIGURATION = bytes(32)


@pytest.fixture(scope="module")
def network(exact):
    return exact


@pytest.fixture(scope="module")
def images():
    return varied_images(60)


@pytest.fixture
def paths(images, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return np.array([str(path) for path in paths], dtype=object)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "profiles"


def files_of(folder):
    return sorted(folder.rglob("*.profiles"))


def test_a_warm_store_needs_no_network(network, paths, folder):
    coverage = NeuronCoverageTransformer(network, memory=folder)
    expected = coverage.fit_transform(paths)
    with count_network_images() as passed:
        for memory in (folder, str(folder), joblib.Memory(folder, verbose=0)):
            clear_caches(networks=False)
            other = clone(coverage).set_params(memory=memory)
            assert_array_equal(other.fit_transform(paths), expected)
            assert_array_equal(other.thresholds_, coverage.thresholds_)
            assert_array_equal(other.transform(paths[::-1]), expected[::-1])
    assert passed.n_images == 0


@pytest.mark.parametrize("output", ["layer", "channel"])
def test_cross_validation_looks_at_each_image_once(paths, folder, output):
    y = np.arange(len(paths)) % 2
    classifier = FakeSpotterClassifier((4,), max_iter=2, random_state=0)
    detector = make_fakespotter(
        exact_network(), memory=folder, output=output, classifier=classifier
    )
    with count_network_images() as passed:
        scores = cross_validate(detector, paths, y, cv=5, return_estimator=True)
    assert passed.n_images == len(paths)
    for estimator in scores["estimator"]:
        fitted = estimator["coverage"]
        plain = clone(fitted).set_params(memory=None, backbone=exact_network()).fit(paths)
        plain.thresholds_ = fitted.thresholds_
        assert_array_equal(fitted.transform(paths), plain.transform(paths))
    clear_caches(networks=False)
    search = GridSearchCV(detector, {"classify__max_iter": range(1, 13)}, cv=5, refit=False)
    with count_network_images() as passed:
        search.fit(paths, y)
    assert passed.n_images == 0


@pytest.mark.slow
def test_another_process_needs_no_network(folder, paths):
    program = (
        "import sys, numpy as np\n"
        "from skfakespot import NeuronCoverageTransformer, count_network_images\n"
        "paths = np.array(sys.argv[2:], dtype=object)\n"
        "coverage = NeuronCoverageTransformer(weights='random', memory=sys.argv[1])\n"
        "with count_network_images() as passed:\n"
        "    counts = coverage.fit_transform(paths)\n"
        "print(passed.n_images, int(counts.sum()))\n"
    )
    few = paths[:6].tolist()
    total = NeuronCoverageTransformer(weights="random", memory=folder).fit_transform(few).sum()
    command = [sys.executable, "-c", program, str(folder), *few]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.stdout == f"0 {int(total)}\n", run.stderr


def test_without_memory_folds_share_profiles_in_the_process(network, paths):
    coverage = NeuronCoverageTransformer(network).fit(paths)
    with count_network_images() as passed:
        for start in range(0, 60, 12):
            fold = np.delete(paths, slice(start, start + 12))
            clone(coverage).fit_transform(fold)
    assert passed.n_images == 0


@pytest.mark.parametrize(
    "change",
    [
        {"tap": "activation"},
        {"neuron": "channel"},
        {"output": "channel"},
        {"layers": "conv"},
        {"layers": "dense"},
        {"threshold": 0.01},
        {"threshold": ("quantile", 0.9)},
        {"threshold": ("quantile", [0.5, 0.9])},
        {"threshold": "per-map"},
        {"image_size": (9, 10)},
        {"batch_size": 7},
    ],
)
def test_other_parameters_never_meet_foreign_profiles(images, folder, change):
    model = network_of_any_size()
    coverage = NeuronCoverageTransformer(model, image_size=(12, 10), memory=folder)
    coverage.fit_transform(images)
    clear_caches(networks=False)
    other = clone(coverage).set_params(**change)
    counts = other.fit_transform(images)
    clear_caches(networks=False)
    plain = clone(other).set_params(memory=None)
    assert_array_equal(plain.fit_transform(images), counts)
    assert_array_equal(plain.thresholds_, other.thresholds_)


def network_of_any_size():
    inputs = keras.Input((None, None, 3))
    initializer = keras.initializers.GlorotUniform
    x = keras.layers.Conv2D(3, 3, kernel_initializer=initializer(1))(inputs)
    x = keras.layers.BatchNormalization(beta_initializer="ones")(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalMaxPooling2D()(x)
    outputs = keras.layers.Dense(2, kernel_initializer=initializer(2))(x)
    return make_exact(keras.Model(inputs, outputs))


def changed_weights():
    model = exact_network()
    kernel = model.get_layer("dense").kernel
    kernel.assign(kernel + 1e-3)
    return model


def another_activation():
    model = exact_network()
    config = model.get_config()
    (relu,) = [layer for layer in config["layers"] if layer["name"] == "relu_1"]
    relu["config"]["negative_slope"] = 0.1
    copied = keras.Model.from_config(config)
    copied.set_weights(model.get_weights())
    return copied


def another_connection():
    inputs = keras.Input((12, 10, 3))
    x = keras.layers.Conv2D(3, 3, padding="same", kernel_initializer="ones", name="conv")(inputs)
    return keras.Model(inputs, keras.layers.Add(name="add")([x, inputs]))


def the_other_connection():
    inputs = keras.Input((12, 10, 3))
    x = keras.layers.Conv2D(3, 3, padding="same", kernel_initializer="ones", name="conv")(inputs)
    return keras.Model(inputs, keras.layers.Add(name="add")([x, x]))


def with_constant(constant):
    inputs = keras.Input((12, 10, 3))
    x = keras.layers.Conv2D(3, 3, kernel_initializer="ones", name="conv")(inputs * constant)
    return keras.Model(inputs, x)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (exact_network, changed_weights),
        (exact_network, another_activation),
        (another_connection, the_other_connection),
        (lambda: with_constant(2.0), lambda: with_constant(3.0)),
        (
            lambda: Backbone("same name", exact_network(), Preprocessing(scale=0.5)),
            lambda: Backbone("same name", exact_network(), Preprocessing(scale=0.25)),
        ),
    ],
    ids=["weights", "activation", "connection", "constant", "preprocessing"],
)
def test_another_network_never_meets_foreign_profiles(images, folder, first, second):
    layers = "conv|relu|add|dense"
    NeuronCoverageTransformer(first(), layers=layers, memory=folder).fit_transform(images)
    clear_caches(networks=False)
    other = NeuronCoverageTransformer(second(), layers=layers, memory=folder)
    with count_network_images() as passed:
        counts = other.fit_transform(images)
    assert passed.n_images >= len(images)
    clear_caches(networks=False)
    assert_array_equal(clone(other).set_params(memory=None).fit_transform(images), counts)


def test_the_same_network_built_again_meets_its_profiles(images, folder):
    for n_passed_expected in (len(images), 0):
        clear_caches(networks=False)
        with count_network_images() as passed:
            NeuronCoverageTransformer(exact_network(), memory=folder).fit(images)
        assert passed.n_images == n_passed_expected


def test_a_changed_image_never_meets_foreign_profiles(network, paths, images, folder):
    coverage = NeuronCoverageTransformer(network, memory=folder)
    coverage.fit(paths)
    status = Path(paths[0]).stat()
    Image.fromarray(images[1]).save(paths[0])
    os.utime(paths[0], ns=(status.st_atime_ns, status.st_mtime_ns))
    counts = coverage.transform(paths[:2])
    assert_array_equal(counts[0], counts[1])


def test_code_of_the_users_own_is_not_kept_on_disk(images, folder):
    backbone = Backbone("mine", exact_network(), lambda batch: batch.astype("f4"))
    inputs = keras.Input((12, 10, 3))
    scaled = keras.layers.Lambda(lambda batch: batch * 2.0)(inputs)
    with_code = keras.Model(inputs, keras.layers.Conv2D(1, 3)(scaled))
    for network in (backbone, with_code):
        coverage = NeuronCoverageTransformer(network, memory=folder)
        with pytest.warns(UserWarning, match=r"Nothing is kept in memory=.*code of their own"):
            counts = coverage.fit_transform(images)
        assert not folder.exists()
        plain = clone(coverage).set_params(memory=None)
        assert_array_equal(plain.fit_transform(images), counts)


def test_a_folder_that_cannot_be_written_is_no_error(network, images, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    coverage = NeuronCoverageTransformer(network, memory=tmp_path / "file" / "folder")
    with pytest.warns(UserWarning, match="could not be written to memory="):
        counts = coverage.fit_transform(images)
    assert_array_equal(clone(coverage).set_params(memory=None).fit_transform(images), counts)


def damage_nothing(data):
    return data


def damage_header(data):
    return data[:30] + bytes([data[30] ^ 1]) + data[31:]


def damage_table(data):
    return data[:60] + bytes([data[60] ^ 1]) + data[61:]


def damage_values(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def damage_length(data):
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    "damage",
    [
        damage_header,
        damage_table,
        damage_values,
        damage_length,
        lambda data: b"",
        lambda data: data[:40],
        lambda data: b"something else" * 100,
    ],
)
def test_damaged_files_are_not_trusted(network, images, folder, damage):
    coverage = NeuronCoverageTransformer(network, memory=folder)
    expected = coverage.fit_transform(images)
    (file,) = files_of(folder)
    file.write_bytes(damage(file.read_bytes()))
    clear_caches(networks=False)
    other = clone(coverage)
    with count_network_images() as passed, warns_once_of(file):
        assert_array_equal(other.fit_transform(images), expected)
    assert_array_equal(other.thresholds_, coverage.thresholds_)
    assert 0 < passed.n_images <= len(images)
    clear_caches(networks=False)
    with count_network_images() as passed, warns_once_of(file):
        assert_array_equal(clone(coverage).fit_transform(images), expected)
    assert passed.n_images == 0


@contextmanager
def warns_once_of(file):
    with pytest.warns(UserWarning, match="is not used, because it is damaged") as caught:
        yield
    assert [str(warning.message).startswith(str(file)) for warning in caught] == [True]


def some_profile(seed, n_values=1000):
    random = np.random.default_rng(seed)
    return ActivationProfile(
        sums=random.normal(size=3),
        low=np.zeros(3, np.float32),
        high=np.ones(3, np.float32),
        above=random.integers(0, 100, 3, dtype=np.int32),
        values=random.random(n_values, dtype=np.float32),
        lengths=np.array([n_values, 0, 0], dtype=np.int32),
        features=np.empty(0, dtype=np.uint16),
    )


def digest_of(number):
    return number.to_bytes(16, "big")


def record_of(number, *size):
    return digest_of(number), some_profile(number, *size).to_bytes()


def test_a_folder_is_bounded_and_keeps_the_newest(tmp_path):
    folder = RecordFolder(tmp_path, CONFIGURATION, max_bytes=50_000)
    for number in range(40):
        folder.write([record_of(number)])
        assert sum(file.stat().st_size for file in files_of(tmp_path)) <= 50_000
    seen_anew = RecordFolder(tmp_path, CONFIGURATION)
    seen_anew.refresh()
    folder.refresh()
    for number in range(40):
        for store in (folder, seen_anew):
            found = list(store.read(digest_of(number)))
            assert len(found) == (number >= 29)
            for record in found:
                assert record == record_of(number)[1]


def test_many_small_files_become_one(tmp_path):
    folder, other = (RecordFolder(tmp_path, CONFIGURATION) for _ in range(2))
    for number in range(100):
        folder.write([record_of(number, 10)])
        if number == 50:
            other.refresh()
    assert len(files_of(tmp_path)) < 70
    other.refresh()
    for number in range(100):
        for store in (folder, other):
            (record,) = store.read(digest_of(number))
            assert record == record_of(number, 10)[1]


def store_of(max_bytes, count_bytes=20_000):
    caches = {"profiles": make_cache(max_bytes), "counts": make_cache(count_bytes)}
    return ProfileStore(CONFIGURATION, lambda: b"weights", **caches)


def test_memory_is_bounded_and_keeps_the_last_used():
    store = store_of(60_000)
    for number in range(40):
        store.put(digest_of(number), some_profile(number))
        store.sums(digest_of(0))
    kept = [number for number in range(40) if store.sums(digest_of(number)) is not None]
    assert kept[0] == 0
    assert 5 < len(kept) < 15
    assert kept[1:] == list(range(41 - len(kept), 40))


def test_counts_do_not_crowd_out_profiles():
    store = store_of(100_000)
    digests = [digest_of(number) for number in range(15)]
    for number, digest in enumerate(digests):
        store.put(digest, some_profile(number))
    for threshold in np.linspace(0.1, 0.9, 50, dtype=np.float32):
        thresholds = np.full(3, threshold)
        for number, counts in enumerate(store.counts(digests, thresholds, np.arange(3))):
            assert_array_equal(counts, some_profile(number).counts(thresholds, np.arange(3)))
    assert all(store.sums(digest) is not None for digest in digests)


def test_threads_share_a_folder(tmp_path):
    folder = RecordFolder(tmp_path, CONFIGURATION)

    def write_and_look(number):
        folder.write([record_of(number, 10)])
        folder.refresh()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write_and_look, range(300)))
    folder.refresh()
    for number in range(300):
        (record,) = folder.read(digest_of(number))
        assert record == record_of(number, 10)[1]


def test_several_bands_of_an_image_are_kept(network, images, folder):
    coverage = NeuronCoverageTransformer(network, memory=folder).fit(images)
    for thresholds in (coverage.thresholds_, coverage.thresholds_ + 1, coverage.thresholds_ - 1):
        coverage.thresholds_ = thresholds
        coverage.transform(images)
    with count_network_images() as passed:
        for thresholds in (
            coverage.thresholds_,
            coverage.thresholds_ + 1,
            coverage.thresholds_ + 2,
        ):
            coverage.thresholds_ = thresholds
            coverage.transform(images)
            clear_caches(networks=False)
    assert passed.n_images == 0


WRITER = """
import sys
sys.path[:0] = sys.argv[1].split("|")
from test_profiles import CONFIGURATION, record_of
from skfakespot._record_folder import RecordFolder
folder = RecordFolder(sys.argv[2], CONFIGURATION, max_bytes=3_000_000)
print("ready", flush=True)
for step in range(10**9):
    folder.write([record_of(n) for n in range(step % 50, step % 50 + 40)])
    folder.refresh()
"""


@pytest.mark.long
def test_writers_may_run_together_and_be_killed(tmp_path):
    folder = tmp_path / "profiles"
    command = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(folder)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    try:
        for writer in writers:
            assert writer.stdout.readline() == b"ready\n"
        reader = RecordFolder(folder, CONFIGURATION)
        found = 0
        for round_ in range(60):
            if round_ in (20, 40):
                os.kill(writers[round_ // 20].pid, signal.SIGKILL)
            time.sleep(0.02)
            reader.refresh()
            for number in range(0, 90, 7):
                for record in reader.read(digest_of(number)):
                    assert record == record_of(number)[1]
                    found += 1
        assert found > 100
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()
    reader.refresh()
    assert next(reader.read(digest_of(45)), None) is not None
    # What a killed writer leaves is small, and is removed once it is old.
    for file in folder.rglob("*.unfinished"):
        os.utime(file, (0, 0))
    reader.write([record_of(0)])
    assert not list(folder.rglob("*.unfinished"))
