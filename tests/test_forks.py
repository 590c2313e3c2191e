# SPDX-License-Identifier: BSD-3-Clause
"""Processes that are forked before and after a network has run."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

SETUP = """
import multiprocessing
import signal

import numpy as np

from skfakespot import FakeSpotterClassifier, NeuronCoverageTransformer
from skfakespot.metrics import fake_detection_report

random = np.random.default_rng(0)
images = random.integers(0, 256, (6, 12, 10, 3), dtype=np.uint8)
features = random.normal(size=(40, 5))
labels = np.arange(40) % 2


def make_network():
    from networks import small_network

    return small_network()


def count():
    return NeuronCoverageTransformer(make_network).fit_transform(images).sum()


def run_in_fork(function, *arguments):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        try:
            return pool.apply_async(function, arguments).get(40)
        except RuntimeError as error:
            return str(error)
"""


def run(code):
    """Run code in a fresh process, whose fork is not that of the tests' many threads."""
    folders = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    result = subprocess.run(
        [sys.executable, "-c", SETUP + textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.backends
def test_a_network_that_ran_before_the_fork_is_an_error_and_no_hang():
    text = run("""
        coverage = NeuronCoverageTransformer(make_network()).fit(images[:2])
        classifier = FakeSpotterClassifier(max_iter=1).fit(features, labels)

        def transform():  # with the network that the fork has copied
            coverage.transform(images[2:])

        for function, *arguments in (
            (transform,), (count,), (classifier.fit, features, labels)
        ):
            message = run_in_fork(function, *arguments)
            assert "spawn" in message and "loky" in message and "--preload" in message, message
        expected = classifier.predict(features)
        np.testing.assert_array_equal(run_in_fork(classifier.predict, features), expected)
        assert run_in_fork(fake_detection_report, labels, features[:, 0])["auc"] > 0
    """)
    assert text == ""


@pytest.mark.slow
def test_a_network_that_runs_first_after_the_fork_works_and_joblibs_forks_are_an_error():
    text = run("""
        import joblib
        import keras

        in_fork = run_in_fork(count)
        print(in_fork == count())

        network = make_network()
        with joblib.parallel_config("multiprocessing"):
            try:
                NeuronCoverageTransformer(network, batch_size=2, n_jobs=2).fit(images // 2)
            except RuntimeError as error:
                print("loky" in str(error))
    """)
    assert text.split() == ["True", "True"]


@pytest.mark.slow
def test_joblibs_backend_that_forks_is_an_error_of_the_face_search():
    text = run("""
        import joblib

        from skfakespot.faces import FaceCropper

        pictures = random.integers(0, 256, (4, 80, 80, 3), dtype=np.uint8)
        FaceCropper().fit_transform(pictures[:1])
        with joblib.parallel_config("multiprocessing"):
            try:
                FaceCropper(n_jobs=2).fit_transform(pictures[1:])
            except RuntimeError as error:
                print("loky" in str(error))
    """)
    assert text.split() == ["True"]
