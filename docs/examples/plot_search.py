# SPDX-License-Identifier: BSD-3-Clause
"""
===================
Search the readings
===================

The paper leaves open what a neuron is and where it is read. Each possible answer, a *reading*, is
a parameter of the detector (:doc:`/readings`), so scikit-learn's searches can compare them.
"""

# %%
# The candidates
# --------------
# A neuron is every number of a feature map, or the mean of the map. It is read at the
# convolution's own output, or after the activation that follows. The classifier is
# a logistic regression, because it is trained in milliseconds.

from tempfile import TemporaryDirectory

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold

from skfakespot import count_network_images, make_fakespotter
from skfakespot.datasets import load_demo_faces

faces = load_demo_faces()
chosen = faces.groups < 50  # to save time on this page
temporary = TemporaryDirectory()
readings = {
    "coverage__neuron": ["unit", "channel"],
    "coverage__tap": ["layer", "activation"],
    "classify__C": [0.01, 0.1, 1],
}
search = GridSearchCV(
    make_fakespotter(classifier=LogisticRegression(max_iter=1000), memory=temporary.name),
    readings,
    scoring="roc_auc",
    cv=GroupKFold(4),
)

# %%
# Search
# ------
# There are 12 candidates and 4 folds, which makes 49 fits with the last one on all images. Each
# sees all 100 images, to train on or to test, which would be 4,900 passes through the network. The
# fits share the profiles in ``memory``, so that there are fewer.

with count_network_images() as count:
    search.fit(faces.data[chosen], faces.target[chosen], groups=faces.groups[chosen])
print(f"{count.n_images} images passed through the network")
print(search.best_params_)

# %%
# The best of each reading
# ------------------------
# The search chose on these faces, so the best score is a little too good. Test the chosen detector
# on other faces, or put the search itself into a cross-validation.

import matplotlib.pyplot as plt
import pandas as pd

table = pd.DataFrame(search.cv_results_)
names = [f"param_{name}" for name in readings][:2]
best = table.sort_values("mean_test_score").astype(dict.fromkeys(names, str))
best = best.groupby(names).last().sort_values("mean_test_score")

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.barh(
    [", ".join(reading) for reading in best.index],
    best["mean_test_score"],
    xerr=best["std_test_score"],
)
axes.axvline(0.5, color="black", linestyle="dotted", label="chance")
axes.set(xlim=(0, 1), xlabel="AUC, mean and standard deviation of four folds")
axes.legend(loc="lower left")
temporary.cleanup()
