# SPDX-License-Identifier: BSD-3-Clause
"""Files of weights as Keras 2 wrote them."""

import h5py
import keras
import numpy as np


def write_legacy_file(path, model, layer_names=None):
    """Write the weights under the layers' own names, with fixed-length names as Keras 2 did."""
    layer_names = layer_names or {}
    names = [layer_names.get(layer.name, layer.name) for layer in model.layers]
    with h5py.File(path, "w") as root:
        root.attrs["layer_names"] = np.array(names, dtype="S")
        root.attrs["backend"] = b"tensorflow"
        root.attrs["keras_version"] = b"2.0.8"
        for name, layer in zip(names, model.layers, strict=True):
            group = root.require_group(name)
            variables = [f"{name}/{variable.name}:0" for variable in layer.weights]
            group.attrs["weight_names"] = np.array(variables, dtype="S" if variables else float)
            for variable, weight in zip(variables, layer.get_weights(), strict=True):
                group.create_dataset(variable, data=weight)
    return path


def shake_moments(model, seed=0):
    """Give every batch normalisation four different vectors, so that their order matters."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = (4, layer.gamma.shape[0])
            layer.set_weights([*rng.uniform([[0.5], [-1], [-1], [0.5]], 1.5, shape)])
    return model
