# SPDX-License-Identifier: BSD-3-Clause
"""The public modules of the package, and their public names."""

from importlib import import_module
from pkgutil import walk_packages

import skfakespot


def public_modules():
    yield skfakespot
    for module in walk_packages(skfakespot.__path__, "skfakespot."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            yield import_module(module.name)


def public_names(module):
    """The names in `__all__` or, without it, of what the module defines."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [
        name
        for name, value in vars(module).items()
        if name[0] != "_" and getattr(value, "__module__", None) == module.__name__
    ]
