# SPDX-License-Identifier: BSD-3-Clause
"""Threads that build, share and train networks at the same time; builders that use the package."""

import gc
import os
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from networks import small_network, varied_images
from numpy.testing import assert_array_equal

from skfakespot import FakeSpotterClassifier, NeuronCoverageTransformer, clear_caches


@pytest.fixture(scope="module")
def images():
    return varied_images(8)


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(0).normal(size=(40, 5))


@pytest.fixture(autouse=True)
def empty_caches():
    yield
    clear_caches()


def run_all(functions, seconds=100):
    """Run functions in a thread each, and return their results; a hang is a failure."""
    results = [None] * len(functions)

    def run(number):
        results[number] = functions[number]()

    threads = [
        threading.Thread(target=run, args=(number,), daemon=True)
        for number in range(len(functions))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not any(thread.is_alive() for thread in threads), "the threads wait for each other"
    return results


def test_builders_that_use_each_other_do_not_wait_for_each_other(images):
    """One thread builds A, which needs B; the other builds B, which needs A."""
    both_build = threading.Barrier(2)
    depth = threading.local()

    def build(other):
        depth.n = getattr(depth, "n", 0) + 1
        if depth.n == 1:
            both_build.wait(30)
            NeuronCoverageTransformer(other()).fit(images)
        return small_network()

    def build_a():
        return build(lambda: build_b)

    def build_b():
        return build(lambda: build_a)

    fits = [
        lambda b=b: NeuronCoverageTransformer(b).fit_transform(images) for b in (build_a, build_b)
    ]
    first, second = run_all(fits)
    assert_array_equal(first, second)


def test_a_builder_may_use_readers_and_trainers_of_its_own(images, features):
    def build():
        NeuronCoverageTransformer([small_network, small_network]).fit(images)
        FakeSpotterClassifier((4,), max_iter=1).fit(features, np.arange(40) % 2)
        return small_network()

    counts = run_all([lambda: NeuronCoverageTransformer(build).fit_transform(images)] * 4)
    for other in counts[1:]:
        assert_array_equal(other, counts[0])


def test_classifiers_that_are_fitted_in_eight_threads_are_those_of_one(features):
    y = np.arange(40) % 2

    def probabilities(seed):
        classifier = FakeSpotterClassifier((6, 4), max_iter=4, random_state=seed)
        return classifier.fit(features, y).predict_proba(features)

    expected = [probabilities(seed) for seed in range(2)]
    with ThreadPoolExecutor(8) as pool:
        for number, found in enumerate(pool.map(probabilities, [0, 1] * 8)):
            assert_array_equal(found, expected[number % 2])


def test_one_network_in_estimators_of_several_threads(images):
    network = small_network()
    readings = [{}, {"output": "channel", "threshold": 0.1}]

    def counts(number):
        clear_caches(networks=False)
        return NeuronCoverageTransformer(network, **readings[number % 2]).fit_transform(images)

    expected = [counts(number) for number in range(2)]
    with ThreadPoolExecutor(8) as pool:
        for number, found in enumerate(pool.map(counts, range(24))):
            assert_array_equal(found, expected[number % 2])


COLD_START = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from skfakespot import FakeSpotterClassifier, NeuronCoverageTransformer

random = np.random.default_rng(0)
images = random.integers(0, 256, (4, 104, 104, 3), dtype=np.uint8)
features, y = random.normal(size=(40, 5)), np.arange(40) % 2

def work(number):
    if number % 2:
        return NeuronCoverageTransformer(weights="random", layers="dense").fit_transform(images)
    classifier = FakeSpotterClassifier((4,), max_iter=2, random_state=0)
    return classifier.fit(features, y).predict_proba(features)

with ThreadPoolExecutor(8) as pool:
    results = list(pool.map(work, range(8)))
print(all(np.array_equal(results[n], results[n % 2]) for n in range(8)))
"""


@pytest.mark.long
def test_a_cold_start_in_eight_threads():
    result = subprocess.run(
        [sys.executable, "-c", COLD_START],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.stdout == "True\n", result.stderr


@pytest.mark.parametrize("n_networks", [13, pytest.param(30, marks=pytest.mark.long)])
def test_few_networks_stay_alive_and_clear_caches_frees_all(images, n_networks):
    clear_caches()
    models = weakref.WeakSet()

    def builder(number):
        def build():
            inputs = keras.Input((12, 10, 3))
            model = keras.Model(inputs, keras.layers.Conv2D(number + 1, 3)(inputs))
            models.add(model)
            return model

        return build

    for number in range(n_networks):
        NeuronCoverageTransformer(builder(number)).fit(images)
    assert 8 <= len(models) <= 8 + 3
    clear_caches()
    assert len(models) == 0


def test_trainers_stay_bounded_and_clear_caches_frees_them(features):
    clear_caches()

    def living():
        gc.collect()
        return sum(isinstance(each, keras.Model) for each in gc.get_objects())

    before = living()
    for size in range(3, 15):
        FakeSpotterClassifier((size,), max_iter=1).fit(features, np.arange(40) % 2)
    assert before < living() <= before + 2 * 8  # a trainer has two models
    clear_caches()
    assert living() <= before
