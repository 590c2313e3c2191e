# SPDX-License-Identifier: BSD-3-Clause
"""Digests of the content of one image, 16 bytes each."""

import hashlib

import numpy as np


def digest_content(content):
    """Digest the bytes of a file."""
    return hashlib.sha256(content).digest()[:16]


def digest_array(array):
    """Digest pixels, with their dtype and shape."""
    digest = hashlib.sha256(f"array {array.dtype.str} {array.shape} ".encode())
    digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.digest()[:16]


def digest_recipe(digest_of_source, recipe):
    """Digest what a `Recipe` makes of its source; its identity must be known."""
    return hashlib.sha256(digest_of_source + recipe._identity().encode()).digest()[:16]
