# SPDX-License-Identifier: BSD-3-Clause
"""Sphinx configuration."""

import tomllib
from pathlib import Path

import skfakespot

project = "skfakespot"
author = copyright = "The skfakespot developers"
release = version = skfakespot.__version__

extensions = ["numpydoc", "sphinx.ext.autosummary", "sphinx.ext.doctest"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "skfakespot"
html_theme_options = {"show_prev_next": False, "navigation_with_keys": False}
html_sidebars = {"*": []}

autosummary_generate = True
autodoc_typehints = "none"  # the parameters are documented with their types
numpydoc_show_class_members = False
settings = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
numpydoc_validation_checks = set(settings["tool"]["numpydoc_validation"]["checks"])
nitpicky = False


def setup(app):
    app.connect("autodoc-skip-member", skip_members_documented_elsewhere)


def skip_members_documented_elsewhere(app, what, name, member, skip, options):  # noqa: ARG001
    """Leave out of a class what it inherits from other packages, and the fields of a named tuple.

    Other packages document their members themselves, and the fields are documented as parameters.
    """
    if (getattr(member, "__doc__", None) or "").startswith("Alias for field number"):
        return True
    member = getattr(member, "fget", member)
    owner = getattr(member, "__objclass__", member)
    return skip or not (getattr(owner, "__module__", None) or project).startswith(project)
