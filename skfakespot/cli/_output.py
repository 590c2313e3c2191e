"""What the commands print."""

import json
import os
import sys
from pathlib import Path

from .._keras import import_keras


def print_json(value):
    """Print a value as one line of JSON."""
    print(json.dumps(value), flush=True)


def print_table(header, rows):
    """Print rows of text in columns that are as wide as they need to be."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    for cells in (header, ["-" * width for width in widths], *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        print(line.rstrip())


def print_reports(reports):
    """Print the eight metrics in both conventions; reports as dict of convention to report."""
    names = reports["standard"]
    rows = [[name, *(f"{report[name]:.3f}" for report in reports.values())] for name in names]
    print_table(["metric", *reports], rows)
    print()
    print(
        "standard: ap and auc from the scores. paper: ap and auc from the labels, fpr and fnr\n"
        "change places, as in Table 2 of the FakeSpotter paper."
    )


def print_audit(audit):
    """Print what file facts tell of the classes: a `FormatAudit`, or why there is none."""
    print()
    if isinstance(audit, str):
        print(f"Audit of the files: {audit}")
        return
    if audit.suspect:
        print("WARNING: these scores are suspect.")
    print(audit)


def start_keras():
    """Import Keras without the build notes that TensorFlow's library writes to stderr."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        import_keras()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
