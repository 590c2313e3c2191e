# SPDX-License-Identifier: BSD-3-Clause
"""Keras, imported when it is first needed."""

import gc
import itertools
import os
import random
import sys
import threading
from contextlib import contextmanager, nullcontext

import numpy as np

from ._forks import check_not_forked
from ._stderr import without_tensorflow_notes

_importing = threading.RLock()


def import_keras():
    """Import Keras, which takes seconds, on first use; the ImportError says how to install it.

    A RuntimeError says that Keras cannot run in this process; see `check_not_forked`.
    """
    if "keras" not in sys.modules:
        with _importing:
            _import_quietly()
    import keras

    check_not_forked(keras.backend.backend())
    return keras


def _import_quietly():
    """Import Keras without TensorFlow's notes, and without the garbage collector.

    The collector would look through a million new objects again and again, for half a second.
    """
    # By default, TensorFlow uses oneDNN on some processors only. Without it, the outputs of an
    # image may depend on its batch.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    level, collects = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3"), gc.isenabled()
    gc.disable()
    try:
        with nullcontext() if level == "0" else without_tensorflow_notes():
            import keras  # noqa: F401
    except ImportError as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise ImportError(
            f"Keras with its {backend!r} backend could not be imported ({error}). "
            f"Install it with: pip install keras {backend}"
        ) from error
    finally:
        if collects:
            gc.enable()


def weights_of(model):
    """Weights of a Keras model, list of ndarray, in the order of `set_weights`."""
    return [as_array(variable.value) for variable in model.weights]


def as_array(tensor):
    """Turn a tensor of Keras' backend into an ndarray, without the warnings of Keras' own way."""
    if import_keras().backend.backend() == "torch":
        tensor = tensor.detach().cpu()
    return np.asarray(tensor)


def kernel_initializers(*, random):
    """Initializers of kernels without end: zeros, or random and each with its own seed."""
    if not random:
        return itertools.repeat("zeros")
    # An initializer without a seed draws one from Python's global random state.
    return map(import_keras().initializers.GlorotUniform, itertools.count(1))


@contextmanager
def keep_global_random_state():
    """Undo what Keras does to Python's global random state when it draws seeds for layers."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
