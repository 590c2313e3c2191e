# SPDX-License-Identifier: BSD-3-Clause
"""Video files: their version, and opening them by one of the readers."""

import os

from .._regular_files import open_regular_file
from ..images import VIDEO_FORMATS, ImageError, is_video_content
from ._av_reader import AvReader
from ._opencv_reader import OpenCvReader

_READERS = {"av": AvReader, "opencv": OpenCvReader}


def decoder_of(reader):
    """Return what decodes, as text; raise ImportError if it is not installed, or ValueError."""
    if reader not in _READERS:
        raise ValueError(f"reader={reader!r}; accepted are 'av' and 'opencv'.")
    return _READERS[reader].decoder()


def file_version(path):
    """Return what changes if a file does; raise ImageError if it cannot be a video."""
    try:
        with open_regular_file(path, kind="a video") as file:
            status, prefix = os.fstat(file.fileno()), file.read(16)
    except OSError as error:
        raise ImageError(path, str(error)) from error
    # FFmpeg would open other files and addresses that some formats, such as playlists, name.
    if not is_video_content(prefix):
        raise ImageError(
            path, f"it is not a video of a format that is read ({', '.join(VIDEO_FORMATS)})"
        )
    return (path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def open_video(path, reader):
    """Open a video file; see `AvReader`."""
    return _READERS[reader](path, file_version(path))
