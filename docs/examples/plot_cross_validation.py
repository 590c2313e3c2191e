# SPDX-License-Identifier: BSD-3-Clause
"""
=========================================
Cross-validate without leaking identities
=========================================

A detector should be tested on people that it was not trained on. If several images show one
person, or if fakes were made from the photographs of the set, a random split puts the same face on
both sides.
"""

# %%
# The leak
# --------
# Each fake of the demonstration was made from one of its photographs. ``groups`` is the number of
# the person. :func:`~skfakespot.datasets.check_leakage` compares both sides of a split: groups,
# and images that look the same.

from sklearn.model_selection import GroupKFold, KFold

from skfakespot.datasets import check_leakage, load_demo_faces

faces = load_demo_faces()


def leakage(split):
    """Check a split into training and test images."""
    train, test = split
    groups = faces.groups[train], faces.groups[test]
    return check_leakage(faces.data[train], faces.data[test], groups=groups)


at_random = KFold(4, shuffle=True, random_state=0)
by_person = GroupKFold(4, shuffle=True, random_state=0)
random_split = leakage(next(at_random.split(faces.data)))
n_leaked = len(random_split.near_duplicates)
print(f"random split: {n_leaked} of 50 test images look like a training image")
print(leakage(next(by_person.split(faces.data, groups=faces.groups))))

# %%
# Cross-validation by person
# --------------------------
# ``groups`` and a splitter that uses it are all that is needed. The scorers of
# :func:`~skfakespot.metrics.fake_detection_scorers` know that fake is the positive class. With
# ``memory``, each image passes through the network once, and not once in each fold.

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict, cross_validate

from skfakespot import make_fakespotter
from skfakespot.metrics import fake_detection_report, fake_detection_scorers

temporary = TemporaryDirectory()
detector = make_fakespotter(classifier=LogisticRegression(C=0.1), memory=temporary.name)
scorers = fake_detection_scorers()
results = {
    "random": cross_validate(detector, faces.data, faces.target, cv=at_random, scoring=scorers),
    "by person": cross_validate(
        detector, faces.data, faces.target, groups=faces.groups, cv=by_person, scoring=scorers
    ),
}
for name, scores in results.items():
    auc = scores["test_auc"]
    recall = scores["test_recall"].mean()
    print(f"{name}: AUC {auc.mean():.3f} ± {auc.std():.3f}, recall {recall:.2f}")

# %%
# Only the second says something about people whom the detector has not seen. A leak does not always
# make a score better: here a test face has a twin of the *other* class in the training set, which
# may mislead the detector. In a set with several photographs of each person, a leak makes scores
# too good.

figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
axes.boxplot([scores["test_auc"] for scores in results.values()], tick_labels=list(results))
axes.set(ylabel="AUC of four folds", xlabel="split")

# %%
# An interval
# -----------
# The report takes the groups, too, because the images of one person are not independent.

probability = cross_val_predict(
    detector, faces.data, faces.target, groups=faces.groups, cv=by_person, method="predict_proba"
)[:, 1]
report = fake_detection_report(
    faces.target, probability, groups=faces.groups, confidence_level=0.95, random_state=0
)
print(f"AUC {report['auc']:.3f}, 95 % interval {report['auc_low']:.3f} to {report['auc_high']:.3f}")
temporary.cleanup()
