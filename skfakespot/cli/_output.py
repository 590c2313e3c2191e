"""Output of the commands: text, JSON and pictures."""

import json
import os
import sys
from pathlib import Path

from .._keras import import_keras


def print_json(value):
    """Print a value as one line of JSON."""
    print(json.dumps(value), flush=True)


def print_table(header, rows):
    """Print rows of text in columns, each as wide as its longest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    for cells in (header, ["-" * width for width in widths], *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        print(line.rstrip())


def print_reports(reports):
    """Print the eight metrics in both conventions, from a dict of convention to report."""
    names = reports["standard"]
    rows = [[name, *(f"{report[name]:.3f}" for report in reports.values())] for name in names]
    print_table(["metric", *reports], rows)
    print()
    print(
        "standard: ap and auc from the scores. paper: ap and auc from the labels, fpr and fnr\n"
        "change places, as in Table 2 of the FakeSpotter paper."
    )


def print_audit(audit):
    """Print a `FormatAudit`, or the text that says why it is not possible."""
    print()
    if isinstance(audit, str):
        print(f"Audit of the files: {audit}")
        return
    if audit.suspect:
        print("WARNING: these scores are suspect.")
    print(audit)


def check_parent_exists(file):
    """Raise ValueError if the folder that a file will be written to does not exist."""
    if not file.parent.is_dir():
        raise ValueError(f"{file} cannot be written: there is no folder {file.parent}.")


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


def start_keras():
    """Import Keras without the messages that TensorFlow's library writes to stderr."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        import_keras()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
