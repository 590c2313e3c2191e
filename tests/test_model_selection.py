# SPDX-License-Identifier: BSD-3-Clause
"""Splits that leave one generator of fakes out."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import cross_validate
from sklearn.tree import DecisionTreeClassifier

import skfakespot.datasets
from skfakespot.model_selection import LeaveOneGeneratorOut


def test_leave_one_generator_out_splits_the_real_images_too():
    generator = np.array([""] * 8 + ["a"] * 3 + ["b"] * 4 + ["c"])
    splitter = LeaveOneGeneratorOut(generator, random_state=0)
    assert splitter.get_n_splits() == 3
    folds = list(splitter.split(generator))
    for name, (train, test) in zip("abc", folds, strict=True):
        assert set(generator[test]) == {"", name}
        assert (generator[test] == name).sum() == (generator == name).sum()
        assert set(generator[train]) == {"", "a", "b", "c"} - {name}
        assert (generator[test] == "").sum() == 2
        assert not set(train) & set(test)
        assert (generator[np.r_[train, test]] == "").sum() == 8
    # The same real images, so that generators can be compared.
    real = [set(test[generator[test] == ""]) for _, test in folds]
    assert real[0] == real[1] == real[2]


def test_leave_one_generator_out_keeps_groups_and_paired_real_images_on_one_side():
    # Each of twelve people once as real and once by each generator, as in FaceForensics++.
    generator = np.repeat(["", "a", "b"], 12)
    person = np.tile(np.arange(12), 3)
    splitter = LeaveOneGeneratorOut(generator, test_size=0.5, random_state=0)
    for name, (train, test) in zip("ab", splitter.split(generator, groups=person), strict=True):
        assert not set(person[train]) & set(person[test])
        assert set(generator[test]) == {"", name}
        assert len(test) == 12
        assert name not in generator[train]
        assert len(train) == 12
    # Real images that belong to a generator are never trained on while it is held out.
    generator, y = np.array(["a", "a", "b", "b", "a", "b"]), np.array([0, 1, 0, 1, 0, 1])
    for name, (train, test) in zip("ab", LeaveOneGeneratorOut(generator).split(y), strict=True):
        assert_array_equal(generator[test], [name] * 3)
        assert len(train) == 3


def test_leave_one_generator_out_in_cross_validate():
    random = np.random.default_rng(0)
    generator = np.repeat(["", "a", "b"], 10)
    y = (generator != "").astype(int)
    X = random.normal(size=(30, 2)) + 5 * y[:, None]
    scores = cross_validate(
        DecisionTreeClassifier(),
        X,
        y,
        groups=np.arange(30),
        cv=LeaveOneGeneratorOut(generator, random_state=0),
        scoring="roc_auc",
    )
    assert scores["test_score"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("generator", "arguments", "message"),
    [
        (["", "a"], {}, "There are 1 generators; leaving one out takes two"),
        (["a", "b"], {"test_size": 2}, "test_size=2; accepted is a share"),
        (["a", "b", ""], {}, "inconsistent numbers of samples"),
    ],
)
def test_leave_one_generator_out_refuses(generator, arguments, message):
    with pytest.raises(ValueError, match=message):
        next(LeaveOneGeneratorOut(generator, **arguments).split([[0], [1]]))


def test_the_splitter_can_still_be_imported_from_the_data_sets():
    assert skfakespot.datasets.LeaveOneGeneratorOut is LeaveOneGeneratorOut
