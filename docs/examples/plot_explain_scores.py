# SPDX-License-Identifier: BSD-3-Clause
"""
===============
Explain a score
===============

A detector can say where in a face, and in which layers, it sees something that speaks for "fake",
and which training images are similar. An explanation says what this detector looks at. It is no
proof.
"""

# %%
# A detector
# ----------
# It is trained on three quarters of the people. Two faces of the others are explained: a
# photograph, and a fake.

from sklearn.model_selection import GroupShuffleSplit

from skfakespot import fake_probability, make_fakespotter
from skfakespot.datasets import load_demo_faces

faces = load_demo_faces()
splitter = GroupShuffleSplit(1, test_size=0.25, random_state=0)
train, test = next(splitter.split(faces.data, faces.target, faces.groups))
detector = make_fakespotter(recipe="statistics")
detector.fit(faces.data[train], faces.target[train])

photograph, fake = (faces.data[test[faces.target[test] == label][0]] for label in (0, 1))
for name, probability in zip(
    ["photograph", "fake"], fake_probability(detector, [photograph, fake]), strict=True
):
    print(f"{name}: probability of fake {probability:.2f}")

# %%
# The fake
# --------
# Red places speak for "fake", blue places for "real". For this detector they are found by
# occlusion: each of 8 x 8 parts is blurred in turn, and the evidence of a part is how far the
# decision value falls. The bars are the layers that speak most for either side.

from skfakespot.inspection import ExplanationDisplay

display = ExplanationDisplay.from_estimator(detector, fake)

# %%
# The contributions of the layers are numbers, too:

contributions = display.evidence.contributions[0]
print(f"fake: {(contributions > 0).sum()} of {len(contributions)} layers speak for fake")

# %%
# The photograph
# --------------
# The colours are relative to the strongest evidence in the image. So this map has a red part, too,
# although the probability is low: read the map together with the probability.

display = ExplanationDisplay.from_estimator(detector, photograph)
contributions = display.evidence.contributions[0]
print(f"photograph: {(contributions > 0).sum()} of {len(contributions)} layers speak for fake")

# %%
# Similar training images
# -----------------------
# The detector's features also say which training images are nearest.

from skfakespot.inspection import TrainingImageIndex, nearest_training_images

index = TrainingImageIndex.from_estimator(detector, faces.data[train], faces.target[train])
for name, neighbors in zip(
    ["photograph", "fake"], nearest_training_images(index, [photograph, fake]), strict=True
):
    print(f"{name}: labels of the nearest training images: {[each.label for each in neighbors]}")
