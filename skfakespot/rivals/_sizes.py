# SPDX-License-Identifier: BSD-3-Clause
"""The check of a size in pixels."""

from numbers import Integral

from .._sklearn_compat import InvalidParameterError


def check_size(name, size):
    """Refuse what is not a pair (height, width) of integers from 1."""
    is_pair = isinstance(size, tuple | list) and len(size) == 2
    if not is_pair or not all(isinstance(side, Integral) and side >= 1 for side in size):
        raise InvalidParameterError(
            f"{name}={size!r}; accepted are two integers from 1, (height, width) in pixels."
        )
