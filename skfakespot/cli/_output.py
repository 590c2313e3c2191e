# SPDX-License-Identifier: BSD-3-Clause
"""What the commands write: JSON, tables and figures."""

import json


def check_folder_exists(file):
    if not file.parent.is_dir():
        raise ValueError(f"{file} cannot be written: there is no folder {file.parent}.")


def print_json(value):
    """Print a value as one line of JSON."""
    print(json.dumps(value), flush=True)


def print_table(header, rows):
    """Print rows of text in columns, each as wide as its longest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    for cells in (header, ["-" * width for width in widths], *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        print(line.rstrip())


def new_figure(command, *, extra):
    """Make a figure for a command; raise ImportError, before its work, without matplotlib."""
    # Not by pyplot, which may need a display.
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f"The command {command} draws with matplotlib. Install it with: "
            f"pip install 'skfakespot[{extra}]'"
        ) from error
    return Figure(layout="constrained")
