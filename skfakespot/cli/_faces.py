"""Faces of the command line: groups from a file, the split, the audit of the files."""

import csv
import warnings
from pathlib import Path

import numpy as np

from ..datasets import SuspectDataWarning, format_audit
from ..images import ImageError


def read_groups(file, paths):
    """Read the group of each path from a CSV file of lines PATH,GROUP; None without a file."""
    if file is None:
        return None
    group_of = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for number, line in enumerate(csv.reader(lines), start=1):
            if len(line) != 2:
                raise ValueError(f"{file}, line {number}: {line} is not PATH,GROUP.")
            group_of[(file.parent / line[0]).resolve()] = line[1]
    groups = [group_of.get(Path(path).resolve()) for path in paths]
    missing = [path for path, group in zip(paths, groups, strict=True) if group is None]
    if missing:
        raise ValueError(
            f"{file} gives no group for {len(missing)} of {len(paths)} images, the first of them "
            f"{missing[0]}. Relative paths start at {file.parent.resolve()}."
        )
    return np.array(groups)


def split_faces(faces, groups, options):
    """Return the rows to train and to test on, as the options say; no group is on both sides."""
    from sklearn.model_selection import StratifiedGroupKFold, train_test_split

    rows = np.arange(len(faces.target))
    if groups is None:
        return train_test_split(
            rows,
            test_size=options.test_size,
            stratify=faces.target,
            random_state=options.seed,
        )
    n_folds = max(2, round(1 / options.test_size))
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=options.seed)
    return next(folds.split(rows, faces.target, groups))


def audit_faces(faces, groups):
    """Return the audit of the files, or a text that says why it is not possible."""
    try:
        with warnings.catch_warnings():
            # The audit is printed with the metrics, so the warning would repeat it.
            warnings.simplefilter("ignore", SuspectDataWarning)
            return format_audit(faces.data, faces.target, groups=groups)
    except ImageError:
        raise
    except ValueError as error:
        return f"not possible: {error}"
