# SPDX-License-Identifier: BSD-3-Clause
"""keras-vggface's own code, executed with Keras 3.

keras-vggface 0.6 imports modules that Keras 3 lacks and names layers with "/", which Keras 3
refuses. Here its modules are executed as private copies, with an import function of their own that
returns replacements. `sys.modules`, `keras` and `keras_vggface` stay as they are, so that no other
code is affected and no lock is needed.
"""

import builtins
import importlib.util
import re
from collections import Counter
from functools import partial
from importlib.machinery import PathFinder
from types import SimpleNamespace

from .._keras import import_keras, kernel_initializers
from ._backbone import BackboneError

_PACKAGE = "keras_vggface"
# Allowed in names by every Keras backend, and in no name that keras-vggface gives.
_SEPARATOR = "-"


def load_utils():
    """Execute ``keras_vggface.utils``, which holds the addresses of the weights."""
    return _ImportSandbox().utils


def build_model(architecture, *, include_top, size, random):
    """Let keras-vggface build a network, with random kernels or with zeros, and channels last.

    Also return keras-vggface's name of each layer whose name has "/", under its name in the model.
    """
    layers = _Layers(random=random)
    sandbox = _ImportSandbox(layers, import_keras().Model)
    model = sandbox.vggface.VGGFace(
        include_top=include_top, model=architecture, weights=None, input_shape=(*size, 3)
    )
    return model, layers.original_names


def snake_case(kind):
    """Keras' own spelling of a kind of layer: max_pooling2d for MaxPooling2D."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()


class _ImportSandbox:
    """Private copies of keras-vggface's modules, and the replacements that they import."""

    def __init__(self, layers=None, model=None):
        specification = PathFinder.find_spec(_PACKAGE)
        if specification is None:
            raise BackboneError(
                "The vggface backbones are built by keras-vggface, which is not installed. "
                "Install it with: pip install keras-vggface"
            )
        self._locations = specification.submodule_search_locations
        backend = SimpleNamespace(image_data_format=lambda: "channels_last")
        utils = SimpleNamespace(layer_utils=None)
        self._modules = {
            "keras": SimpleNamespace(backend=backend, layers=layers, utils=utils),
            "keras.layers": layers,
            "keras.models": SimpleNamespace(Model=model),
            "keras.utils": utils,
            "keras.utils.data_utils": SimpleNamespace(get_file=_refuse_download),
            "keras.engine.topology": SimpleNamespace(get_source_inputs=None),
            "keras_applications.imagenet_utils": SimpleNamespace(
                _obtain_input_shape=lambda input_shape, **_: input_shape
            ),
        }
        self.utils = self._execute("utils")
        self._modules[_PACKAGE] = SimpleNamespace(utils=self.utils)

    @property
    def vggface(self):
        return self._execute("vggface")

    def _execute(self, name):
        specification = PathFinder.find_spec(f"{_PACKAGE}.{name}", self._locations)
        module = importlib.util.module_from_spec(specification)
        # An import statement calls the `__import__` in the builtins of its own module.
        module.__builtins__ = {**vars(builtins), "__import__": self._import}
        specification.loader.exec_module(module)
        return module

    def _import(self, name, *arguments, **options):
        if name in self._modules:
            return self._modules[name]
        if name.startswith(f"{_PACKAGE}."):
            return self._execute(name.removeprefix(f"{_PACKAGE}."))
        return builtins.__import__(name, *arguments, **options)


class _Layers:
    """Replacement of ``keras.layers`` that gives Keras' layers names and seeds of its own."""

    def __init__(self, *, random):
        self._initializers = kernel_initializers(random=random)
        self._unnamed = Counter()
        self.original_names = {}

    def __getattr__(self, kind):
        return partial(self._create, kind)

    def _create(self, kind, *arguments, name=None, **options):
        if name is None:
            # Keras' own numbers depend on the layers that the process has built before.
            prefix = snake_case(kind)
            self._unnamed[prefix] += 1
            name = f"{prefix}_{self._unnamed[prefix]}"
        if "/" in name:
            original, name = name, name.replace("/", _SEPARATOR)
            self.original_names[name] = original
        if kind in ("Conv2D", "Dense"):
            options["kernel_initializer"] = next(self._initializers)
        if kind.endswith("2D") or kind == "Flatten":
            options["data_format"] = "channels_last"
        return getattr(import_keras().layers, kind)(*arguments, name=name, **options)


def _refuse_download(*_, **__):
    raise BackboneError("keras-vggface was asked to download weights by itself.")
