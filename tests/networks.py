# SPDX-License-Identifier: BSD-3-Clause
"""Small real networks, and eqs. (1) and (2) in plain NumPy."""

import keras
import numpy as np


def small_network(input_shape=(12, 10, 3), pool=None):
    """Three convolutions and a dense layer, on images; two dense layers, on vectors."""
    initializer = keras.initializers.GlorotUniform
    x = inputs = keras.Input(input_shape)
    if len(input_shape) == 1:
        x = keras.layers.Dense(6, "relu", kernel_initializer=initializer(1), name="dense_1")(x)
        x = keras.layers.Dense(4, kernel_initializer=initializer(2), name="dense_2")(x)
        return keras.Model(inputs, x, name="small_vector_network")
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(x)
    x = keras.layers.Conv2D(4, 3, kernel_initializer=initializer(1), name="conv_1")(x)
    x = keras.layers.BatchNormalization(name="norm_1")(x)
    x = keras.layers.ReLU(name="relu_1")(x)
    x = keras.layers.DepthwiseConv2D(3, depthwise_initializer=initializer(2), name="depthwise")(x)
    x = keras.layers.Conv2D(5, 3, 2, kernel_initializer=initializer(3), name="conv_2")(x)
    x = (pool or keras.layers.GlobalAveragePooling2D(name="pool"))(x)
    x = keras.layers.Dense(7, kernel_initializer=initializer(4), name="dense")(x)
    return keras.Model(inputs, x, name="small_image_network")


def exact_network():
    """The small network, whose outputs are the same bits with the kernels of every processor."""
    return make_exact(small_network(pool=keras.layers.GlobalMaxPooling2D(name="pool")))


def make_exact(network):
    """Keep one weight in each sum of a network, so that nothing is left to round differently."""
    for layer in network.layers:
        for kernel in layer.trainable_variables:
            if kernel.name.endswith("kernel"):
                kernel.assign(_largest_of_each_sum(keras.ops.convert_to_numpy(kernel)))
    return network


def _largest_of_each_sum(kernel):
    if kernel.shape[-1] == 1:  # of a depthwise layer, which adds up over places only
        return _largest_of_each_sum(kernel[..., 0])[..., None]
    sums = kernel.reshape(-1, kernel.shape[-1])
    largest = np.abs(sums).argmax(axis=0)
    chosen = np.arange(len(sums))[:, None] == largest
    return np.where(chosen, sums, 0).reshape(kernel.shape)


def varied_images(n_images):
    """Images of 12 x 10 pixels and of differing brightness, as photographs are."""
    random = np.random.default_rng(0)
    brightness = random.integers(20, 256, (n_images, 1, 1, 1))
    return (random.random((n_images, 12, 10, 3)) * brightness).astype(np.uint8)


def outputs_by_layer(model, batch, names):
    """The whole activations of the named layers, as NumPy arrays."""
    taps = keras.Model(model.inputs[0], {name: model.get_layer(name).output for name in names})
    outputs = taps(np.asarray(batch, dtype=np.float32), training=False)
    return [keras.ops.convert_to_numpy(outputs[name]) for name in names]


def coverage_by_numpy(outputs, neuron="unit"):
    """ξ of eq. (1) and MNC of eq. (2), from whole activations."""
    thresholds, counts = [], []
    for output in outputs:
        output = output.astype(np.float64)
        if neuron == "channel":
            output = output.mean(axis=tuple(range(1, output.ndim - 1)))
        output = output.reshape(len(output), -1)
        thresholds.append(output.mean())
        counts.append((output > output.mean()).sum(axis=1))
    return np.array(thresholds), np.stack(counts, axis=1)
