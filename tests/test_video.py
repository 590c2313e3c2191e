# SPDX-License-Identifier: BSD-3-Clause
"""Scores of videos from scores of frames."""

import pickle
import re

import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from scipy.special import logsumexp
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.fixes import parse_version

from skfakespot import NeuronCoverageTransformer, make_fakespotter
from skfakespot.images import UnreadableImageWarning
from skfakespot.video import (
    UnscoredGroupWarning,
    VideoClassifier,
    aggregate_labels,
    aggregate_scores,
)

HOW = ("mean", "median", "max", "logsumexp", "topk")
SCORES = st.floats(-50, 50, width=32)


@st.composite
def frames(draw):
    """Scores of frames, and the videos that they are of."""
    scores = draw(hnp.arrays(float, st.integers(1, 40), elements=SCORES))
    return scores, draw(hnp.arrays(int, len(scores), elements=st.integers(-3, 3)))


def by_hand(scores, how, k, temperature):
    scores = np.sort(scores)[::-1]
    return {
        "mean": np.mean(scores),
        "median": np.median(scores),
        "max": scores[0],
        "logsumexp": temperature * (logsumexp(scores / temperature) - np.log(len(scores))),
        "topk": np.mean(scores[:k]),
    }[how]


@pytest.mark.parametrize("how", HOW)
@given(frames(), st.integers(1, 6), st.floats(0.05, 5))
def test_each_group_gets_the_formula_of_its_own_frames(how, frames, k, temperature):
    scores, groups = frames
    labels, found = aggregate_scores(scores, groups, how, k=k, temperature=temperature)
    assert_array_equal(labels, np.unique(groups))
    expected = [by_hand(scores[groups == label], how, k, temperature) for label in labels]
    assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("how", HOW)
@given(frames(), st.randoms())
def test_the_order_of_the_frames_and_groups_changes_nothing(how, frames, random):
    scores, groups = frames
    order = list(range(len(scores)))
    random.shuffle(order)
    expected = aggregate_scores(scores, groups, how)
    found = aggregate_scores(scores[order], groups[order], how)
    assert_array_equal(found[0], expected[0])
    assert_array_equal(found[1], expected[1])
    # Other names of the groups, in the opposite order.
    renamed = aggregate_scores(scores, [f"video {5 - group}" for group in groups], how)
    assert_array_equal(renamed[1], expected[1][::-1])


@pytest.mark.parametrize("how", HOW)
@given(frames())
def test_the_score_lies_between_the_smallest_and_the_largest(how, frames):
    scores, groups = frames
    labels, found = aggregate_scores(scores, groups, how)
    for label, score in zip(labels, found, strict=True):
        assert scores[groups == label].min() <= score <= scores[groups == label].max()


@pytest.mark.parametrize("how", HOW)
@given(SCORES, st.integers(1, 30))
def test_equal_scores_give_that_score(how, score, n_frames):
    assert aggregate_scores(np.full(n_frames, score), np.zeros(n_frames), how)[1] == [score]
    # Three times 0.1 is 0.30000000000000004.
    assert aggregate_scores([0.1] * 3, [0] * 3, how)[1] == [0.1]


@pytest.mark.parametrize("how", HOW)
@given(frames(), st.data())
def test_no_score_falls_where_a_frame_rises(how, frames, data):
    scores, groups = frames
    rise = data.draw(hnp.arrays(float, len(scores), elements=st.floats(0, 10, width=32)))
    lower, higher = (aggregate_scores(s, groups, how)[1] for s in (scores, scores + rise))
    assert (higher >= lower - 1e-12 * np.abs(lower)).all()


@given(frames())
def test_logsumexp_goes_from_the_mean_to_the_maximum(frames):
    mean, highest = (aggregate_scores(*frames, how)[1] for how in ("mean", "max"))
    hot, cold = (
        aggregate_scores(*frames, "logsumexp", temperature=temperature)[1]
        for temperature in (1e6, 1e-3)
    )
    assert_allclose(hot, mean, atol=0.01)
    assert_allclose(cold, highest, atol=0.01)


@pytest.mark.parametrize("how", HOW)
@given(frames(), st.data())
def test_frames_without_a_score_are_as_if_they_were_not_there(how, frames, data):
    scores, groups = frames
    missing = data.draw(hnp.arrays(bool, len(scores)))
    # A frame of each group has a face.
    missing[np.unique(groups, return_index=True)[1]] = False
    found = aggregate_scores(np.where(missing, np.nan, scores), groups, how)
    expected = aggregate_scores(scores[~missing], groups[~missing], how)
    assert_array_equal(found[1], expected[1])


def test_policies_for_frames_without_a_score():
    scores, groups = [0.2, np.nan, 0.4, np.nan], ["a", "a", "b", "c"]
    with pytest.warns(UnscoredGroupWarning, match=r"1 of 3 groups .* first of them c; .*NaN"):
        omitted = aggregate_scores(scores, groups)[1]
    assert_array_equal(omitted, [0.2, 0.4, np.nan])
    propagated = aggregate_scores(scores, groups, nan_policy="propagate")[1]
    assert_array_equal(propagated, [np.nan, 0.4, np.nan])
    with pytest.raises(ValueError, match=r"2 of 4 scores are NaN, .* of frame 1"):
        aggregate_scores(scores, groups, nan_policy="raise")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"how": "average"}, "how='average'; accepted are 'mean', 'median'"),
        ({"k": 0}, "k=0; accepted are integers from 1"),
        ({"temperature": 0}, "temperature=0; accepted are finite numbers above 0"),
        ({"nan_policy": "zero"}, "nan_policy='zero'; accepted are 'omit'"),
        ({"scores": [0.1, np.inf]}, "1 of 2 scores are infinite"),
        ({"scores": [0.1]}, "inconsistent numbers of samples"),
        ({"groups": ["a", None]}, "1 of 2 groups are missing .* first of them at 1"),
        ({"groups": [np.nan, 1.0]}, "1 of 2 groups are missing"),
    ],
)
def test_what_cannot_be_aggregated_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        aggregate_scores(**{"scores": [0.1, 0.2], "groups": ["a", "b"], **changes})


def test_labels_of_groups():
    groups, y = aggregate_labels(["fake", "real", "fake"], [2, 1, 2])
    assert_array_equal(groups, [1, 2])
    assert_array_equal(y, ["real", "fake"])
    with pytest.raises(ValueError, match="frames of group 2 have different labels"):
        aggregate_labels([1, 0, 0], [2, 1, 2])


@pytest.fixture
def videos():
    """Features of 12 frames each of 30 videos, labels, and shuffled names of the videos."""
    random = np.random.default_rng(0)
    groups = random.permutation(np.repeat(np.arange(30), 12))
    y = (groups % 2).astype(int)
    X = random.normal(size=(360, 3)) + random.normal(size=(30, 3))[groups] + 1.5 * y[:, None]
    return X, y, np.char.add("video ", groups.astype(str))


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("labels", [(0, 1), ("real", "fake")], ids=["numbers", "names"])
@pytest.mark.parametrize("inner", [LogisticRegression(), LinearSVC()], ids=["proba", "decision"])
def test_a_video_is_scored_by_its_frames(videos, how, labels, inner):
    X, y, groups = videos
    y = np.array(labels)[y]
    classifier = VideoClassifier(inner, how=how, k=3).fit(X, y)
    frame_classifier = clone(inner).fit(X, y)
    fake = list(frame_classifier.classes_).index(labels[1])
    if hasattr(inner, "predict_proba"):
        scores = frame_classifier.predict_proba(X)[:, fake]
        expected = aggregate_scores(scores, groups, how, k=3)[1]
        found, threshold = classifier.predict_proba(X, groups)[:, fake], 0.5
        assert_allclose(classifier.predict_proba(X, groups).sum(axis=1), 1)
    else:
        assert not hasattr(classifier, "predict_proba")
        sign = 1 if fake else -1
        scores = sign * frame_classifier.decision_function(X)
        expected = aggregate_scores(scores, groups, how, k=3)[1]
        found, threshold = sign * classifier.decision_function(X, groups), 0
    assert_allclose(found, expected)
    predicted = classifier.predict(X, groups)
    assert_array_equal(predicted, np.where(expected >= threshold, labels[1], labels[0]))
    names, y_of_videos = aggregate_labels(y, groups)
    assert classifier.score(X, y, groups=groups) == accuracy_score(y_of_videos, predicted)
    weights = np.char.equal(groups, "video 7") + (groups == "video 8") / 3
    right = (predicted == y_of_videos)[[np.flatnonzero(names == f"video {i}")[0] for i in (7, 8)]]
    weighted = classifier.score(X, y, sample_weight=weights, groups=groups)
    assert weighted == pytest.approx(0.75 * right[0] + 0.25 * right[1])


def test_threshold_and_response(videos):
    X, y, groups = videos
    strict = VideoClassifier(LogisticRegression(), threshold=1.1).fit(X, y)
    assert not strict.predict(X, groups).any()
    lenient = clone(strict).set_params(threshold=0.0).fit(X, y)
    assert lenient.predict(X, groups).all()
    values = clone(strict).set_params(response_method="decision_function", threshold=1.1)
    values.fit(X, y)
    assert_array_equal(values.predict(X, groups), values.decision_function(X, groups) >= 1.1)
    assert values.predict(X, groups).any()


def test_frames_without_a_face_are_never_seen(videos):
    X, y, groups = videos
    without = np.zeros(len(X), dtype=bool)
    without[::3] = True
    holed = np.where(without[:, None], np.nan, X)
    weights = np.linspace(0, 1, len(X))
    classifier = VideoClassifier(LogisticRegression()).fit(holed, y, sample_weight=weights)
    kept = VideoClassifier(LogisticRegression())
    kept.fit(X[~without], y[~without], sample_weight=weights[~without])
    assert_array_equal(classifier.estimator_.coef_, kept.estimator_.coef_)
    assert_array_equal(
        classifier.predict_proba(holed, groups),
        kept.predict_proba(X[~without], groups[~without]),
    )
    holed[groups == "video 7"] = np.nan
    with pytest.warns(UnscoredGroupWarning, match="1 of 30 groups .* video 7"):
        probabilities = classifier.predict_proba(holed, groups)
    assert_array_equal(np.isnan(probabilities).all(axis=1), np.unique(groups) == "video 7")
    with pytest.warns(UnscoredGroupWarning, match="1 of 30 groups .* video 7"):
        predicted = classifier.predict(holed, groups)
    assert_array_equal(predicted == -1, np.unique(groups) == "video 7")
    with pytest.warns(UnscoredGroupWarning, match="1 of 30 groups .* video 7"):
        accuracy = classifier.score(holed, y, groups=groups)
    scored = predicted != -1
    assert accuracy == (predicted == aggregate_labels(y, groups)[1])[scored].mean()
    with pytest.raises(ValueError, match="scores are NaN, the first"):
        clone(classifier).set_params(nan_policy="raise").fit(X, y).predict_proba(holed, groups)
    with pytest.raises(ValueError, match="No frame of X has a face"):
        classifier.fit(np.full_like(X, np.nan), y)


def test_nan_in_a_part_of_a_row_is_an_error_of_the_classifier(videos):
    X, y, groups = videos
    classifier = VideoClassifier(LogisticRegression()).fit(X, y)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        classifier.predict_proba(X, groups)


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="the default scorer of scikit-learn 1.7 does not route to the steps of a Pipeline",
)
def test_groups_are_routed_through_cross_validation(videos):
    X, y, groups = videos
    plain = VideoClassifier(make_pipeline(StandardScaler(), LogisticRegression()))
    with config_context(enable_metadata_routing=True):
        classifier = VideoClassifier(LogisticRegression()).set_score_request(groups=True)
        routed = make_pipeline(StandardScaler(), classifier)
        found = cross_validate(routed, X, y, cv=GroupKFold(3), params={"groups": groups})
    expected = [
        plain.fit(X[train], y[train]).score(X[test], y[test], groups=groups[test])
        for train, test in GroupKFold(3).split(X, y, groups)
    ]
    assert_array_equal(found["test_score"], expected)
    last = make_pipeline(StandardScaler(), VideoClassifier(LogisticRegression())).fit(X, y)
    assert_array_equal(last.predict(X, groups=groups), plain.fit(X, y).predict(X, groups))


def test_sample_weights_are_routed_to_the_classifier(videos):
    X, y, _ = videos
    weights = np.linspace(0, 1, len(X))
    expected = LogisticRegression().fit(X, y, sample_weight=weights).coef_
    with config_context(enable_metadata_routing=True):
        inner = LogisticRegression().set_fit_request(sample_weight=True)
        classifier = VideoClassifier(inner).fit(X, y, sample_weight=weights)
    assert_array_equal(classifier.estimator_.coef_, expected)


def test_a_fitted_classifier_can_be_wrapped_and_pickled(videos):
    X, y, groups = videos
    fitted = LogisticRegression().fit(X, y)
    classifier = VideoClassifier(FrozenEstimator(fitted), how="max").fit(X[:30], y[:30])
    assert_array_equal(classifier.estimator_.predict_proba(X), fitted.predict_proba(X))
    again = pickle.loads(pickle.dumps(classifier))
    assert_array_equal(again.predict_proba(X, groups), classifier.predict_proba(X, groups))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 2] * 120, "Only binary classification is supported.*y holds 3 classes"),
        ([1] * 360, "a single class"),
        (["a", "b"] * 180, "Give pos_label"),
    ],
)
def test_labels_that_are_not_real_and_fake_are_refused(videos, y, message):
    with pytest.raises(ValueError, match=re.compile(message)):
        VideoClassifier(DummyClassifier()).fit(videos[0], y)


def test_other_labels_with_pos_label(videos):
    X, y, groups = videos
    named = VideoClassifier(LogisticRegression(), pos_label="a", how="max")
    named.fit(X, np.array(["b", "a"])[y])
    plain = VideoClassifier(LogisticRegression(), how="max").fit(X, y)
    expected = plain.predict_proba(X, groups)[:, ::-1]
    assert_allclose(named.predict_proba(X, groups), expected, atol=1e-6)


def test_files_with_a_whole_detector(tmp_path):
    """A list of paths, None among them, goes to the detector as it is."""
    random = np.random.default_rng(0)
    paths = [str(tmp_path / f"{i}.png") for i in range(8)]
    for path in paths:
        Image.fromarray(random.integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(path)
    y, groups = np.array([0, 0, 0, 1, 1, 0, 0, 0]), np.array([0, 0, 0, 1, 1, 2, 2, 2])
    holed = [*paths[:2], None, *paths[3:]]
    detector = make_fakespotter(classifier=LogisticRegression())
    classifier = VideoClassifier(detector).fit(holed, y)
    found = classifier.predict_proba(holed, groups)[:, 1]
    kept = [row for row in range(8) if row != 2]
    scores = classifier.estimator_.predict_proba([paths[row] for row in kept])[:, 1]
    assert_allclose(found, aggregate_scores(scores, groups[kept])[1])
    # The transformer's own rows of NaN, for files that cannot be read.
    (tmp_path / "2.png").write_bytes(b"not a picture")
    late = make_pipeline(
        NeuronCoverageTransformer(on_error="nan"),
        VideoClassifier(make_pipeline(StandardScaler(), LogisticRegression())),
    )
    with pytest.warns(UnreadableImageWarning):
        late.fit(paths, y)
    with pytest.warns(UnreadableImageWarning):
        assert_allclose(late.predict_proba(paths, groups=groups)[:, 1], found, atol=1e-6)
