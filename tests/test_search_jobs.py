# SPDX-License-Identifier: BSD-3-Clause
"""Searches whose fits joblib's worker processes share."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from networks import varied_images
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from skfakespot import (
    NeuronCoverageTransformer,
    clear_caches,
    count_network_images,
    make_fakespotter,
)
from skfakespot._workers_folder import workers_folder


def make_search(network, images_file, memory, output, n_jobs):
    class Counted(NeuronCoverageTransformer):
        """Notes which process has let how many images pass."""

        def fit_transform(self, X, y=None):
            return self.noted(super().fit_transform, X, y)

        def transform(self, X):
            return self.noted(super().transform, X)

        def noted(self, method, *arguments):
            with count_network_images() as count:
                result = method(*arguments)
            with open(images_file, "a") as file:  # noqa: PTH123
                file.write(f"{os.getpid()} {count.n_images}\n")
            return result

    statistics = ("coverage",) if output == "layer" else ("mean", "std")
    coverage = Counted(network, output=output, statistics=statistics, memory=memory, batch_size=4)
    detector = make_fakespotter(classifier=LogisticRegression())
    detector.set_params(coverage=coverage)
    return GridSearchCV(
        detector, {"classify__C": [0.1, 1.0, 10.0]}, cv=3, n_jobs=n_jobs, error_score="raise"
    )


@pytest.mark.usefixtures("no_profiles")
@pytest.mark.parametrize("output", ["layer", "channel"])
@pytest.mark.parametrize("has_memory", [True, False])
def test_each_image_passes_once_through_the_networks_of_all_workers(
    exact, tmp_path, has_memory, output
):
    # No other test has shown these images to a worker.
    images, labels = varied_images(60 + has_memory)[:60] ^ 1, np.arange(60) % 2
    images[:, 0, 0, 0] = has_memory
    images_file = tmp_path / "images"
    memory = tmp_path / "profiles" if has_memory else None
    # Of a process that was killed: no process has so high a number.
    abandoned = Path(tempfile.gettempdir(), f"skfakespot-workers-of-{2**30}")
    abandoned.mkdir(exist_ok=True)
    search = make_search(exact, images_file, memory, output, 2).fit(images, labels)
    notes = np.loadtxt(images_file, dtype=int)
    assert len(np.unique(notes[:, 0])) == 3
    assert notes[:, 1].sum() == 60
    assert workers_folder().is_dir()
    assert not abandoned.exists()
    clear_caches(networks=False)
    assert workers_folder() is None
    alone = make_search(exact, images_file, None, output, None).fit(images, labels)
    for name in ("split0_test_score", "mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(search.cv_results_[name], alone.cv_results_[name])
