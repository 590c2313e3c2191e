"""Opening files of unknown origin: regular files only, so that no pipe or device is waited for."""

import os
import stat


class UnreadableFileError(Exception):
    """Why a file cannot be opened, as the end of a sentence: ``str(error)``."""


def open_regular_file(path, *, kind, max_bytes=None):
    """Open a file to read its bytes, after checks that it is a regular file and not empty.

    Symbolic links are followed; what they lead to is checked. A named pipe, a socket, a device and
    a folder are refused without being opened, because reading them may never end.

    Parameters
    ----------
    path : str or os.PathLike
    kind : str
        What the file should be, for messages: "an image", say.
    max_bytes : None or int
        The largest size that is accepted.

    Returns
    -------
    file : io.BufferedReader
        At the start of the file; close it.

    Raises
    ------
    UnreadableFileError
        If it cannot be opened.
    """
    try:
        _check_status(os.stat(path), kind, max_bytes)  # noqa: PTH116 - Path("") is a folder
        # What the path names may have changed meanwhile.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags), "rb")
    except FileNotFoundError as error:
        raise UnreadableFileError("no such file") from error
    except PermissionError as error:
        raise UnreadableFileError("permission denied") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"the file cannot be opened ({reason})") from error
    try:
        _check_status(os.fstat(file.fileno()), kind, max_bytes)
    except UnreadableFileError:
        file.close()
        raise
    return file


def _check_status(status, kind, max_bytes):
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFileError(f"it is a folder, not {kind} file")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError("it is not a regular file")
    if status.st_size == 0:
        raise UnreadableFileError("the file is empty (0 bytes)")
    if max_bytes is not None and status.st_size > max_bytes:
        raise UnreadableFileError(
            f"it has {status.st_size} bytes, more than the {max_bytes} that are accepted of "
            f"{kind} file"
        )
