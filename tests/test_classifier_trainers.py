# SPDX-License-Identifier: BSD-3-Clause
"""The compiled networks that FakeSpotterClassifier keeps, to train them again in later fits."""

import gc
import weakref

import numpy as np
import pytest

from skfakespot import FakeSpotterClassifier, clear_caches

keras = pytest.importorskip("keras")

# No other test trains on so many features, so networks of this width are those of this file.
N_FEATURES = 23
X = np.random.default_rng(0).normal(size=(64, N_FEATURES))
Y = np.arange(64) % 2


@pytest.fixture(autouse=True)
def no_trainers():
    clear_caches()


def fit(**parameters):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}
    return FakeSpotterClassifier(**{**defaults, **parameters}).fit(X, Y)


def networks_in_memory():
    gc.collect()
    networks = [
        thing
        for thing in gc.get_objects()
        if type(thing) is keras.Sequential and thing.name == "perceptron"
    ]
    return [network for network in networks if network.input_shape == (None, N_FEATURES)]


def test_fits_of_one_kind_train_one_network():
    for learning_rate in (0.1, 0.2, 0.3):
        fit(learning_rate_init=learning_rate)
    assert len(networks_in_memory()) == 1


@pytest.mark.parametrize(
    "parameters",
    [{"solver": "adam", "dropout": 0.2}, {"alpha": 0.1, "batch_size": 1, "max_iter": 8}],
)
def test_clear_caches_frees_networks_and_their_variables(parameters):
    """The second set of parameters trains long enough for TensorFlow's XLA."""
    fit(**parameters)
    (network,) = networks_in_memory()
    freed = [weakref.ref(network)]
    if keras.backend.backend() == "tensorflow":
        # The handle owns the variable's memory, and a graph that uses it keeps it alive.
        freed += [weakref.ref(variable.value.handle) for variable in network.variables]
    del network
    clear_caches(networks=False)
    assert all(reference() is not None for reference in freed)
    clear_caches()
    assert all(reference() is None for reference in freed)


def test_classifiers_go_on_after_clear_caches():
    once = fit(max_iter=4)
    twice = fit(warm_start=True)
    clear_caches()
    np.testing.assert_array_equal(twice.fit(X, Y).coefs_[0], once.coefs_[0])
    assert twice.predict_proba(X).shape == (64, 2)


class AfterTheFirstEpoch:
    """A callback that calls a function once."""

    def __init__(self, function):
        self.function, self.result = function, None

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, **_):
        if context.task_name == "epoch" and context.task_id == 0:
            self.result = self.function()


def fit_with(function):
    pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")
    callback = AfterTheFirstEpoch(function)
    parameters = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}
    classifier = FakeSpotterClassifier(**parameters).set_callbacks(callback).fit(X, Y)
    return classifier, callback.result


def test_a_callback_can_fit_a_classifier_of_the_same_kind():
    alone = fit()
    outer, inner = fit_with(fit)
    for classifier in (outer, inner):
        np.testing.assert_array_equal(classifier.coefs_[0], alone.coefs_[0])
    assert len(networks_in_memory()) == 2


def test_clear_caches_does_not_disturb_a_fit():
    alone = fit()
    classifier, _ = fit_with(clear_caches)
    np.testing.assert_array_equal(classifier.coefs_[0], alone.coefs_[0])
