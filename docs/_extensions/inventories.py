# SPDX-License-Identifier: BSD-3-Clause
"""Inventories of other projects' documentation, made from the names that this one mentions.

intersphinx would fetch the complete inventories, so a build without a network would have no links.
The addresses follow rules that have been the same for years, so the few entries that are needed
are written here.
"""

import builtins
import inspect
import re
import zlib
from importlib import import_module
from pathlib import Path

DOCS = Path(__file__).parents[1]
PACKAGE = DOCS.parent / "skfakespot"

SITES = {
    "imblearn": "https://imbalanced-learn.org/stable/",
    "joblib": "https://joblib.readthedocs.io/en/stable/",
    "keras": "https://keras.io/",
    "matplotlib": "https://matplotlib.org/stable/",
    "numpy": "https://numpy.org/doc/stable/",
    "pandas": "https://pandas.pydata.org/docs/",
    "PIL": "https://pillow.readthedocs.io/en/stable/",
    "polars": "https://docs.pola.rs/api/python/stable/",
    "python": "https://docs.python.org/3/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "sklearn": "https://scikit-learn.org/stable/",
}

# A page of its own for each class and function, as sphinx.ext.autosummary makes them.
PAGES = {
    "imblearn": "references/generated/{name}.html#{name}",
    "joblib": "generated/{name}.html#{name}",
    "matplotlib": "api/_as_gen/{name}.html#{name}",
    "numpy": "reference/generated/{name}.html#{name}",
    "pandas": "reference/api/{name}.html#{name}",
    "PIL": "reference/{module}.html#{name}",
    "python": "library/{module}.html#{name}",
    "scipy": "reference/generated/{name}.html#{name}",
    "sklearn": "modules/generated/{name}.html#{name}",
}

# Names whose address does not follow the rule of their project.
OTHER_PAGES = {
    "keras.Model": "api/models/model/#model-class",
    "keras.Model.export": "api/models/model_saving_apis/export/",
    "keras.Sequential": "api/models/sequential/#sequential-class",
    "matplotlib.use": "api/matplotlib_configuration_api.html#matplotlib.use",
    "numpy.random.Generator": "reference/random/generator.html#numpy.random.Generator",
    "numpy.random.RandomState": "reference/random/legacy.html#numpy.random.RandomState",
    "polars.DataFrame": "reference/dataframe/index.html",
}

# Types of parameters, which numpydoc links by these names.
TYPES = {
    "Axes": "matplotlib.axes.Axes",
    "Bunch": "sklearn.utils.Bunch",
    "DataFrame": "pandas.DataFrame",
    "Figure": "matplotlib.figure.Figure",
    "Memory": "joblib.Memory",
    "ndarray": "numpy.ndarray",
    "Path": "pathlib.Path",
    "RandomState": "numpy.random.RandomState",
    "Series": "pandas.Series",
}

# Terms and sections that numpydoc links in the types of parameters.
TERMS = {
    "numpy": ["array_like std:term 1 glossary.html#term-array_like -"],
    "python": [
        "bltin-boolean-values std:label -1 library/stdtypes.html#bltin-boolean-values bool",
        "callable py:function 1 library/functions.html#callable -",
        "iterable std:term 1 glossary.html#term-iterable -",
        "sequence std:term 1 glossary.html#term-sequence -",
        *(
            f"{name} py:data 1 library/constants.html#{name} -"
            for name in ("False", "None", "True")
        ),
    ],
}

STANDARD_LIBRARY = ("io", "logging", "multiprocessing", "os", "pathlib")
BUILTIN_TYPES = {"bytearray", "bytes", "dict", "list", "memoryview", "set", "str", "tuple"}


def make_inventories(folder):
    """Write the inventories into a folder, and return the value of intersphinx_mapping."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {project: list(TERMS.get(project, [])) for project in SITES}
    entries["python"] += builtin_entries()
    for name in sorted(mentioned_names() | set(TYPES.values()) | set(OTHER_PAGES)):
        root = name.partition(".")[0]
        project = root if root in SITES else "python"
        entry = inventory_entry(name, project)
        if entry is not None:
            entries[project].append(entry)
    mapping = {}
    for project, lines in entries.items():
        file = folder / f"{project}.inv"
        write_inventory(file, project, lines)
        mapping[project] = (SITES[project], str(file))
    return mapping


def mentioned_names():
    """Find the public dotted names that the pages, docstrings and examples mention or import."""
    roots = "|".join([*(set(SITES) - {"python"}), *STANDARD_LIBRARY])
    names = set()
    for file in [*DOCS.glob("*.rst"), *DOCS.glob("examples/*.py"), *PACKAGE.rglob("*.py")]:
        text = file.read_text(encoding="utf-8")
        if file.is_relative_to(PACKAGE):  # What the package imports is no matter of its docstrings.
            text = re.sub(r"(?m)^ *(?:from|import) .*", "", text)
        names.update(re.findall(rf"\b(?:{roots})(?:\.\w+)+", text))
        for module, imported in re.findall(rf"from ((?:{roots})[\w.]*) import \(?([\w\s,]+)", text):
            names.update(f"{module}.{name}" for name in re.findall(r"\w+", imported))
    return {name for name in names if "._" not in name}


def inventory_entry(name, project):
    """Make the line of one name; a name that is no class or function of the project has none."""
    if name in OTHER_PAGES:
        role = "class" if name.rpartition(".")[2][0].isupper() else "method"
        return f"{name} py:{role} 1 {OTHER_PAGES[name]} -"
    if project not in PAGES:
        return None
    found, module = locate(name)
    if found is None:
        return None
    role = "class" if inspect.isclass(found) else "function"
    return f"{name} py:{role} 1 {PAGES[project].format(module=module, name=name)} -"


def locate(name):
    """Find a class or function, and the last part of the name of its module."""
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError:
        found = None
    return (found if callable(found) else None), module.rpartition(".")[2]


def builtin_entries():
    """Make the lines of Python's own types and exceptions."""
    entries = []
    for name, value in vars(builtins).items():
        if inspect.isclass(value) and not name.startswith("_"):
            exception = issubclass(value, BaseException)
            page = "stdtypes" if name in BUILTIN_TYPES else "functions"
            page = "exceptions" if exception else page
            role = "exception" if exception else "class"
            entries.append(f"{name} py:{role} 1 library/{name}.html#{name} -")
    return entries


def write_inventory(file, project, entries):
    """Write a file in version 2 of Sphinx' format."""
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
    note = "# The remainder of this file is compressed using zlib.\n"
    body = "".join(f"{entry}\n" for entry in entries)
    file.write_bytes((head + note).encode() + zlib.compress(body.encode()))
