# SPDX-License-Identifier: BSD-3-Clause
"""Which engine runs a network: Keras, or OpenVINO on the processor."""

import platform
from importlib.util import find_spec

from .._keras import import_keras
from ._device import default_device

# Where OpenVINO was faster than Keras in benchmarks/engines.py; with vggface-resnet50 it was not.
_FASTER_BACKBONES = ("dlib-resnet29",)
_FASTER_PROCESSORS = ("x86_64", "amd64")


def choose_engine(engine, backbone, device, reductions):
    """Return "keras" or "openvino" for a value of the parameter `engine`.

    With "auto", OpenVINO runs a `backbone` where it is installed and has been measured to be
    faster, unless the device shall reduce the outputs (`reductions`). An ImportError or ValueError
    says that "openvino" cannot be had.
    """
    if engine == "auto":
        is_faster = isinstance(backbone, str) and backbone in _FASTER_BACKBONES
        is_possible = reductions != "device" and _is_possible(device)
        return "openvino" if is_faster and is_possible else "keras"
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


def _is_possible(device):
    return (
        _is_installed()
        and platform.machine().lower() in _FASTER_PROCESSORS
        and import_keras().backend.backend() == "tensorflow"
        and (device or default_device()).startswith("cpu")
    )
