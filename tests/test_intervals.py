# SPDX-License-Identifier: BSD-3-Clause
"""Intervals of the metrics, of images and of groups."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binom, norm
from scipy.stats import t as student
from score_strategies import labels_and_scores

from skfakespot.metrics import fake_detection_report

METRICS = ["precision", "recall", "f1", "accuracy", "ap", "auc", "fpr", "fnr"]


def draw(random, n_groups, n_frames=1, shared=0.0, auc=0.75):
    """Labels, scores and groups: videos of each class, whose frames share a part of their score."""
    groups = np.repeat(np.arange(2 * n_groups), n_frames)
    y = (groups >= n_groups).astype(int)
    common, own = random.normal(size=2 * n_groups)[groups], random.normal(size=len(groups))
    scores = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    return y, scores + np.sqrt(2) * norm.ppf(auc) * (y - 0.5), groups


@pytest.mark.parametrize(
    "design",
    [
        pytest.param((60,), id="images", marks=pytest.mark.slow),
        pytest.param((20, 4, 0.5), id="videos"),
    ],
)
def test_intervals_hold_the_true_value_as_often_as_they_say(design):
    random, inside, repetitions = np.random.default_rng(1), 0, 300
    for _ in range(repetitions):
        y, scores, groups = draw(random, *design)
        report = fake_detection_report(
            y, scores, confidence_level=0.95, groups=groups, n_bootstraps=150, random_state=0
        )
        inside += report["auc_low"] <= 0.75 <= report["auc_high"]
    assert 0.92 <= inside / repetitions <= 0.98


def test_intervals_are_what_drawing_images_one_by_one_gives():
    random = np.random.default_rng(0)
    y, scores, _ = draw(random, 60)
    scores = scores.round(1)  # with ties
    arguments = {"threshold": 0.2, "convention": "paper"}
    report = fake_detection_report(
        y, scores, **arguments, confidence_level=0.9, n_bootstraps=2000, random_state=0
    )
    real, fake = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
    drawn = []
    for _ in range(250):
        rows = np.concatenate([random.choice(real, 60), random.choice(fake, 60)])
        drawn.append(list(fake_detection_report(y[rows], scores[rows], **arguments).values()))
    for name, column in zip(METRICS, np.transpose(drawn), strict=True):
        value = report[name]
        n = np.count_nonzero(scores >= 0.2) if name == "precision" else 60
        error = np.sqrt(np.mean((column - value) ** 2) * n / (n - 1)) / (value * (1 - value))
        expected = expit(logit(value) + student.ppf([0.05, 0.95], n - 1) * error)
        found = report[f"{name}_low"], report[f"{name}_high"]
        assert found == pytest.approx(expected, abs=0.15 * np.ptp(expected))


@pytest.mark.parametrize("convention", ["standard", "paper"])
@pytest.mark.parametrize("mixed", [False, True], ids=["one class a group", "both classes"])
def test_copies_in_one_group_tell_no_more_than_one_image(convention, mixed):
    y, scores, groups = draw(np.random.default_rng(0), 25, n_frames=2 if mixed else 1)
    y = np.tile([0, 1], 50) if mixed else y
    arguments = {"convention": convention, "confidence_level": 0.95, "random_state": 0}
    single = fake_detection_report(y, scores, groups=groups, **arguments)
    copied = [np.repeat(values, 3) for values in (y, scores, groups)]
    assert fake_detection_report(
        *copied[:2], groups=[f"video {group:02}" for group in copied[2]], **arguments
    ) == pytest.approx(single)
    ungrouped = fake_detection_report(*copied[:2], **arguments)
    for name in METRICS:
        width = single[f"{name}_high"] - single[f"{name}_low"]
        assert ungrouped[f"{name}_high"] - ungrouped[f"{name}_low"] < 0.8 * width


def test_intervals_change_no_metric_and_are_named_after_it():
    y, scores, _ = draw(np.random.default_rng(0), 30)
    plain = fake_detection_report(y, scores)
    narrow, wide = (
        fake_detection_report(y, scores, confidence_level=level, random_state=0)
        for level in (0.5, 0.99)
    )
    assert narrow == fake_detection_report(
        y, scores, confidence_level=0.5, n_bootstraps=1000, random_state=0
    )
    assert list(narrow) == [name + end for name in METRICS for end in ("", "_low", "_high")]
    for name in METRICS:
        assert narrow[name] == wide[name] == plain[name]
        assert 0 <= wide[f"{name}_low"] < narrow[f"{name}_low"] < plain[name]
        assert plain[name] < narrow[f"{name}_high"] < wide[f"{name}_high"] <= 1


def test_intervals_of_the_paper_convention_change_places_too():
    y, scores, _ = draw(np.random.default_rng(0), 40)
    y, scores = y[:-15], scores[:-15]  # more real images than fake ones
    standard, paper = (
        fake_detection_report(
            y, scores, convention=convention, confidence_level=0.95, random_state=0
        )
        for convention in ("standard", "paper")
    )
    for end in ("", "_low", "_high"):
        assert (standard[f"fpr{end}"], standard[f"fnr{end}"]) == (
            paper[f"fnr{end}"],
            paper[f"fpr{end}"],
        )
        assert standard[f"recall{end}"] == paper[f"recall{end}"]
        assert standard[f"auc{end}"] != paper[f"auc{end}"]


def test_intervals_where_all_images_are_judged_rightly():
    y = np.repeat([0, 1], 20)
    report = fake_detection_report(y, y, confidence_level=0.95, random_state=0)
    # A detector that is right 83 times in 100 is right 20 times running once in 40.
    lowest = pytest.approx(0.025 ** (1 / 20))
    for name in ("precision", "recall", "f1", "accuracy", "ap", "auc"):
        assert (report[f"{name}_low"], report[f"{name}_high"]) == (lowest, 1)
    assert (report["fpr_low"], 1 - report["fpr_high"]) == (0, lowest)


def test_a_single_group_leaves_everything_possible():
    y, scores, _ = draw(np.random.default_rng(0), 20)
    report = fake_detection_report(y, scores, groups=np.zeros(40), confidence_level=0.95)
    assert {(report[f"{name}_low"], report[f"{name}_high"]) for name in METRICS} == {(0, 1)}
    # Nothing is called fake: no word on precision, much on recall.
    report = fake_detection_report(y, scores, threshold=99, confidence_level=0.95)
    assert (report["precision"], report["precision_low"], report["precision_high"]) == (0, 0, 1)
    assert report["recall_high"] == pytest.approx(1 - 0.025 ** (1 / 20))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": [1, 2, 3]}, "give confidence_level"),
        ({"confidence_level": 95}, "confidence_level=95; accepted are numbers between 0 and 1"),
        ({"confidence_level": 0.9, "n_bootstraps": 1}, "n_bootstraps=1; accepted are integers"),
        ({"confidence_level": 0.9, "groups": [1, 2]}, "inconsistent numbers of samples"),
    ],
)
def test_intervals_that_cannot_be_made_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        fake_detection_report([0, 1, 1], [0.1, 0.2, 0.3], **arguments)


def test_intervals_of_two_identities_by_hand():
    """A quarter of the draws is the one identity twice, a quarter the other, a half is both."""
    y, identity = np.array([1, 0, 1, 0, 1, 0, 1, 0, 1, 0]), np.repeat([0, 1], 5)
    scores = np.array([0.9, 0.2, 0.7, 0.3, 0.4, 0.6, 0.6, 0.8, 0.7, 0.1])
    report = fake_detection_report(
        y, scores, groups=identity, confidence_level=0.5, n_bootstraps=20_000, random_state=0
    )
    one, other = (
        fake_detection_report(y[rows], scores[rows]) for rows in (identity == 0, identity == 1)
    )
    for name in METRICS:
        value = report[name]
        error = np.sqrt(((one[name] - value) ** 2 + (other[name] - value) ** 2) / 4 * 2)
        # The upper quartile of Student's t of one degree of freedom is 1.
        reach = error / (value * (1 - value))
        found = logit([report[f"{name}_low"], report[f"{name}_high"]]) - logit(value)
        assert found == pytest.approx([-reach, reach], rel=0.02)


def interval_of_auc(y, scores, n_bootstraps=400):
    report = fake_detection_report(
        y, scores, confidence_level=0.95, n_bootstraps=n_bootstraps, random_state=0
    )
    return report["auc_low"], report["auc"], report["auc_high"]


@pytest.mark.filterwarnings("ignore::skfakespot.metrics.ReversedScoresWarning")
@example((np.array([0, 1, 1, 0, 0, 1, 0]), np.array([0.0, -1, -1, 0, 0, -1, 0])))
@given(labels_and_scores())
def test_the_interval_of_an_auc_is_one(sample):
    y, scores = sample
    low, auc, high = interval_of_auc(y, scores)
    assert 0 <= low <= auc <= high <= 1
    # Turned around, and of more images.
    turned = 1 - np.array(interval_of_auc(y, -scores))
    assert turned[::-1] == pytest.approx((low, auc, high), abs=1e-9)
    narrower = interval_of_auc(np.tile(y, 2), np.tile(scores, 2))
    assert narrower[2] - narrower[0] <= high - low + 1e-9


# Few scores without a shift may be reversed by chance.
@pytest.mark.long
@pytest.mark.filterwarnings("ignore::skfakespot.metrics.ReversedScoresWarning")
@settings(max_examples=10)
@given(
    shift=st.floats(0, 2), n_real=st.integers(8, 40), n_fake=st.integers(8, 40), seed=st.integers(0)
)
def test_the_interval_covers_the_true_auc(shift, n_real, n_fake, seed):
    random, truth = np.random.default_rng(seed), norm.cdf(shift / np.sqrt(2))
    y = np.repeat([0, 1], [n_real, n_fake])
    covered = 0
    for _ in range(100):
        low, _, high = interval_of_auc(y, random.normal(size=len(y)) + shift * y, 150)
        covered += low <= truth <= high
    assert covered >= binom.ppf(1e-6, 100, 0.94)
