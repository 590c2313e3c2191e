"""Sphinx configuration."""

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
numpydoc_show_class_members = False
numpydoc_validation_checks = {"GL07", "GL08", "PR01", "PR02", "PR03", "RT03", "SS06"}
nitpicky = False
