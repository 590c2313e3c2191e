# SPDX-License-Identifier: BSD-3-Clause
"""Opening files of unknown origin: regular files only, so that no pipe or device is waited for."""

import csv
import io
import os
import stat


class UnreadableFileError(OSError):
    """Why the file `path` cannot be opened, as the end of a sentence: ``str(error)``."""

    path = None


class FileTooLargeError(UnreadableFileError):
    """A file has more bytes than are accepted."""


def read_regular_file(path, *, kind, max_bytes):
    """Read the bytes of a file, which may be empty; see `open_regular_file`."""
    with open_regular_file(path, kind=kind, max_bytes=max_bytes, may_be_empty=True) as file:
        return file.read(max_bytes)


def read_text_file(path, *, kind, max_bytes=2**26):
    """Read a text in UTF-8, see `open_regular_file`; raise ValueError, which names the file."""
    try:
        return read_regular_file(path, kind=kind, max_bytes=max_bytes).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as {kind} file: {error}.") from error


def read_csv_rows(path):
    """List the rows, lists of text, of a CSV file; see `read_text_file`."""
    text = read_text_file(path, kind="a CSV")
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise ValueError(f"{path} is not a CSV file: {error}.") from error


def open_regular_file(path, *, kind, max_bytes=None, may_be_empty=False):
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
    may_be_empty : bool, default=False
        Whether a file of 0 bytes is accepted.

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
        return _open_checked(path, kind, max_bytes, may_be_empty)
    except UnreadableFileError as error:
        error.path = path
        raise


def _open_checked(path, kind, max_bytes, may_be_empty):
    try:
        _check_status(os.stat(path), kind, max_bytes, may_be_empty)  # noqa: PTH116 - Path("") is a folder
        # What the path names may have changed meanwhile.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags), "rb")
    except FileNotFoundError as error:
        raise UnreadableFileError("no such file") from error
    except PermissionError as error:
        raise UnreadableFileError("permission denied") from error
    except UnreadableFileError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"the file cannot be opened ({reason})") from error
    try:
        _check_status(os.fstat(file.fileno()), kind, max_bytes, may_be_empty)
    except UnreadableFileError:
        file.close()
        raise
    return file


def _check_status(status, kind, max_bytes, may_be_empty):
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFileError(f"it is a folder, not {kind} file")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError("it is not a regular file")
    if status.st_size == 0 and not may_be_empty:
        raise UnreadableFileError("the file is empty (0 bytes)")
    if max_bytes is not None and status.st_size > max_bytes:
        raise FileTooLargeError(
            f"it has {status.st_size:,} bytes, and {kind} file has no more than {max_bytes:,} bytes"
        )
