# SPDX-License-Identifier: BSD-3-Clause
"""Worker processes that die: their work is done again once, or an error says what happened."""

import os
import signal

import joblib
import numpy as np
import pytest
from networks import exact_network, varied_images
from numpy.testing import assert_array_equal
from photos import write_photos
from short_tasks import die, die_unless_noted, pid_of_worker

from skfakespot import NeuronCoverageTransformer, clear_caches
from skfakespot._worker_pool import run_in_workers
from skfakespot.backbones import Backbone
from skfakespot.faces import FaceCropper

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system kills otherwise"),
    # Of processes that die, joblib's resource tracker says that they left something behind.
    pytest.mark.filterwarnings("ignore:resource_tracker"),
]


def test_the_work_of_a_killed_worker_is_done_again_in_order(tmp_path):
    note = str(tmp_path / "note")
    with pytest.warns(UserWarning, match="n_jobs=2 was killed, perhaps because memory ran out"):
        results = list(run_in_workers(die_unless_noted, lambda n: (note, n), list(range(9)), 2))
    assert results == list(range(9))


def test_workers_that_are_killed_again_are_an_error_with_a_mend(tmp_path):
    pids = []
    with (
        pytest.warns(UserWarning, match="New workers do its work again"),
        pytest.raises(RuntimeError, match=r"memory runs out.* set n_jobs lower, or None"),
    ):
        pids.extend(run_in_workers(die, lambda n: (n,), list(range(9)), 2))
    assert pids == []


# joblib notices by itself in most cases.
@pytest.mark.filterwarnings("ignore:A worker process of n_jobs=2 was killed")
def test_a_worker_that_was_killed_between_two_calls_is_replaced():
    (first, *_) = run_in_workers(pid_of_worker, lambda n: (n,), list(range(4)), 2)
    os.kill(first, signal.SIGKILL)
    results = list(run_in_workers(pid_of_worker, lambda n: (n,), list(range(4)), 2))
    assert len(results) == 4
    assert first not in results


def mortal_network(note, parent):
    def preprocess(batch):
        if os.getpid() != parent and not note.exists():
            note.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return batch.astype(np.float32)

    return Backbone("mortal", exact_network(), preprocess)


@pytest.mark.slow
def test_counts_are_the_same_after_a_worker_was_killed(tmp_path):
    images, network = varied_images(40), mortal_network(tmp_path / "note", os.getpid())
    expected = NeuronCoverageTransformer(network, batch_size=4).fit_transform(images)
    clear_caches(networks=False)
    coverage = NeuronCoverageTransformer(network, batch_size=4, n_jobs=2)
    with pytest.warns(UserWarning, match="New workers do its work again"):
        counts = coverage.fit_transform(images)
    assert_array_equal(counts, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:A worker process of n_jobs=2 was killed")
def test_faces_are_found_after_a_worker_was_killed(tmp_path):
    paths = write_photos(tmp_path)
    (first, *_) = joblib.Parallel(2)(joblib.delayed(pid_of_worker)(n) for n in range(4))
    os.kill(first, signal.SIGKILL)
    crops = FaceCropper(n_jobs=2).fit_transform(paths)
    assert len(crops) == len(paths)
