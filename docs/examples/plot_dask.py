# SPDX-License-Identifier: BSD-3-Clause
"""
===================
A cluster with Dask
===================

One machine is kept busy by one process. If you have several machines, the transformer divides the
images among the workers of joblib's active backend. Dask is needed: ``pip install
'skfakespot[dask]'``.
"""

# %%
# A cluster
# ---------
# Here two processes of this machine stand in for a cluster. For a real one, give ``Client`` the
# address of its scheduler, such as ``"tcp://scheduler:8786"``. The workers are started anew and
# import this program, so a program must start them below ``if __name__ == "__main__":``.
#
# Arrays are sent to the workers. A path must name the same file on every machine.

import joblib
import numpy as np
from dask.distributed import Client, LocalCluster

from skfakespot import NeuronCoverageTransformer
from skfakespot.datasets import load_demo_faces

faces = load_demo_faces()
images = faces.data[::4]
on_cluster = NeuronCoverageTransformer()

if __name__ == "__main__":
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        counts_of_cluster = on_cluster.fit_transform(images)
        print(f"{len(client.scheduler_info()['workers'])} workers read {len(images)} images")

# %%
# The same numbers
# ----------------
# The workers send sums and profiles of their images. The thresholds are those of all images
# together, so that the counts are the same as on one machine.

if __name__ == "__main__":
    alone = NeuronCoverageTransformer()
    counts = alone.fit_transform(images)
    print(f"the same counts: {np.array_equal(counts, counts_of_cluster)}")

# %%
# Sums from separate machines
# ---------------------------
# Without a cluster, each machine can learn from its own images. ``merge`` then adds the sums of
# other machines.

if __name__ == "__main__":
    first = NeuronCoverageTransformer().fit(images[:25])
    second = NeuronCoverageTransformer().fit(images[25:])
    merged = first.merge(second)
    difference = np.abs(merged.thresholds_ / alone.thresholds_ - 1).max()
    print(
        f"{merged.n_samples_seen_} images; the thresholds differ by {difference:.0e} of their value"
    )

# %%
# The features of both classes, in the middle of the network and at its end:

import matplotlib.pyplot as plt

if __name__ == "__main__":
    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    for label, name in enumerate(faces.target_names):
        chosen = counts[faces.target[::4] == label]
        axes.scatter(chosen[:, 15], chosen[:, -2], label=name)
    axes.set(xlabel=f"active neurons of {alone.layer_names_[15]}")
    axes.set(ylabel=f"active neurons of {alone.layer_names_[-2]}")
    axes.legend()
