# SPDX-License-Identifier: BSD-3-Clause
"""The segments of a JPEG file, counted before it is decoded."""

import re

from ._errors import BombError

# A scan costs a pass over the image. Cameras make one, encoders of progressive files about ten.
_MAX_SCANS = 100
_MAX_SCANS_TIMES_PIXELS = 1_500_000_000
_MAX_SEGMENTS = 20_000
# A segment takes 4 bytes, and a scan 10: up to this length, a file has fewer segments.
SHORT_BYTES = 4 * _MAX_SEGMENTS

_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_FRAMES = (*_PROGRESSIVE, 0xC0, 0xC1, 0xC3, 0xC5, 0xC7, 0xC9, 0xCB, 0xCD, 0xCF)
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
_SCAN, _END = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff+[^\x00\xff]")
# Among the pixels, restart markers are no segments.
_MARKER_AFTER_PIXELS = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")


def may_take_long(content, width, height):
    """Whether a file of this length may hold too many scans of so many pixels."""
    return width * height * (len(content) // 10) > _MAX_SCANS_TIMES_PIXELS // 10


def check_segments(content):
    """Count the scans and segments of a JPEG file; raise `BombError` if they are too many.

    Returns
    -------
    has_several_scans : bool
        Whether the whole file is decoded before the first pixel is known, in buffers of their own.
    """
    n_scans, n_pixels, n_channels, is_progressive = 0, 0, 0, False
    pattern, place = _MARKER, 2
    for _ in range(_MAX_SEGMENTS):
        found = pattern.search(content, place)
        marker = _END if found is None else content[found.end() - 1]
        if marker == _END:
            return n_scans > 1
        place, pattern = found.end(), _MARKER
        if marker in _WITHOUT_LENGTH:
            continue
        data = content[place : place + 8]
        if marker in _FRAMES and len(data) == 8:
            height, width = int.from_bytes(data[3:5], "big"), int.from_bytes(data[5:7], "big")
            n_pixels, n_channels, is_progressive = width * height, data[7], marker in _PROGRESSIVE
        if marker == _SCAN:
            if n_scans == 0 and not is_progressive and data[2:3] == bytes([n_channels]):
                return False  # the decoder stops after this scan
            n_scans, pattern = n_scans + 1, _MARKER_AFTER_PIXELS
            if n_scans > _MAX_SCANS or n_scans * n_pixels > _MAX_SCANS_TIMES_PIXELS:
                raise BombError(f"it has {n_scans} or more scans of {n_pixels} pixels each")
        place += max(2, int.from_bytes(data[:2], "big"))
    raise BombError(f"it has more than {_MAX_SEGMENTS} segments")
