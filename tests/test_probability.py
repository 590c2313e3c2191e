# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skfakespot import fake_probability
from skfakespot.video import VideoClassifier

X = np.linspace(-1, 1, 40)[:, None]
Y = (X[:, 0] > 0.1).astype(int)
CLASSIFIERS = [
    LogisticRegression(),
    make_pipeline(StandardScaler(), LogisticRegression()),
    GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2),
    CalibratedClassifierCV(LogisticRegression(), cv=2),
    VotingClassifier([("one", LogisticRegression())], voting="soft"),
    VideoClassifier(LogisticRegression()),
]


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(
    ("real", "fake", "pos_label"),
    [
        (0, 1, None),
        (False, True, None),
        ("real", "fake", None),
        ("Real", "FAKE", None),
        ("camera", "ai", "ai"),
        (2, 1, None),
        (1, 0, 0),
    ],
)
def test_the_probability_is_of_fake_whatever_the_labels(classifier, real, fake, pos_label):
    if isinstance(classifier, VideoClassifier):
        classifier.set_params(pos_label=pos_label)
    y = np.where(Y == 1, fake, real)
    probability = fake_probability(classifier.fit(X, y), X, pos_label=pos_label)
    expected = LogisticRegression().fit(X, Y).predict_proba(X)[:, 1]
    assert probability.shape == (40,)
    assert np.corrcoef(probability, expected)[0, 1] > 0.95


def test_groups_of_a_video_classifier():
    videos = np.arange(40) // 4
    detector = VideoClassifier(LogisticRegression()).fit(X, np.where(videos > 4, "fake", "real"))
    probability = fake_probability(detector, X, groups=videos)
    assert probability.shape == (10,)
    assert probability[0] < 0.5 < probability[-1]


def test_with_several_generators_it_is_the_probability_of_not_real():
    y = np.array(["real", "stylegan", "diffusion", "real"] * 10)
    classifier = LogisticRegression().fit(X, y)
    real = classifier.predict_proba(X)[:, classifier.classes_.tolist().index("real")]
    np.testing.assert_allclose(fake_probability(classifier, X), 1 - real)
    assert fake_probability(classifier, X, pos_label="stylegan").max() < 0.5


def test_labels_without_a_meaning_are_refused():
    classifier = LogisticRegression().fit(X, np.where(Y == 1, "b", "a"))
    with pytest.raises(ValueError, match="Give pos_label"):
        fake_probability(classifier, X)
    several = LogisticRegression().fit(X, np.array(["a", "b", "c", "d"] * 10))
    with pytest.raises(ValueError, match="which one means real"):
        fake_probability(several, X)
    with pytest.raises(ValueError, match="pos_label='z' is not among the labels"):
        fake_probability(classifier, X, pos_label="z")


def test_a_classifier_without_probabilities_is_refused():
    with pytest.raises(TypeError, match=r"LinearSVC has no predict_proba.*CalibratedClassifierCV"):
        fake_probability(LinearSVC().fit(X, Y), X)
