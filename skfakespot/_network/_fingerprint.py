# SPDX-License-Identifier: BSD-3-Clause
"""What decides on the outputs of a network, as text and as a digest of its weights."""

import hashlib
import json
from types import FunctionType

import numpy as np

from .._keras import import_keras, weights_of
from ..backbones import Preprocessing
from ..backbones._backbone import as_float32

# Raise it whenever the outputs of the same network for the same image would differ, or their sums.
_VERSION = 3
# Settings that say how a layer was made, not what it computes.
_IRRELEVANT = ("name", "trainable", "_initializer", "_regularizer", "_constraint")


def describe_network(backbone, calls):
    """Describe all that decides on a network's outputs apart from its weights, as text.

    The text is the same in every process. None is returned if the layers or the preprocessing hold
    code of the user, which could change without a sign.
    """
    if not (backbone.preprocess is as_float32 or type(backbone.preprocess) is Preprocessing):
        return None
    keras = import_keras()
    layers = []
    for call in calls:
        operation = call.operation
        functions = {
            key: value for key, value in vars(operation).items() if isinstance(value, FunctionType)
        }
        code = [type(operation), *functions.values()]
        if type(operation).__name__ == "Lambda" or not all(map(_is_of_keras, code)):
            return None
        layers.append(
            [
                type(operation).__qualname__,
                _without_irrelevant(operation.get_config()),
                {key: value.__qualname__ for key, value in functions.items()},
                call.arguments,
            ]
        )
    preprocess = "" if backbone.preprocess is as_float32 else repr(backbone.preprocess)
    versions = [_VERSION, keras.backend.backend(), keras.__version__]
    return json.dumps([versions, preprocess, layers], sort_keys=True, default=repr)


def digest_weights(model):
    """Digest the weights of a Keras model, 32 bytes."""
    content = hashlib.sha256()
    for weights in weights_of(model):
        content.update(f"{weights.dtype} {weights.shape} ".encode())
        content.update(np.ascontiguousarray(weights).reshape(-1).view(np.uint8).data)
    return content.digest()


def _is_of_keras(code):
    return code.__module__.partition(".")[0] == "keras"


def _without_irrelevant(config):
    return {key: value for key, value in config.items() if not key.endswith(_IRRELEVANT)}
