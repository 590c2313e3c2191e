# SPDX-License-Identifier: BSD-3-Clause
"""
======================
Your own Keras network
======================

Any functional or Sequential Keras network can be the backbone, also one that was not trained on
faces.
"""

# %%
# The network
# -----------
# This one is small, and its weights are random, so that this page is made quickly. Load yours with
# ``keras.models.load_model``, or give the path of its ``.keras`` file as the backbone.

import keras

initializer = keras.initializers.HeNormal(seed=0)
network = keras.Sequential([keras.Input((96, 96, 3))])
for n_filters in (16, 32, 64):
    network.add(
        keras.layers.Conv2D(
            n_filters,
            3,
            padding="same",
            activation="relu",
            kernel_initializer=initializer,
            name=f"conv_{n_filters}",
        )
    )
    network.add(keras.layers.MaxPooling2D(name=f"pool_{n_filters}"))
network.add(keras.layers.GlobalAveragePooling2D(name="mean"))
network.add(keras.layers.Dense(32, kernel_initializer=initializer, name="dense"))

# %%
# Its preprocessing
# -----------------
# The network receives numbers from 0 to 255. If its own layers do not scale them, say how.
# :func:`~skfakespot.inspection.list_layers` shows which layers will be read.

from skfakespot.backbones import Backbone, Preprocessing
from skfakespot.inspection import list_layers

backbone = Backbone(
    name="mine",
    model=network,
    preprocess=Preprocessing(mean=(127.5, 127.5, 127.5), scale=1 / 127.5),
)
for card in list_layers(backbone):
    print(card.name, card.shape, "read" if card.selected else "not read")

# %%
# A detector
# ----------
# From here on, nothing differs from other backbones. A pickled detector contains this network with
# its weights.

from sklearn.model_selection import GroupKFold, cross_val_score

from skfakespot import make_fakespotter
from skfakespot.datasets import load_demo_faces

faces = load_demo_faces()
detector = make_fakespotter(backbone, recipe="statistics")
auc = cross_val_score(
    detector, faces.data, faces.target, groups=faces.groups, cv=GroupKFold(4), scoring="roc_auc"
)
print(f"AUC {auc.mean():.3f} ± {auc.std():.3f} over four folds")

# %%
# Even random filters react to the traces of the demonstration's fakes. That says nothing about the
# fakes of a real generator: compare your network with the others on your own faces.
#
# Which layers matter?
# --------------------
# :class:`~skfakespot.inspection.LayerImportanceDisplay` shows how far the AUC falls when the
# features of one layer are shuffled.

from skfakespot.inspection import LayerImportanceDisplay

train, test = faces.groups < 70, faces.groups >= 70
detector.fit(faces.data[train], faces.target[train])
display = LayerImportanceDisplay.from_estimator(
    detector, faces.data[test], faces.target[test], groups=faces.groups[test], random_state=0
)
