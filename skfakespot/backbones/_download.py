# SPDX-License-Identifier: BSD-3-Clause
"""Downloads of files over HTTPS: by one process at a time, and complete or not at all."""

import hashlib
import http.client
import os
import ssl
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock
from platformdirs import user_cache_path

_ATTEMPTS = 5
_CHUNK = 1 << 16


class DownloadError(Exception):
    """A file could not be downloaded; the message is the reason."""


@dataclass(frozen=True)
class RemoteFile:
    """A file to download, its "https://" address, and what is known about its content before.

    `signature` are its first bytes, `sha256` is hexadecimal.
    """

    name: str
    url: str
    size: int | None = None
    sha256: str | None = None
    signature: bytes = b""


def cache_folder():
    """Folder of downloaded weights, in ``SKFAKESPOT_HOME`` or else in the user's cache folder."""
    home = os.environ.get("SKFAKESPOT_HOME")
    home = Path(home).expanduser() if home else user_cache_path("skfakespot", appauthor=False)
    return home / "weights"


def fetch(remote, folder, *, timeout=30.0):
    """Return the path of a file in a folder, after downloading it if it is missing.

    Of several threads and processes only one downloads the file. It gets its name when it is
    complete; a download that fails, is interrupted or is killed leaves no file with that name.
    After `timeout` seconds without a byte, the connection counts as cut.
    """
    path = folder / remote.name
    if path.is_file():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The operating system releases the lock of a process that was killed.
        with FileLock(path.with_name(f"{path.name}.lock")):
            if not path.is_file():
                _fetch(remote, path, timeout)
    except urllib.error.HTTPError as error:
        raise DownloadError(f"the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise DownloadError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(str(error) or type(error).__name__) from error
    return path


def _fetch(remote, path, timeout):
    # A killed process may have left this file. Whoever holds the lock may overwrite it.
    part = path.with_name(f"{path.name}.part")
    try:
        # A named pipe of this name would be waited for.
        part.unlink(missing_ok=True)
        with part.open("x+b") as file:
            _receive(remote, file, timeout)
            _check(remote, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _receive(remote, file, timeout):
    """Write the whole file; after a cut connection, ask for the remaining bytes only."""
    size, version = remote.size, "W/"
    with _progress_bar(remote) as show:
        for _ in range(_ATTEMPTS):
            # Both parts are certain to belong to the same file only if its ETag is strong.
            start = 0 if version.startswith("W/") else file.tell()
            with _open(remote.url, start, version, timeout) as response:
                if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                    start = 0
                size = _total_size(response, start, size)
                file.seek(start)
                file.truncate()
                _copy(response, file, lambda done, size=size: show(done, size))
                version = response.headers.get("ETag", "W/")
            if file.tell() == size:
                return
    raise DownloadError(
        f"the connection was cut {_ATTEMPTS} times, last at {file.tell()} of {size} bytes"
    )


def _total_size(response, start, expected):
    """Size of the whole file, which the server must declare before any byte is read."""
    length = response.headers.get("Content-Length", "")
    if not length.isdecimal():
        raise DownloadError("the server does not declare the size of the file")
    if start:
        content_range = response.headers.get("Content-Range", "")
        if not content_range.startswith(f"bytes {start}-"):
            raise DownloadError(f"the server sent {content_range!r}, not the bytes from {start}")
    size = start + int(length)
    if expected not in (None, size):
        raise DownloadError(f"the server offers {size} bytes instead of {expected}")
    return size


def _copy(response, file, show):
    """Copy until the end, or until the connection is cut."""
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except (TimeoutError, ConnectionError, http.client.IncompleteRead):
            return
        if not chunk:
            return
        file.write(chunk)
        show(file.tell())


def _check(remote, file):
    file.seek(0)
    if file.read(len(remote.signature)) != remote.signature:
        raise DownloadError("the server sent something else than this type of file")
    if remote.sha256 is not None:
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != remote.sha256:
            raise DownloadError(f"its sha256 is {digest} instead of {remote.sha256}")


class _HttpsRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, response, code, message, headers, url):
        _require_https(url)
        return super().redirect_request(request, response, code, message, headers, url)


def _open(url, start, version, timeout):
    _require_https(url)
    https = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    headers = {"User-Agent": "skfakespot"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": version}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    return urllib.request.build_opener(_HttpsRedirects, https).open(request, timeout=timeout)


def _require_https(url):
    if urlsplit(url).scheme != "https":
        raise DownloadError(f"{url} is not on HTTPS")


@contextmanager
def _progress_bar(remote):
    """Yield a function of (bytes received, bytes in total) that draws only on a terminal."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Downloading {remote.name}", total=remote.size)
        yield lambda done, total: progress.update(task, completed=done, total=total)
