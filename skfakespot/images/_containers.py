# SPDX-License-Identifier: BSD-3-Clause
"""The formats of video files, known from their first bytes and from the ends of their names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .._regular_files import open_regular_file

if TYPE_CHECKING:
    from .._typing import FilePath

# Names of the formats, for error messages.
VIDEO_FORMATS = ("MP4", "MOV", "MKV", "WebM", "AVI", "MPEG", "MPEG-TS", "FLV", "Ogg", "WMV")
VIDEO_SUFFIXES = (
    *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
)

_STARTS = (
    b"\x1aE\xdf\xa3",  # Matroska and WebM
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"FLV",
    b"OggS",
    b"0&\xb2u\x8ef\xcf\x11",  # ASF, the format of WMV
)
# The first boxes of MP4 and MOV files. AVIF and HEIC images are files of this kind, too.
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_IMAGE_BRANDS = (b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix", b"heim", b"heis")


def is_video(path: FilePath) -> bool:
    """Whether a file is a video, by the end of its name or by its first bytes.

    .. versionadded:: 0.1

    Parameters
    ----------
    path : str or path-like
        The file. It need not exist if its name ends like that of a video.

    Returns
    -------
    is_video : bool
        False also for a file that cannot be read.

    Examples
    --------
    >>> from skfakespot.images import is_video
    >>> is_video("clip.mp4"), is_video("face.png")
    (True, False)
    """
    if os.fsdecode(path).lower().endswith(VIDEO_SUFFIXES):
        return True
    try:
        with open_regular_file(path, kind="a video") as file:
            return is_video_content(file.read(16))
    except OSError:
        return False


def is_video_content(prefix: bytes) -> bool:
    """Whether a file that begins with these bytes is a video.

    .. versionadded:: 0.1

    Parameters
    ----------
    prefix : bytes
        The first bytes of the file, 12 or more.

    Returns
    -------
    is_video : bool
        Whether they are those of one of the formats `VIDEO_FORMATS`.

    Examples
    --------
    >>> from skfakespot.images import is_video_content
    >>> is_video_content(b"FLV" + bytes(9)), is_video_content(b"GIF89a" + bytes(6))
    (True, False)
    """
    if prefix[4:8] in _BOXES:
        return prefix[8:12] not in _IMAGE_BRANDS
    if prefix[:4] == b"RIFF":
        return prefix[8:12] == b"AVI "
    # The packets of AVCHD, a kind of MPEG-TS, begin with a time of four bytes.
    return prefix.startswith(_STARTS) or _is_packet(prefix[:4]) or _is_packet(prefix[4:8])


def _is_packet(start):
    """Whether the bytes are the header of a packet of MPEG-TS, without an error or encryption."""
    if len(start) < 4 or start[:1] != b"G" or start == b"GIF8":
        return False
    return not start[1] & 0xA0 and not start[3] & 0xC0 and bool(start[3] & 0x30)
