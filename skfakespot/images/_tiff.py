# SPDX-License-Identifier: BSD-3-Clause
"""The directory of a TIFF file, looked at before Pillow reads it."""

import struct

from ._errors import BombError

# The places of strips and tiles, mostly. Pillow makes Python objects of them.
_MAX_NUMBERS = 300_000
_TYPES_KEPT_AS_BYTES = (1, 2, 6, 7)
# Values of a well-formed file do not overlap. Pillow copies each, so many that overlap take long.
_MAX_BYTES_PER_FILE_BYTE = 2


def check_directory(content):
    """Raise `BombError` if the tags of a TIFF file hold too many numbers or bytes."""
    order = "<" if content[:2] == b"II" else ">"
    is_big = content[2:3] == b"\x2b" or content[3:4] == b"\x2b"
    offset, n_tags, tag = ("Q", "Q", "2xHQ8x") if is_big else ("I", "H", "2xHI4x")
    try:
        (place,) = struct.unpack_from(order + offset, content, 8 if is_big else 4)
        (count,) = struct.unpack_from(order + n_tags, content, place)
        start = place + struct.calcsize(order + n_tags)
        end = start + count * struct.calcsize(order + tag)
        tags = list(struct.iter_unpack(order + tag, content[start:end]))
    except (struct.error, OverflowError):
        return  # Pillow says what is wrong
    n_numbers = sum(count for kind, count in tags if kind not in _TYPES_KEPT_AS_BYTES)
    if n_numbers > _MAX_NUMBERS:
        raise BombError(f"its tags hold {n_numbers} numbers, more than {_MAX_NUMBERS}")
    # Pillow leaves out a value that is longer than the file.
    lengths = (count for kind, count in tags if kind in _TYPES_KEPT_AS_BYTES)
    n_bytes = sum(length for length in lengths if length <= len(content))
    if n_bytes > _MAX_BYTES_PER_FILE_BYTE * len(content):
        raise BombError(f"its tags hold {n_bytes} bytes, and the file has {len(content)}")
