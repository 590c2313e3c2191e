# SPDX-License-Identifier: BSD-3-Clause
"""
==================================================
Choose a threshold for the false alarms you accept
==================================================

A threshold of 0.5 on the probability is seldom what you need. Where few images are fake, false
alarms are what costs. This program calibrates the paper's detector, and chooses a threshold at
which one photograph in ten is called fake.
"""

# %%
# Calibrate
# ---------
# After training on few faces, most probabilities of the paper's classifier lie near 0.5. They rank
# the faces, but do not say how many of them are fake.
# :class:`sklearn.calibration.CalibratedClassifierCV` stretches them.

from tempfile import TemporaryDirectory

from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import GroupKFold, cross_val_predict

from skfakespot import FakeSpotterClassifier, fake_probability, make_fakespotter
from skfakespot.datasets import load_demo_faces

faces = load_demo_faces()
train, test = faces.groups < 70, faces.groups >= 70
temporary = TemporaryDirectory()
plain = make_fakespotter(random_state=0, memory=temporary.name)
classifier = CalibratedClassifierCV(FakeSpotterClassifier(random_state=0), ensemble=False, cv=3)
calibrated = make_fakespotter(classifier=classifier, memory=temporary.name)

probabilities = {}
for name, detector in [("plain", plain), ("calibrated", calibrated)]:
    detector.fit(faces.data[train], faces.target[train])
    probabilities[name] = fake_probability(detector, faces.data[test])
    brier = brier_score_loss(faces.target[test], probabilities[name])
    print(f"{name}: Brier score {brier:.3f}; the smaller, the better")

# %%
import matplotlib.pyplot as plt
import numpy as np

figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
for panel, (name, probability) in zip(axes, probabilities.items(), strict=True):
    groups = [probability[faces.target[test] == label] for label in (0, 1)]
    panel.hist(groups, bins=np.linspace(0, 1, 21), stacked=True, label=["real", "fake"])
    panel.set(title=name, xlabel="probability of fake")
axes[0].set_ylabel("test images")
axes[1].legend()

# %%
# Choose the threshold
# --------------------
# It is chosen on training images, each scored by a detector that was trained without this person.
# Test images must not be used for it. With 70 photographs, the false alarms can only be set to
# multiples of a seventieth.

left_out = cross_val_predict(
    calibrated,
    faces.data[train],
    faces.target[train],
    groups=faces.groups[train],
    cv=GroupKFold(3),
    method="predict_proba",
)[:, 1]
real_scores = np.sort(left_out[faces.target[train] == 0])
n_alarms = int(0.1 * len(real_scores))
threshold = real_scores[-n_alarms]
print(f"threshold {threshold:.3f}: {n_alarms} of {len(real_scores)} left-out photographs reach it")

# %%
# Use it
# ------
# :class:`sklearn.model_selection.FixedThresholdClassifier` makes the threshold a part of the
# detector. The intervals are wide, because 30 photographs and 30 fakes are few.

from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier

from skfakespot.metrics import fake_detection_report

cautious = FixedThresholdClassifier(
    FrozenEstimator(calibrated), threshold=threshold, response_method="predict_proba"
)
cautious.fit(faces.data[train], faces.target[train])
print(f"{cautious.predict(faces.data[test]).sum()} of {test.sum()} test images are called fake")

report = fake_detection_report(
    faces.target[test],
    probabilities["calibrated"],
    threshold=threshold,
    groups=faces.groups[test],
    confidence_level=0.95,
    random_state=0,
)
for metric in ("fpr", "recall", "precision"):
    low, high = report[f"{metric}_low"], report[f"{metric}_high"]
    print(f"{metric}: {report[metric]:.2f}, 95 % interval {low:.2f} to {high:.2f}")
temporary.cleanup()
