# SPDX-License-Identifier: BSD-3-Clause
"""Sphinx configuration."""

import os
import sys
import tomllib
from pathlib import Path

import skfakespot

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_extensions"))
# TensorFlow's notes would stand in the output of the examples, and those of their processes.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from inventories import TYPES, make_inventories  # noqa: E402

PYPROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
ON_READ_THE_DOCS = os.environ.get("READTHEDOCS_CANONICAL_URL")
# Only these two know where the repository is published.
REPOSITORY = PROJECT["urls"].get("Repository", os.environ.get("READTHEDOCS_GIT_CLONE_URL", ""))

project = "skfakespot"
author = copyright = "The skfakespot developers"
release = version = skfakespot.__version__

extensions = [
    "numpydoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinx_llms_txt",
    "sphinxext.opengraph",
    "mathml",
]
exclude_patterns = ["_build", "examples", "gallery/*.ipynb", "gallery/*.py"]
templates_path = ["_templates"]
nitpicky = False

html_theme = "pydata_sphinx_theme"
html_title = "skfakespot"
html_baseurl = ON_READ_THE_DOCS or PROJECT["urls"]["Documentation"]
html_static_path = ["_static"]
html_css_files = ["skfakespot.css"]
html_theme_options = {
    "header_links_before_dropdown": 5,
    "logo": {"text": "skfakespot"},
    "navbar_start": ["navbar-logo", "version"],
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc", "sourcelink"],
    "show_prev_next": False,
    "show_toc_level": 2,
}
if REPOSITORY.startswith("https://"):
    html_theme_options["icon_links"] = [
        {
            "name": "Repository",
            "url": REPOSITORY.removesuffix(".git"),
            "icon": "fa-solid fa-code-branch",
        }
    ]
html_sidebars = {"index": [], "install": [], "**": ["sidebar-nav-bs"]}
html_show_sourcelink = False

autosummary_generate = True
autodoc_typehints = "none"  # the parameters are documented with their types
toc_object_entries_show_parents = "hide"
# A long signature has a line for each parameter.
python_maximum_signature_line_length = 70
numpydoc_show_class_members = False
numpydoc_validation_checks = set(PYPROJECT["tool"]["numpydoc_validation"]["checks"])
numpydoc_xref_param_type = True
numpydoc_xref_aliases = TYPES
numpydoc_xref_ignore = "all"

intersphinx_mapping = make_inventories(DOCS / "_build" / "inventories")

copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

ogp_site_url = html_baseurl
ogp_social_cards = {"enable": False}

llms_txt_summary = PROJECT["description"]
llms_txt_exclude = ["reference/generated/*"]

sphinx_gallery_conf = {
    "backreferences_dir": "gallery/backreferences",
    "capture_repr": ("_repr_html_",),
    "doc_module": ("skfakespot",),
    "download_all_examples": False,
    "examples_dirs": "examples",
    "filename_pattern": "/plot_",
    "gallery_dirs": "gallery",
    "ignore_pattern": r"(^|/)(?!plot_)\w+\.py$",
    "image_scrapers": ("matplotlib",),
    "reference_url": {"skfakespot": None},
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,
    "within_subsection_order": "gallery_order.GalleryOrder",
}


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
