# SPDX-License-Identifier: BSD-3-Clause
"""
==================
A robustness curve
==================

Images on the web were compressed, shrunk and blurred before you see them. How far does the AUC of
a detector fall? This is Figure 4 of the paper, for two detectors.
"""

# %%
# Two detectors
# -------------
# The same recipe is trained on the faces as they are, and with one perturbed copy of each. The
# copies come from a :class:`~skfakespot.PerturbationAugmenter`, which works in ``fit`` only. The
# images are read at 128 x 128 pixels, and not at the recipe's 256 x 256, to save time on this page.

from skfakespot import PerturbationAugmenter, make_fakespotter
from skfakespot.datasets import load_demo_faces

faces = load_demo_faces()
train, test = faces.groups < 60, faces.groups >= 75
copies = PerturbationAugmenter(random_state=0)
detectors = {
    "plain": make_fakespotter(recipe="statistics"),
    "augmented": make_fakespotter(recipe="statistics", augment=copies),
}
for detector in detectors.values():
    detector.set_params(coverage__image_size=(128, 128))
    detector.fit(faces.data[train], faces.target[train])

# %%
# One perturbation at a time
# --------------------------
# :func:`~skfakespot.augmentation.perturb` shows what the detectors have to bear: the strongest
# level of each kind.

import matplotlib.pyplot as plt

from skfakespot.augmentation import KINDS, perturb

face = faces.data[test][:1]
images = {"unperturbed": face[0]}
images |= {kind: perturb(face, kind, ("paper", 5), random_state=0)[0] for kind in KINDS}
figure, axes = plt.subplots(1, 5, figsize=(9, 2.2), layout="constrained")
for panel, (kind, image) in zip(axes, images.items(), strict=True):
    panel.imshow(image)
    panel.set(title=kind, xticks=[], yticks=[])

# %%
# The curve
# ---------
# :func:`~skfakespot.robustness.robustness_curve` scores the test images at each level. All images
# are perturbed, real and fake. Dotted lines are the AUCs without perturbation, and bands are
# intervals of 95 %.

from skfakespot.robustness import RobustnessCurveDisplay, mean_drop, robustness_curve

curves = {
    name: robustness_curve(
        detector,
        faces.data[test],
        faces.target[test],
        groups=faces.groups[test],
        n_bootstraps=200,
        random_state=0,
    )
    for name, detector in detectors.items()
}
RobustnessCurveDisplay.from_results(curves)

# %%
# The summary
# -----------
# The paper reports one number, the mean drop over all levels.

for name, curve in curves.items():
    print(f"{name}: the AUC falls by {mean_drop(curve):.3f} on average")

# %%
# On these few faces, the copies made the detector less robust. So measure it on your own faces
# before you use them; :doc:`/robustness` has the figures of StyleGAN's.

# %%
# A table has one row for each level:

curves["plain"][["perturbation", "score", "fall"]].round(3)
