# SPDX-License-Identifier: BSD-3-Clause
"""Sample weights and groups on their way through a detector, by scikit-learn's metadata routing."""

import numpy as np
import pytest
import sklearn
from networks import varied_images
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate

from skfakespot import FakeSpotterClassifier, fake_probability, make_fakespotter
from skfakespot.metrics import fake_detection_scorers

N = 40
Y = np.arange(N) % 2
GROUPS = np.arange(N) // 4
WEIGHTS = np.linspace(0.1, 3, N)
DETECTORS = {
    "paper": {"classifier": FakeSpotterClassifier(max_iter=3, random_state=0)},
    "statistics": {"recipe": "statistics"},
    "feature maps": {"output": "channel"},
    "a user's classifier": {"classifier": LogisticRegression()},
    "augmented": {"recipe": "statistics", "augment": True, "random_state": 0},
    "skipping": {"recipe": "statistics", "on_error": "nan"},
    "augmented and skipping": {
        "recipe": "statistics", "on_error": "nan", "augment": True, "random_state": 0,
    },
}  # fmt: skip


@pytest.fixture(params=DETECTORS)
def detector(request, network):
    return make_fakespotter(network, **DETECTORS[request.param])


@pytest.mark.parametrize("scoring", [None, fake_detection_scorers()], ids=["score", "scorers"])
def test_cross_validation_needs_no_further_requests(detector, scoring):
    params = {"sample_weight": WEIGHTS, "groups": GROUPS}
    with sklearn.config_context(enable_metadata_routing=True):
        results = cross_validate(
            detector,
            varied_images(N),
            Y,
            params=params,
            cv=GroupKFold(4),
            scoring=scoring,
            return_indices=True,
            error_score="raise",
        )
    for train, test in zip(results["indices"]["train"], results["indices"]["test"], strict=True):
        assert not set(GROUPS[train]) & set(GROUPS[test])


def test_routed_weights_and_groups_are_those_of_the_classifier(detector):
    X = varied_images(N)
    metadata = {"sample_weight": WEIGHTS, "groups": GROUPS}
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(detector).fit(X, Y, **_accepted(detector, metadata))
        unweighted = clone(detector).fit(X, Y)
    prefixed = {f"classify__{key}": each for key, each in _accepted(detector, metadata).items()}
    prefixed_fit = clone(detector).fit(X, Y, **prefixed)
    assert_array_equal(fake_probability(routed, X), fake_probability(prefixed_fit, X))
    assert np.abs(fake_probability(routed, X) - fake_probability(unweighted, X)).max() > 1e-4
    assert_array_equal(routed["scale"].mean_, unweighted["scale"].mean_)


def _accepted(detector, metadata):
    """Metadata that the classifier takes: only the classifiers of this package take groups."""
    takes_groups = "classify__C" not in detector.get_params() and (
        "classify__estimator__C" not in detector.get_params()
    )
    return metadata if takes_groups else {"sample_weight": metadata["sample_weight"]}


def test_a_search_with_weights_and_groups(network):
    detector = make_fakespotter(network, recipe="statistics")
    grid = {"classify__alphas": [[1.0], [100.0]]}
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            detector, grid, cv=GroupKFold(4), scoring=fake_detection_scorers()["auc"]
        )
        search.fit(varied_images(N), Y, sample_weight=WEIGHTS, groups=GROUPS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_requests_of_the_user_stay(network):
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = LogisticRegression().set_fit_request(sample_weight=False)
        detector = make_fakespotter(network, classifier=classifier)
        with pytest.raises(TypeError, match="sample_weight"):
            detector.fit(varied_images(N), Y, sample_weight=WEIGHTS)
        unset = LogisticRegression()
        make_fakespotter(network, classifier=unset)
        assert "_metadata_request" not in vars(unset)
