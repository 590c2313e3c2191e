"""The same perceptron as a Keras model."""

from .._keras import import_keras

_KERAS_ACTIVATIONS = {
    "relu": "relu",
    "tanh": "tanh",
    "logistic": "sigmoid",
    "identity": "linear",
}


def build_network(layer_sizes, activation, *, dropout=0.0, output="linear"):
    """Build a keras.Sequential of zero weights whose last layer's activation is `output`."""
    layers = import_keras().layers
    *hidden, n_outputs = layer_sizes[1:]
    # Keras' own initialisers and dropout would take their default seeds from
    # Python's global random state: weights start at zero and seeds are given.
    options = {"kernel_initializer": "zeros", "dtype": "float32"}
    stack = [layers.Input((layer_sizes[0],), name="features", dtype="float32")]
    for index, units in enumerate(hidden, start=1):
        stack.append(
            layers.Dense(units, _KERAS_ACTIVATIONS[activation], name=f"hidden_{index}", **options)
        )
        if dropout:
            stack.append(
                layers.Dropout(dropout, seed=index, name=f"dropout_{index}", dtype="float32")
            )
    stack.append(layers.Dense(n_outputs, output, name="output", **options))
    return import_keras().Sequential(stack, name="perceptron")


def set_weights(network, coefs, intercepts):
    """Write arrays into the Dense layers of a network."""
    network.set_weights([array for pair in zip(coefs, intercepts, strict=True) for array in pair])
