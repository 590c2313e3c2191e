# SPDX-License-Identifier: BSD-3-Clause

import ast
import inspect
import sys
import typing
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from public_surface import public_modules, public_names

import skfakespot
from skfakespot._keras import import_keras

PACKAGE = Path(skfakespot.__file__).parent


def module_of(value):
    return getattr(value, "__module__", None) or ""


def is_own(value):
    return module_of(value).startswith("skfakespot")


def public_functions():
    """All public functions and classes' own methods and properties, by name."""
    for module in public_modules():
        for name in public_names(module):
            value = getattr(module, name)
            if inspect.isclass(value):
                yield from own_methods(value)
            elif callable(value):
                yield f"{value.__module__}.{name}", inspect.unwrap(value)


def own_methods(cls):
    special = {"__init__", "__call__", "__len__", "__iter__", "__getitem__"}
    for base in cls.__mro__:
        for name in vars(base) if is_own(base) else ():
            function = function_of(base, name)
            # What a decorator of another package makes, such as set_fit_request, is not our own.
            if (name[0] != "_" or name in special) and is_own(function):
                yield f"{base.__module__}.{base.__qualname__}.{name}", function


def function_of(cls, name):
    member = vars(cls)[name]
    if isinstance(member, property):
        return member.fget
    if isinstance(member, classmethod | staticmethod):
        return member.__func__
    # Also what available_if makes, if it is taken from the class.
    return inspect.unwrap(getattr(cls, name)) if callable(getattr(cls, name)) else None


FUNCTIONS = dict(public_functions())
CLASSES = [
    value
    for module in public_modules()
    for value in (getattr(module, name) for name in public_names(module))
    if inspect.isclass(value)
]


@cache
def imports_for_checkers(module):
    """What a module imports for type checkers only."""
    names = {}
    tree = ast.parse(inspect.getsource(module))
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            block = ast.Module([line for line in node.body if is_import(line)], type_ignores=[])
            exec(
                compile(block, module.__file__, "exec"), {"__package__": package_of(module)}, names
            )
    return names


def is_import(node):
    return isinstance(node, ast.Import | ast.ImportFrom)


def package_of(module):
    return module.__spec__.parent


def test_the_walk_finds_the_public_functions():
    assert {
        "skfakespot.coverage.NeuronCoverageTransformer.fit",
        "skfakespot._perceptron._fitted.FittedPerceptronMixin.model_",
        "skfakespot.missing.SkipMissingClassifier.predict_proba",
        "skfakespot.faces._display.FaceDisplay.from_estimator",
        "skfakespot.robustness._curve.mean_drop",
        "skfakespot.pipeline._make.make_fakespotter",
    } <= FUNCTIONS.keys()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_public_functions_have_all_types(name):
    function = FUNCTIONS[name]
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if list(signature.parameters)[:1] in (["self"], ["cls"]):
        parameters = parameters[1:]
    missing = [each.name for each in parameters if each.annotation is each.empty]
    assert not missing, missing
    assert signature.return_annotation is not signature.empty


def test_all_types_are_defined():
    import_keras()
    for value in (*FUNCTIONS.values(), *CLASSES):
        owners = value.__mro__ if inspect.isclass(value) else [value]
        modules = {each.__module__ for each in owners if is_own(each)}
        names = {}
        for module in modules:
            names |= imports_for_checkers(sys.modules[module])
        hints = typing.get_type_hints(value, localns=names)
        bare = [name for name, hint in hints.items() if hint in (dict, list, tuple, Callable)]
        assert not [name for name in bare if name[0] != "_"], value


def test_checkers_know_the_package_as_typed():
    assert (PACKAGE / "py.typed").is_file()
