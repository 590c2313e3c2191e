# SPDX-License-Identifier: BSD-3-Clause
"""Links from an estimator's HTML representation to its page of the reference."""

_REFERENCE = "https://skfakespot.readthedocs.io/en/stable/reference/generated/"


class DocumentationLinkMixin:
    """Gives scikit-learn's HTML representation the address of an estimator's documentation."""

    _doc_link_module = "skfakespot"
    _doc_link_template = _REFERENCE + "{estimator}.html"

    def _doc_link_url_param_generator(self):
        from . import __all__ as exported

        name, package = type(self).__name__, type(self).__module__.split("._")[0]
        return {"estimator": f"{'skfakespot' if name in exported else package}.{name}"}
