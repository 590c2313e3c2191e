# SPDX-License-Identifier: BSD-3-Clause
"""What a path that the user gives stands for."""

import glob
import os


def is_pattern(path):
    """Whether a path is a glob pattern rather than a file or folder that exists."""
    return glob.has_magic(os.fspath(path)) and not os.path.lexists(path)
