# SPDX-License-Identifier: BSD-3-Clause
"""Images split over workers and machines, and devices that are too small."""

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from itertools import pairwise

import joblib
import keras
import numpy as np
import pytest
from networks import exact_network, varied_images
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone

from skfakespot import NeuronCoverageTransformer, clear_caches
from skfakespot.backbones import Backbone
from skfakespot.images import ImageError, UnreadableImageWarning

pytestmark = [pytest.mark.usefixtures("no_profiles"), pytest.mark.numeric]


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
    return paths


def assert_same_as_alone(coverage, X):
    """The counts and thresholds are those of this process alone."""
    clear_caches(networks=False)
    counts = coverage.fit_transform(X)
    clear_caches(networks=False)
    again = coverage.transform(X)
    clear_caches(networks=False)
    alone = clone(coverage).set_params(n_jobs=1)
    assert_array_equal(counts, alone.fit_transform(X))
    assert_array_equal(again, counts)
    assert_array_equal(coverage.thresholds_, alone.thresholds_)


def test_threads(network, images):
    with joblib.parallel_config("threading"):
        coverage = NeuronCoverageTransformer(network, batch_size=4, n_jobs=3)
        assert_same_as_alone(coverage, images)


def test_processes(images, paths):
    shift = 1.0  # a closure, and a class that no other process can import

    class Shifted:
        def __call__(self, batch):
            return batch.astype(np.float32) + shift

    network = Backbone("shifted", exact_network(), Shifted())
    coverage = NeuronCoverageTransformer(network, batch_size=4, n_jobs=2, output="channel")
    assert_same_as_alone(coverage, images)
    paths[7].write_bytes(b"no image")
    coverage.set_params(on_error="nan", output="layer")
    with pytest.warns(UnreadableImageWarning) as caught:
        counts = coverage.fit_transform(paths)
    (warning,) = caught
    assert warning.message.index == 7
    assert warning.message.source == str(paths[7])
    assert np.flatnonzero(np.isnan(counts).any(axis=1)).tolist() == [7]
    with pytest.raises(ImageError, match=r"7\.png"):
        clone(coverage).set_params(on_error="raise").fit(paths)
    bright = images.astype(np.float32)
    bright[11] = 300
    with pytest.warns(UnreadableImageWarning, match="image 11 of X") as caught:
        coverage.fit_transform(bright)
    assert [warning.message.index for warning in caught] == [11]


def test_a_network_that_cannot_be_sent_to_processes_is_refused_before_it_runs(images):
    lock, seen = threading.Lock(), []

    def preprocess(batch):
        with lock:
            seen.append(len(batch))
        return batch.astype(np.float32)

    coverage = NeuronCoverageTransformer(
        lambda: Backbone("locked", exact_network(), preprocess), batch_size=4, n_jobs=2
    )
    message = r"workers of n_jobs .*lock.* def at the top level of a module.* or set n_jobs=None"
    with pytest.raises(ValueError, match=message):
        coverage.fit(images)
    assert not seen
    with joblib.parallel_config("threading"):
        coverage.fit(images)
    assert sum(seen) == len(images)


def slow_network(folder):
    def preprocess(batch):
        (folder / str(os.getpid())).touch()
        time.sleep(0.1)
        return batch.astype(np.float32)

    return Backbone("slow", exact_network(), preprocess)


@contextmanager
def a_worker_killed(seen):
    """Kill the first process whose id is the name of a file in a folder; yield a list of its id."""

    def kill_the_first():
        while not (found := list(seen.iterdir())):
            time.sleep(0.01)
        killed.append(int(found[0].name))
        os.kill(killed[0], signal.SIGKILL)

    killed = []
    killer = threading.Thread(target=kill_the_first, daemon=True)
    killer.start()
    yield killed
    killer.join()


@contextmanager
def cluster_of_dask(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    # Dask logs the death of the worker.
    with (
        distributed.LocalCluster(n_workers=2, silence_logs="CRITICAL", **options) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        yield


@contextmanager
def cluster_of_ray(monkeypatch):
    ray = pytest.importorskip("ray", reason="needs the extra ray")
    from ray.util.joblib import register_ray

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    # Ray would kill workers on a machine whose memory other programs use.
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "0")
    ray.init(num_cpus=2, include_dashboard=False, logging_level="CRITICAL", log_to_driver=False)
    try:
        register_ray()
        again = pytest.warns(UserWarning, match="New workers do its work again")
        with joblib.parallel_config("ray", n_jobs=2), again:
            yield
    finally:
        ray.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("cluster", [cluster_of_dask, cluster_of_ray])
def test_a_cluster_survives_the_loss_of_a_worker(images, tmp_path, monkeypatch, cluster):
    seen = tmp_path / "processes"
    seen.mkdir()
    coverage = NeuronCoverageTransformer(slow_network(seen), batch_size=3)
    alone = clone(coverage)
    expected = alone.fit_transform(images)
    for file in seen.iterdir():
        file.unlink()
    clear_caches(networks=False)
    with cluster(monkeypatch), a_worker_killed(seen) as killed:
        counts = coverage.fit_transform(images)
    workers = {int(file.name) for file in seen.iterdir()} - {os.getpid()}
    assert killed[0] in workers
    assert len(workers) >= 2
    assert_array_equal(counts, expected)
    assert_array_equal(coverage.thresholds_, alone.thresholds_)


def test_merged_transformers_have_seen_all_images(network, images):
    whole = NeuronCoverageTransformer(network).fit(images)
    parts = [clone(whole).fit(images[start:end]) for start, end in pairwise([0, 11, 12, 60])]
    merged = parts[2].merge(parts[0], parts[1])
    assert merged is parts[2]
    assert merged.n_samples_seen_ == 60
    assert_allclose(merged.thresholds_, whole.thresholds_, rtol=1e-12)
    assert_array_equal(merged.transform(images), whole.transform(images))
    assert parts[0].n_samples_seen_ == 11


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"neuron": "channel"}, "neuron='unit' and neuron='channel'"),
        ({"threshold": 0.5}, "threshold='mean' and threshold=0.5"),
        ({"threshold": ("quantile", 0.5)}, "quantile cannot be merged"),
        ({"layers": "conv"}, "4 and 3 layers"),
    ],
)
def test_transformers_of_other_neurons_are_not_merged(network, images, change, message):
    coverage = NeuronCoverageTransformer(network).fit(images)
    before = coverage.thresholds_
    other = clone(coverage).set_params(**change).fit(images)
    with pytest.raises(ValueError, match=message):
        coverage.merge(other)
    assert coverage.thresholds_ is before


def test_a_device_can_be_named(network, images):
    expected = NeuronCoverageTransformer(network).fit_transform(images)
    for device in ("cpu", "cpu:0"):
        coverage = NeuronCoverageTransformer(network, device=device)
        assert_array_equal(coverage.fit_transform(images), expected)


@pytest.mark.parametrize(
    ("device", "message"),
    [("gpu:99", "not present: Keras' .* backend sees cpu:0"), ("tpu", "accepted are None, 'cpu'")],
)
def test_devices_that_do_not_exist_are_refused(network, images, device, message):
    with pytest.raises(ValueError, match=message):
        NeuronCoverageTransformer(network, device=device).fit(images)


class SmallMemory:
    """Preprocessing that has room for five images."""

    def __call__(self, batch):
        if len(batch) > 5:
            raise MemoryError
        return batch.astype(np.float32)


class SmallDevice(keras.layers.Layer):
    """A layer that has room for five images."""

    def call(self, inputs):
        import tensorflow

        def refuse(batch):
            if len(batch) > 5:
                raise MemoryError("OOM when allocating tensor")
            return batch

        outputs = tensorflow.numpy_function(refuse, [inputs], tensorflow.float32)
        return tensorflow.ensure_shape(outputs, inputs.shape)


@pytest.mark.parametrize("where", ["preprocessing", "device"])
def test_batches_are_halved_where_memory_does_not_suffice(network, images, where):
    if where == "preprocessing":
        small = Backbone("small", exact_network(), SmallMemory())
    elif keras.backend.backend() != "tensorflow":
        pytest.skip("the layer is TensorFlow's")
    else:
        inputs = keras.Input((12, 10, 3))
        small = keras.Model(inputs, exact_network()(SmallDevice()(inputs)))
    coverage = NeuronCoverageTransformer(small, batch_size=32)
    with pytest.warns(UserWarning, match="not enough memory for .* set batch_size=") as caught:
        counts = coverage.fit_transform(images)
    assert 1 <= len(caught) <= 3
    assert_array_equal(counts, NeuronCoverageTransformer(network).fit_transform(images))


def test_an_image_too_large_for_the_device_is_an_error(images):
    def refuse(batch):
        raise MemoryError("no room at all")

    coverage = NeuronCoverageTransformer(Backbone("small", exact_network(), refuse), batch_size=2)
    with pytest.warns(UserWarning, match="set batch_size=1"), pytest.raises(MemoryError):
        coverage.fit(images)
