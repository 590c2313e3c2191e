# SPDX-License-Identifier: BSD-3-Clause
"""Equations as MathML, which browsers draw themselves: no script and no font is loaded."""

import html

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)

# Bars and braces around a name: no space beside a bar, and braces as high as the letters.
FENCES = {
    '<mo stretchy="false">|</mo>': '<mo stretchy="false" lspace="0" rspace="0">|</mo>',
    "<mo>{</mo>": '<mo stretchy="false">{</mo>',
    "<mo>}</mo>": '<mo stretchy="false">}</mo>',
}


def setup(app):
    """Register the renderer, which is used because no other one is loaded."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def visit_inline(translator, node):
    """Write an equation within a line."""
    translator.body.append(mathml(node, as_block=False))
    raise nodes.SkipNode


def visit_block(translator, node):
    """Write an equation of its own lines."""
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(mathml(node, as_block=True) + "</div>\n")
    raise nodes.SkipNode


def mathml(node, *, as_block):
    """Convert an equation; one that cannot be converted is a warning and is shown as TeX."""
    equation = node.astext().replace(r"\dots", r"\ldots")  # docutils knows only the second
    try:
        markup = tex2mathml(equation, as_block=as_block)
    except MathError as error:
        logger.warning("cannot draw the equation %s: %s", equation, error, location=node)
        return f"<code>{html.escape(equation)}</code>"
    for given, wanted in FENCES.items():
        markup = markup.replace(given, wanted)
    return markup
