"""Video files: what is one, its version, and opening it by one of the readers."""

import os
import stat
from pathlib import Path

from ..images import VIDEO_FORMATS, ImageError, is_video_content
from ._av_reader import AvReader
from ._opencv_reader import OpenCvReader

_READERS = {"av": AvReader, "opencv": OpenCvReader}
_SUFFIXES = (
    *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
)
_PREFIX_SIZE = 16


def decoder_of(reader):
    """Return what decodes, as text; raise ImportError if it is not installed, or ValueError."""
    if reader not in _READERS:
        raise ValueError(f"reader={reader!r}; accepted are 'av' and 'opencv'.")
    return _READERS[reader].decoder()


def is_video(path):
    """Whether a file is a video, by the end of its name or by its first bytes."""
    if os.fsdecode(path).lower().endswith(_SUFFIXES):
        return True
    try:
        return stat.S_ISREG(Path(path).stat().st_mode) and is_video_content(_read_prefix(path))
    except (OSError, ValueError):
        return False


def file_version(path):
    """Return what changes if a file does; raise ImageError if it cannot be a video."""
    try:
        status = os.stat(path)  # noqa: PTH116 - Path("") is the current folder, "" is no file
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(path, "it is a folder, not a video file")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(path, "it is not a regular file")
        if status.st_size == 0:
            raise ImageError(path, "the file is empty (0 bytes); download or copy it again")
        prefix = _read_prefix(path)
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(path, "no such file") from error
    except PermissionError as error:
        raise ImageError(path, "permission denied") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(path, f"the file cannot be opened ({reason})") from error
    # FFmpeg would open other files and addresses that some formats, such as playlists, name.
    if not is_video_content(prefix):
        raise ImageError(
            path, f"it is not a video of a format that is read ({', '.join(VIDEO_FORMATS)})"
        )
    return (path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def open_video(path, reader):
    """Open a video file; see `AvReader`."""
    return _READERS[reader](path, file_version(path))


def _read_prefix(path):
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read(_PREFIX_SIZE)
