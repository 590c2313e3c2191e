# SPDX-License-Identifier: BSD-3-Clause
"""The device that the network runs on."""

import re
from contextlib import nullcontext

from .._keras import import_keras

_ACCEPTED = re.compile(r"(cpu|gpu)(:\d+)?")


def device_scope(device):
    """Make a context in which Keras runs on ``"cpu"``, ``"gpu"`` or one of several, ``"gpu:1"``.

    None lets Keras choose. A ValueError says that there is no such device.
    """
    if device is None:
        return nullcontext()
    if not isinstance(device, str) or not _ACCEPTED.fullmatch(device):
        raise ValueError(
            f"device={device!r}; accepted are None, 'cpu', 'gpu', and one of several such as "
            "'gpu:0'."
        )
    keras = import_keras()
    name = device if ":" in device else f"{device}:0"
    present = _list_devices(keras.backend.backend())
    if name not in present:
        raise ValueError(
            f"device={device!r} is not present: Keras' {keras.backend.backend()} backend sees "
            f"{', '.join(present)}. Give one of these, or None."
        )
    return keras.device(name)


def default_device():
    """Kind of device that Keras chooses by itself, "cpu" or "gpu"."""
    several = len(_list_devices(import_keras().backend.backend())) > 1
    return "gpu" if several else "cpu"


def reduces_on_device(reductions, device):
    """Whether outputs are reduced on a device, "cpu" or "gpu:0".

    `reductions` is "host", "device" or "auto". TensorFlow on a CPU shows NumPy its own memory; all
    others would copy the outputs.
    """
    if reductions != "auto":
        return reductions == "device"
    return import_keras().backend.backend() != "tensorflow" or not device.startswith("cpu")


def _list_devices(backend):
    if backend == "tensorflow":
        import tensorflow

        n_gpus = len(tensorflow.config.list_logical_devices("GPU"))
    elif backend == "jax":
        import jax

        n_gpus = sum(device.platform == "gpu" for device in jax.devices())
    else:
        import torch

        n_gpus = torch.cuda.device_count()
    return ["cpu:0", *(f"gpu:{number}" for number in range(n_gpus))]
