# SPDX-License-Identifier: BSD-3-Clause
"""Every public docstring is complete: numpydoc's checks, the version, the errors and an example."""

import ast
import inspect
import re
import textwrap
import tomllib
from pathlib import Path

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import ERROR_MSGS, validate
from public_surface import public_modules, public_names

# Its interface is the command line, whose help is tested with the commands.
NO_API = {"skfakespot.cli"}
# The example of the class shows the methods whose meaning a base class defines: those of
# scikit-learn's estimators, splitters and displays, those of LazyImage, and all set_..._request.
SHOWN_BY_THE_CLASS = re.compile(
    r"(partial_)?fit|transform|fit_transform|fit_resample|predict|predict_proba|decision_function"
    r"|score|get_feature_names_out|get_metadata_routing|set_\w+_request|split|get_n_splits"
    r"|plot|from_\w+|load|digest|header"
)


def public_objects():
    """The public classes and functions, each once, by their full names."""
    names = {}
    for module in public_modules():
        for name in public_names(module) if module.__name__ not in NO_API else ():
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isroutine(value):
                names.setdefault(value, f"{module.__name__}.{name}")
    return {name: value for value, name in names.items()}


def members(owner):
    """The public methods and properties of a class that this package defines."""
    for name in sorted(set(dir(owner)) - set(getattr(owner, "__dataclass_fields__", ()))):
        definer = next(base for base in owner.__mro__ if name in vars(base))
        value = inspect.getattr_static(owner, name)
        is_member = inspect.isroutine(value) or isinstance(value, property)
        if name[0] != "_" and is_member and definer.__module__.startswith("skfakespot"):
            yield name, value


OBJECTS = public_objects()
MEMBERS = {
    f"{name}.{member}": value
    for name, owner in OBJECTS.items()
    if inspect.isclass(owner)
    for member, value in members(owner)
}


def function_of(value):
    value = getattr(value, "fget", getattr(value, "__func__", value))
    return inspect.unwrap(value)


def sections(value):
    return get_doc_object(function_of(value))


@pytest.fixture(scope="module")
def checks():
    """The checks of numpydoc that pyproject.toml sets: "all" and those left out."""
    settings = Path(__file__).parents[1] / "pyproject.toml"
    settings = tomllib.loads(settings.read_text("utf-8"))["tool"]["numpydoc_validation"]["checks"]
    assert settings[0] == "all"
    return set(ERROR_MSGS) - set(settings)


def test_all_public_names_are_found():
    assert len(OBJECTS) > 120
    assert "skfakespot.metrics.equal_error_rate" in OBJECTS
    assert "skfakespot.preprocessing.BlockwiseStandardScaler" in OBJECTS
    assert "skfakespot.NeuronCoverageTransformer.partial_fit" in MEMBERS


def test_docstrings_pass_the_checks_of_numpydoc(checks):
    errors = [
        f"{name}: {code} {message}"
        for name in (*OBJECTS, *MEMBERS)
        for code, message in validate(name)["errors"]
        if code in checks
    ]
    assert errors == []


def test_docstrings_have_an_example():
    shown = {
        name
        for name, value in MEMBERS.items()
        if isinstance(value, property) or SHOWN_BY_THE_CLASS.fullmatch(name.rpartition(".")[2])
    }
    without = [
        name
        for name, value in {**OBJECTS, **MEMBERS}.items()
        if name not in shown and not any(">>> " in line for line in sections(value)["Examples"])
    ]
    assert without == []


def test_docstrings_of_names_say_in_which_version_they_were_added():
    without = [
        name
        for name, value in OBJECTS.items()
        if not re.search(r"^\.\. versionadded:: \d+\.\d+$", inspect.getdoc(value), re.MULTILINE)
    ]
    assert without == []


def raises(value):
    """Whether the body of a function, or of a class's initialiser, raises an error."""
    bodies = [value]
    if inspect.isclass(value):
        bodies = [vars(value).get(name) for name in ("__init__", "__post_init__")]
    bodies = [function_of(body) for body in bodies if body is not None]
    return any(
        isinstance(node, ast.Raise)
        for body in bodies
        # The initialiser of a data class has no source.
        if Path(body.__code__.co_filename).is_file()
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(body))))
    )


def test_docstrings_name_the_errors():
    without = [
        name
        for name, value in {**OBJECTS, **MEMBERS}.items()
        if (inspect.isclass(value) or hasattr(function_of(value), "__code__"))
        and raises(value)
        and not sections(value)["Raises"]
    ]
    assert without == []
