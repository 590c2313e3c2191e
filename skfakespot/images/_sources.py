# SPDX-License-Identifier: BSD-3-Clause
"""What an element of X is: a path, the content of a file, an array, or made of another image."""

import io
import os

import numpy as np

from .._recipe import Recipe
from ._errors import ImageError
from ._lazy import LazyImage


def is_path(source):
    return isinstance(source, str | os.PathLike)


def is_file_content(source):
    return isinstance(source, bytes | io.BytesIO)


def content_of(source):
    """Return the bytes of a file that is in memory, wherever the position of a BytesIO is."""
    return source if isinstance(source, bytes) else source.getvalue()


def name_of(source):
    """Name in error messages of an image that has a path; None for other images."""
    if isinstance(source, Recipe):
        return source._name(name_of(source.source))
    if isinstance(source, LazyImage):
        return source.name
    return os.fsdecode(source) if is_path(source) else None


def as_array(source, name):
    """Convert an object with `__array__`, such as a tensor, to a NumPy array."""
    try:
        return np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:
        hint = ""
        if hasattr(source, "detach"):
            hint = (
                ". Convert a tensor with tensor.detach().cpu().numpy(), one of bfloat16 after "
                "tensor.float()"
            )
        raise TypeError(
            f"{name} is of type {type(source).__name__}, which NumPy cannot convert to an array "
            f"({error}){hint}"
        ) from error


def root_of(source, name):
    """Return the image that `source` is made of, through any number of recipes."""
    while isinstance(source, Recipe):
        if source._reason_missing() is not None:
            raise ImageError(name, source._reason_missing())
        source = source.source
    return source
