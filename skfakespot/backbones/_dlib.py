# SPDX-License-Identifier: BSD-3-Clause
"""dlib's face recognition network (ResNet-29) as a Keras model."""

from pathlib import Path

from .._keras import import_keras, kernel_initializers
from .._regular_files import read_regular_file
from ._backbone import (
    Backbone,
    BackboneCard,
    BackboneError,
    Preprocessing,
    WeightsFormatError,
    weights_errors,
)
from ._dlib_format import STAGES, parse_dlib_network
from ._dlib_stream import REINSTALL_HINT, find_installed

NAME = "dlib-resnet29"
_INPUT_SIZE = (150, 150)
_LICENCE = "CC0-1.0"

_FILE_NAME = "dlib_face_recognition_resnet_model_v1.dat"
# The published file has 22 MB.
_MAX_BYTES = 2**26
_MEAN_RGB = (122.782, 117.001, 104.298)
_STAGE_FILTERS = (32, 64, 128, 256, 256)
_EMBEDDING_SIZE = 128


def describe():
    """Facts of the backbone; see `describe_backbones`."""
    return BackboneCard(NAME, _INPUT_SIZE, 30, 619_840, _LICENCE, find_installed(_FILE_NAME))


def build(weights=None, include_top=False, image_size=_INPUT_SIZE):
    """Build the backbone with pre-trained (None), ``"random"`` or a file's weights."""
    if include_top:
        raise BackboneError(f"{NAME} has no classification layer; use include_top=False.")
    if weights == "random":
        model, mean, source = _build_model(image_size, random=True), _MEAN_RGB, "random weights"
    else:
        model, mean, source = _load_model(weights, image_size)
    preprocess = Preprocessing(mean=mean, scale=1 / 256)
    return Backbone(NAME, model, preprocess, licence=_LICENCE, source=source)


def _load_model(weights, image_size):
    """Build the model with the weights in a file; also return the file's mean colour and path."""
    if weights is None:
        path, hint = find_installed(_FILE_NAME), REINSTALL_HINT
    else:
        path = Path(weights)
        hint = f"Accepted is a copy of dlib's {_FILE_NAME}, or weights=None for the installed one."
    if path is None:
        raise BackboneError(f"The weights of {NAME} ({_FILE_NAME}) are not installed. {hint}")
    with weights_errors(NAME, path, hint):
        data = read_regular_file(path, kind="a dlib", max_bytes=_MAX_BYTES)
        mean, arrays = parse_dlib_network(data)
        model = _build_model(image_size, random=False)
        for array, variable in zip(arrays, model.weights, strict=True):
            shape = tuple(variable.shape)
            if array.shape != shape:
                message = f"{variable.path} has the shape {array.shape} instead of {shape}"
                raise WeightsFormatError(message)
    model.set_weights(arrays)
    return model, mean, str(path)


def _build_model(image_size, *, random):
    """Build the architecture, with random kernels or with zeros."""
    keras = import_keras()
    layers = keras.layers
    initializers = kernel_initializers(random=random)

    def convolution(x, name, filters, size, stride, padding):
        kernel = {"kernel_initializer": next(initializers), "name": name}
        x = layers.Conv2D(filters, size, stride, padding, **kernel)(x)
        # dlib's affine layer is a batch normalisation whose moments are part of its factors.
        return layers.BatchNormalization(epsilon=0.0, name=f"{name}_affine")(x)

    def block(x, name, filters, halve):
        stride, padding = (2, "valid") if halve else (1, "same")
        main = convolution(x, f"{name}_conv1", filters, 3, stride, padding)
        main = layers.ReLU(name=f"{name}_relu1")(main)
        main = convolution(main, f"{name}_conv2", filters, 3, 1, "same")
        if halve:
            x = layers.AveragePooling2D(2, 2, name=f"{name}_shortcut")(x)
        shape = [max(sizes) for sizes in zip(main.shape[1:], x.shape[1:], strict=True)]
        total = layers.Add(name=f"{name}_add")([_zero_pad(main, shape), _zero_pad(x, shape)])
        return layers.ReLU(name=f"{name}_relu2")(total)

    image = keras.Input((*image_size, 3), name="image")
    x = convolution(image, "stem_conv", 32, 7, 2, "valid")
    x = layers.ReLU(name="stem_relu")(x)
    x = layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    for stage, (n_blocks, halves) in enumerate(STAGES):
        for number in range(n_blocks):
            name = f"stage{stage + 1}_block{number + 1}"
            x = block(x, name, _STAGE_FILTERS[stage], halves and number == 0)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    kernel = {"kernel_initializer": next(initializers), "name": "embedding"}
    x = layers.Dense(_EMBEDDING_SIZE, use_bias=False, **kernel)(x)
    return keras.Model(image, x, name="dlib_resnet29")


def _zero_pad(x, shape):
    """Append zeros at the bottom, the right and the last channel, up to `shape`."""
    missing = [(0, target - size) for target, size in zip(shape, x.shape[1:], strict=True)]
    if all(after == 0 for _, after in missing):
        return x
    return import_keras().ops.pad(x, [(0, 0), *missing])
