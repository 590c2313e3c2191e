# SPDX-License-Identifier: BSD-3-Clause
"""``python -m skfakespot``."""

import sys

from .cli import run_program

if __name__ == "__main__":
    sys.exit(run_program())
