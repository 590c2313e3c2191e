# SPDX-License-Identifier: BSD-3-Clause
"""Wrong parameters and labels of a detector are found before its network runs."""

import functools
import threading

import numpy as np
import pandas as pd
import pytest
from networks import small_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from skfakespot import PerturbationAugmenter, make_fakespotter
from skfakespot.pipeline import AugmentedPipeline, DetectorPipeline


def network_that_is_never_built():
    raise AssertionError("the network was built")


X = np.random.default_rng(0).integers(0, 256, (8, 12, 10, 3), dtype=np.uint8)
Y = np.arange(8) % 2


def detector(**options):
    return make_fakespotter(network_that_is_never_built, **options)


@pytest.mark.parametrize(("options", "message"), [
    ({"augment": "yes"}, "augment='yes'; accepted are None, True and .*PerturbationAugmenter"),
    ({"augment": 5}, "augment=5; accepted"),
    ({"augment": 1}, "augment=1; accepted"),
    ({"augment": False}, "augment=False; accepted"),
    ({"augment": PerturbationAugmenter}, "augment=<class .*; accepted"),
    ({"classifier": "svm"}, "classifier='svm'; accepted are None and .*LogisticRegression"),
    ({"classifier": SVC}, "classifier=<class .*; accepted"),
    ({"recipe": ["paper"]}, "recipe=.*; accepted are 'paper' and 'statistics'"),
    ({"output": "map"}, "output='map'; accepted are None, 'layer' and 'channel'"),
    ({"output": False}, "output=False; accepted"),
    ({"statistics": "mean"}, "'statistics' parameter of .* must be .*'tuple' .* Got 'mean'"),
    ({"memory": 3}, "'memory' parameter of .* Got 3"),
    ({"verbose": -1}, "'verbose' parameter of .* Got -1"),
    ({"random_state": "zero"}, "'zero' cannot be used to seed"),
])  # fmt: skip
def test_parameters_are_checked_when_the_detector_is_made(options, message):
    with pytest.raises(ValueError, match=message):
        detector(**options)


def test_a_binary_classifier_gets_two_classes():
    with pytest.raises(ValueError, match="type of the target is multiclass: y holds 3 classes"):
        detector(recipe="statistics").fit(X, np.arange(8) % 3)


def calibrated(cv):
    return CalibratedClassifierCV(LogisticRegression(), cv=cv)


@pytest.mark.parametrize("augment", [None, True])
@pytest.mark.parametrize(("y", "params", "message"), [
    (np.zeros(8), {}, "y has one class only, 0.0, .* 0 for real and 1 for fake"),
    (["real"] * 8, {}, "y has one class only, 'real'"),
    (None, {}, "requires y to be passed, but the target y is None"),
    (Y[:7], {}, "X holds 8 images, but y has 7 values. Give one for each image"),
    (Y / 3, {}, "Unknown label type: continuous"),
    (np.where(Y, 1.0, np.nan), {}, "NaN"),
    (Y, {"classify__sample_weight": np.ones(9)}, "but classify__sample_weight has 9 values"),
    (Y, {"classify__groups": [1, 2]}, "but classify__groups has 2 values"),
])  # fmt: skip
@pytest.mark.parametrize("as_container", [np.asarray, list])
def test_labels_are_checked_before_the_network_is_built(augment, y, params, message, as_container):
    with pytest.raises(ValueError, match=message):
        detector(augment=augment).fit(as_container(X), y, **params)


@pytest.mark.parametrize(("classifier", "message"), [
    (None, "y has 4 faces of the class 0, .* on 5 folds, .* folds: classify__cv"),
    (calibrated(7), "on 7 folds"),
    (calibrated(StratifiedKFold(6)), "on 6 folds"),
])  # fmt: skip
def test_each_class_has_enough_faces_for_the_folds(classifier, message):
    few = detector(output="channel", classifier=classifier)
    with pytest.raises(ValueError, match=message):
        few.fit(X, Y)
    wrapped = GridSearchCV(few["classify"], {}, cv=2)
    with pytest.raises(ValueError, match="folds: classify__estimator__cv"):
        few.set_params(classify=wrapped).fit(X, Y)


def test_copies_count_as_faces_for_the_folds():
    augmented = make_fakespotter(small_network(), augment=True, classifier=calibrated(5))
    assert augmented.fit(X, Y).predict(X).shape == (8,)
    with pytest.raises(ValueError, match=r"y has 8 faces of the class 0, .* on 9 folds"):
        augmented.set_params(classify__cv=9).fit(X, Y)


@pytest.mark.parametrize(("parameter", "message"), [
    ({"classify__learning_rate_init": -1}, "'learning_rate_init' parameter of FakeSpotterClass"),
    ({"classify": CalibratedClassifierCV(SVC(C=-1))}, "'C' parameter of SVC"),
    ({"augment__n_copies": 0}, "'n_copies' parameter of PerturbationAugmenter"),
])  # fmt: skip
def test_parameters_of_all_steps_are_checked_before_the_network_is_built(parameter, message):
    with pytest.raises(ValueError, match=message):
        detector(augment=True).set_params(**parameter).fit(X, Y)


def test_labels_that_the_classifier_takes_are_taken():
    many = make_fakespotter(small_network(), classifier=RandomForestClassifier(3, random_state=0))
    many.fit(X, np.arange(8) % 3)
    assert many.fit(list(X), pd.DataFrame({"label": Y}).to_numpy()[:, 0].tolist()).score(X, Y) > 0.5
    weights = {"classify__sample_weight": np.ones(8)}
    assert many.fit(X, pd.Series(Y, index=range(10, 18)), **weights).classes_.tolist() == [0, 1]


def test_the_transformer_alone_uses_no_labels():
    features = make_fakespotter(small_network())[:-1]
    assert isinstance(features, DetectorPipeline)
    assert features.fit(X).transform(X).shape == features.fit_transform(X, np.zeros(8)).shape


def test_parts_of_a_detector_check_their_own_data():
    whole = make_fakespotter(small_network(), classifier=LogisticRegression()).fit(X, Y)
    assert isinstance(whole, Pipeline)
    assert type(clone(whole)) is DetectorPipeline
    features = whole[:1].transform(X)
    assert whole[1:].fit(features, Y).predict(features).shape == (8,)
    assert not isinstance(whole, AugmentedPipeline)


def locked_network():
    lock = threading.Lock()

    def build():
        with lock:
            return small_network()

    return build


@pytest.mark.parametrize("function", [
    lambda: small_network(),
    locked_network(),
    functools.partial(lambda network: network(), small_network),
])  # fmt: skip
def test_a_function_that_cannot_be_pickled_is_reported(function, tmp_path):
    with pytest.warns(UserWarning, match=r"backbone=.* cannot be pickled, .* def at the top level"):
        made = make_fakespotter([small_network(), function], classifier=LogisticRegression())
    with pytest.raises(ValueError, match=r"so that memory=.* with def at the top level"):
        made.set_params(memory=str(tmp_path)).fit(X, Y)
    assert made.set_params(memory=None).fit(X, Y).predict(X).shape == (8,)
