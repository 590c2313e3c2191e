# SPDX-License-Identifier: BSD-3-Clause
"""The perceptron as a Keras model."""

from .._keras import import_keras

_KERAS_ACTIVATIONS = {
    "relu": "relu",
    "tanh": "tanh",
    "logistic": "sigmoid",
    "identity": "linear",
    "softmax": "softmax",
}


def build_network(layer_sizes, activation, *, dropout=0.0, out_activation="identity"):
    """Build a keras.Sequential of zero weights.

    `layer_sizes` are the number of features and the width of every layer.
    """
    layers = import_keras().layers
    *hidden, n_outputs = layer_sizes[1:]
    activation, out_activation = (_KERAS_ACTIVATIONS[name] for name in (activation, out_activation))
    # Keras would draw initial weights and the seeds of dropout from Python's global random
    # state, so weights start at zero and seeds are given.
    options = {"kernel_initializer": "zeros", "dtype": "float32"}
    stack = [layers.Input((layer_sizes[0],), name="features", dtype="float32")]
    for index, units in enumerate(hidden, start=1):
        stack.append(layers.Dense(units, activation, name=f"hidden_{index}", **options))
        if dropout:
            stack.append(
                layers.Dropout(dropout, seed=index, name=f"dropout_{index}", dtype="float32")
            )
    stack.append(layers.Dense(n_outputs, out_activation, name="output", **options))
    return import_keras().Sequential(stack, name="perceptron")


def in_order_of_keras(coefs, intercepts):
    """List weights and biases layer by layer, as Keras lists the variables of a model."""
    return [array for pair in zip(coefs, intercepts, strict=True) for array in pair]
