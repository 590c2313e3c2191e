# SPDX-License-Identifier: BSD-3-Clause
"""Simple tables of reStructuredText."""


def format_table(header, rows):
    """Write rows of text in columns, each as wide as its longest cell."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    border = " ".join("=" * width for width in widths)
    lines = [
        " ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in (header, *rows)
    ]
    return "\n".join([border, lines[0], border, *lines[1:], border])
