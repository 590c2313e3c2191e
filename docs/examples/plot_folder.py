# SPDX-License-Identifier: BSD-3-Clause
"""
=============================
Find the fakes in your folder
=============================

You have photographs, fakes, and new files that you want to know about. This program trains a
detector on two folders and scores the files of a third.
"""

# %%
# Two folders of faces
# --------------------
# Here the folders are made of the demonstration's faces. Leave this part out, and use folders of
# your own. The detector should see crops of faces; ``make_fakespotter(faces=True)`` finds the face
# in each photograph itself.

from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from skfakespot.datasets import load_demo_faces

temporary = TemporaryDirectory()
folder = Path(temporary.name)
for name in ("real", "fake", "new"):
    (folder / name).mkdir()
demo = load_demo_faces()
for pixels, label, person in zip(demo.data, demo.target, demo.groups, strict=True):
    kind = demo.target_names[label]
    if person < 50:
        Image.fromarray(pixels).save(folder / kind / f"{person}.png")
    elif person < 60:
        Image.fromarray(pixels).save(folder / "new" / f"{person}-{kind}.png")

# %%
# Train
# -----
# :func:`~skfakespot.datasets.load_face_folders` lists the files. They are read batch by batch,
# when the detector needs them, so a folder may be larger than the memory.

from skfakespot import make_fakespotter
from skfakespot.datasets import load_face_folders

faces = load_face_folders(real=folder / "real", fake=folder / "fake")
detector = make_fakespotter(recipe="statistics")
detector.fit(faces.data, faces.target)

# %%
# Score new files
# ---------------
# :func:`~skfakespot.score_images` returns a table with a row for each file. A file that cannot be
# read has a reason in the column ``error``, and does not stop the others.

from skfakespot import score_images
from skfakespot.datasets import list_images

(folder / "new" / "damaged.jpg").write_bytes(b"no image")
scores = score_images(detector, list_images(folder / "new"))
scores["path"] = [Path(path).name for path in scores["path"]]
scores.tail()

# %%
# The detector has not seen these faces, neither the photographs nor their fakes. The fakes of the
# demonstration are easy to find; those of a real generator are not (:doc:`/evaluation`).

import matplotlib.pyplot as plt

figure, axes = plt.subplots(2, 5, figsize=(8, 4), layout="constrained")
for panel, row in zip(axes.flat, scores.head(10).itertuples(), strict=True):
    panel.imshow(Image.open(folder / "new" / row.path))
    panel.set_title(f"{row.probability:.2f} {row.label}", fontsize=10)
    panel.set_xlabel(row.path, fontsize=8)
    panel.set(xticks=[], yticks=[])

# %%
# Keep the detector
# -----------------
# A file of skops runs no code when it is loaded (:doc:`/security`).

import skops.io

from skfakespot import fake_probability, trusted_types

skops.io.dump(detector, folder / "detector.skops")
loaded = skops.io.load(folder / "detector.skops", trusted=trusted_types())
print(fake_probability(loaded, list_images(folder / "real")[:3]).round(3))
temporary.cleanup()
