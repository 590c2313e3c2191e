# SPDX-License-Identifier: BSD-3-Clause
"""Which engine runs a network: Keras, or OpenVINO on the processor."""

import platform
from importlib.util import find_spec

from .._keras import import_keras
from ..backbones import list_backbones
from ._device import default_device

# On other processors nobody has measured whether OpenVINO is faster.
_MEASURED = ("x86_64", "amd64")


def choose_engine(engine, backbone, device, reductions):
    """Return "keras" or "openvino" for a value of the parameter `engine`.

    With "auto", OpenVINO runs a `backbone` by name where it is installed and has been measured to
    be faster, unless the device shall reduce the outputs (`reductions`). An ImportError or
    ValueError says that "openvino" cannot be had.
    """
    if engine == "auto":
        is_named = isinstance(backbone, str) and backbone in list_backbones()
        is_possible = is_named and reductions != "device"
        return "openvino" if is_possible and _is_faster(device) else "keras"
    if engine == "openvino":
        import_openvino()
        backend = import_keras().backend.backend()
        if backend != "tensorflow":
            raise ValueError(
                f"engine='openvino' takes networks of Keras' TensorFlow backend, but the backend "
                f"is {backend!r}. Set engine='keras', or the environment variable KERAS_BACKEND "
                "to tensorflow."
            )
        if device is not None and not device.startswith("cpu"):
            raise ValueError(
                f"engine='openvino' runs on the processor, but device={device!r}. Set "
                "engine='keras', or device=None."
            )
        if reductions == "device":
            raise ValueError(
                "engine='openvino' shows its outputs to the host, but reductions='device'. Set "
                "engine='keras', or reductions='auto'."
            )
    return engine


def import_openvino():
    """Return the module of OpenVINO; raise ImportError, with the line for pip, if there is none."""
    if not _is_installed():
        raise ImportError(
            "engine='openvino' needs OpenVINO. Install it with: pip install "
            "'skfakespot[openvino]'. Or set engine='keras'; few counts will differ, by 1."
        )
    import openvino

    return openvino


def _is_installed():
    spec = find_spec("openvino")
    # A folder of this name, such as one in the current directory, has no origin.
    return spec is not None and spec.origin is not None


def _is_faster(device):
    return (
        _is_installed()
        and platform.machine().lower() in _MEASURED
        and import_keras().backend.backend() == "tensorflow"
        and (device or default_device()).startswith("cpu")
    )
