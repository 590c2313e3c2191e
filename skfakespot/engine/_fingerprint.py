"""What makes one network's outputs differ from another's, as a digest."""

import hashlib
import json
from types import FunctionType
from weakref import WeakKeyDictionary

import numpy as np

from .._keras import import_keras, weights_of
from ..backbones import Preprocessing
from ..backbones._backbone import as_float32

# Changes whenever a profile of the same network and image would be another one.
_VERSION = 1
# What says how a layer was made, not what it computes.
_IRRELEVANT = ("name", "trainable", "_initializer", "_regularizer", "_constraint")


def describe_network(backbone, calls):
    """Describe all that decides on a network's outputs, apart from its weights.

    Parameters
    ----------
    backbone : Backbone
        The network.
    calls : list of Call
        All calls of its layers.

    Returns
    -------
    description : str or None
        The same in every process. None where there is code of the user's in the layers or the
        preprocessing, which could change unseen.
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


def digest_weights(backbone, *, may_change):
    """Digest a network's weights.

    Parameters
    ----------
    backbone : Backbone
        The network.
    may_change : bool
        Whether the user holds the network, so that each call must look again.

    Returns
    -------
    digest : bytes
    """
    digest = _known_digests.get(backbone)
    if digest is None or may_change:
        content = hashlib.sha256()
        for weights in weights_of(backbone.model):
            content.update(f"{weights.dtype} {weights.shape} ".encode())
            content.update(np.ascontiguousarray(weights).reshape(-1).view(np.uint8).data)
        digest = _known_digests[backbone] = content.digest()
    return digest


_known_digests = WeakKeyDictionary()


def _is_of_keras(code):
    return code.__module__.partition(".")[0] == "keras"


def _without_irrelevant(config):
    return {key: value for key, value in config.items() if not key.endswith(_IRRELEVANT)}
