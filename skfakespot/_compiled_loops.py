# SPDX-License-Identifier: BSD-3-Clause
"""Loops in Python, compiled by Numba."""

import numba


def compile_loop(function, *, fastmath=False):
    """Compile a function, and keep the code in the package's folder where that is possible."""
    options = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # there is no folder to which compiled code can be written
        return numba.njit(**options)(function)
