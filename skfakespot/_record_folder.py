"""Records on disk: files of many records, each written once and checked when read."""

import hashlib
import os
import re
import struct
import threading
import time
import uuid
import warnings
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ._cache import BoundedCache
from ._regular_files import UnreadableFileError, open_regular_file

# Of a folder that is given as `memory`, for all networks together.
DISK_BYTES = 4 * 2**30

_FORMAT = "skfakespot-profiles-2"
_MAGIC = f"{_FORMAT}\n".encode()
_ENTRY = struct.Struct("<16sqq")
_CHECK_SIZE = 16
_SMALL = 2**20
_N_SMALL = 64
_ABANDONED = 3600  # seconds after which a file that was never finished is removed
_MAX_RECORDS = 2**16  # of a file
_NAME = re.compile(r"[0-9]{20}-[0-9a-f]{32}\.profiles")


class _Place(NamedTuple):
    file: str
    start: int
    length: int


class RecordFolder:
    """What one network has found in images in one way, in a folder that processes share.

    A file is written under another name and then renamed, so that no process reads half of it.
    Each record has a checksum. What is damaged or was not written by this class is ignored, with
    one warning. Writers do not wait for each other: two that read the same image both write it.
    When all files in `location` together exceed `max_bytes`, the oldest are deleted.
    """

    def __init__(self, location, configuration, max_bytes=DISK_BYTES):
        self.location = Path(location)
        self._root = self.location / _FORMAT
        self._folder = self._root / configuration.hex()
        self._max_bytes = max_bytes
        self._places = {}
        self._files = set()
        self._has_warned = False
        # Threads share a folder: no thread may index a file while another lists the files.
        self._lock = threading.RLock()

    def refresh(self):
        """Take into account what other processes have written and deleted."""
        with self._lock:
            self._refresh()

    def _refresh(self):
        try:
            names = {entry.name for entry in os.scandir(self._folder)}
        except OSError:
            names = set()
        found = set(filter(_NAME.fullmatch, names))
        if self._files - found:
            self._places, self._files = {}, set()
        for name in sorted(found - self._files):
            self._index(name)
        self._files = found

    def read(self, digest, unpack=bytes, max_bytes=2**20):
        """Yield ``unpack(record)`` for each of an image's records, the newest first.

        Those that are damaged or deleted are left out, and so are those that are larger than
        `max_bytes` and those for which `unpack` raises a ValueError.
        """
        for place in reversed(self._places.get(digest, ())):
            try:
                if place.length > max_bytes:
                    raise ValueError(f"a record has {place.length} bytes instead of {max_bytes}")
                value = unpack(self._read_checked(place))
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                self._warn_once(place.file, error)
                continue
            yield value

    def write(self, records):
        """Write pairs of digest and bytes into new files; an OSError leaves no part of a file."""
        with self._lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write_files(records)
            self._merge_small_files()
            self._evict()

    def _warn_once(self, name, reason):
        if self._has_warned:
            return
        self._has_warned = True
        warnings.warn(
            f"{self._folder / name} in memory={os.fspath(self.location)!r} is not used, because it "
            f"is damaged or something else has written it ({reason}). The network is run again for "
            "what is missing. Delete the file; there may be others like it.",
            UserWarning,
            stacklevel=4,
        )

    def write_or_warn(self, records):
        """Write as `write` does; warn if that is not possible."""
        try:
            self.write(records)
        except OSError as error:
            warnings.warn(
                f"What a network has found could not be written to "
                f"memory={os.fspath(self.location)!r} ({error.strerror or error}), so that the "
                "network will be run again. Make the folder writable, or give another one.",
                UserWarning,
                stacklevel=3,
            )

    def _write_files(self, records):
        for start in range(0, len(records), _MAX_RECORDS):
            self._write_file(records[start : start + _MAX_RECORDS])

    def _write_file(self, records):
        start = len(_MAGIC) + 8 + _ENTRY.size * len(records) + _CHECK_SIZE
        entries = []
        for digest, data in records:
            entries.append(_ENTRY.pack(digest, start, len(data)))
            start += len(data) + _CHECK_SIZE
        header = b"".join([_MAGIC, struct.pack("<q", len(records)), *entries])
        unfinished = self._folder / f"{uuid.uuid4().hex}.unfinished"
        try:
            with unfinished.open("xb") as file:
                file.write(header + _checksum(header))
                for _, data in records:
                    file.write(data)
                    file.write(_checksum(data))
            name = f"{time.time_ns():020d}-{uuid.uuid4().hex}.profiles"
            unfinished.replace(self._folder / name)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        self._index(name)
        self._files.add(name)

    def _index(self, name):
        for digest, start, length in self._entries(name):
            self._places.setdefault(digest, []).append(_Place(name, start, length))

    def _entries(self, name):
        """List digest, start and length of a file's records; warn if there is no such list."""
        try:
            with self._open(name) as file:
                return _read_entries(file)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            self._warn_once(name, error)
        return []

    def _open(self, name):
        try:
            return open_regular_file(self._folder / name, kind="a profiles")
        except UnreadableFileError as error:
            # Another process may delete a file at any time.
            raise error.__cause__ or error from None

    def _merge_small_files(self):
        """Make one file of many, because a detector that scores single images writes many."""
        sizes = {name: _size(self._folder / name) for name in self._files}
        small = sorted(name for name, size in sizes.items() if size < _SMALL)
        if len(small) <= _N_SMALL:
            return
        records = []
        for name in small:
            for digest, start, length in self._entries(name):
                # A link to another file could lead to larger records.
                if length < _SMALL:
                    with suppress(OSError, ValueError):
                        records.append((digest, self._read_checked(_Place(name, start, length))))
        self._write_files(records)
        for name in small:
            _remove(self._folder / name)
        self._refresh()

    def _read_checked(self, place):
        with self._open(place.file) as file:
            file.seek(place.start)
            data = file.read(place.length)
            if file.read(_CHECK_SIZE) != _checksum(data):
                raise ValueError(f"a record in {place.file} is damaged")
        return data

    def _evict(self):
        for path in self._root.glob("*/*.unfinished"):
            if _age(path) > _ABANDONED:
                _remove(path)
        total = 0
        for path in sorted(self._root.glob("*/*.profiles"), key=_time_written, reverse=True):
            total += _size(path)
            if total > self._max_bytes:
                _remove(path)


# A folder's list of contents is read once; `refresh` adds what other processes write.
_folders = BoundedCache(8)


def open_folder(location, configuration):
    """Open the folder of one configuration, 32 bytes, in the user's folder `location`."""
    return _folders.get_or_make(
        (os.fspath(location), configuration), lambda: RecordFolder(location, configuration)
    )


def _read_entries(file):
    """Read digest, start and length of each record; ValueError if no `RecordFolder` wrote them."""
    head = file.read(len(_MAGIC) + 8)
    if not head.startswith(_MAGIC) or len(head) != len(_MAGIC) + 8:
        raise ValueError("its first bytes are others")
    n_records = struct.unpack("<q", head[-8:])[0]
    if not 0 <= n_records <= _MAX_RECORDS:
        raise ValueError(f"it has {n_records} records")
    table = file.read(n_records * _ENTRY.size)
    if file.read(_CHECK_SIZE) != _checksum(head + table):
        raise ValueError("its list of records is damaged")
    entries, end = list(_ENTRY.iter_unpack(table)), file.tell()
    # Overlapping records could be far larger together than the file.
    for _, start, length in entries:
        if start != end or length < 0:
            raise ValueError("its records do not follow each other")
        end = start + length + _CHECK_SIZE
    if end != os.fstat(file.fileno()).st_size:
        raise ValueError("its records have another size than the file")
    return entries


def _time_written(path):
    """Nanoseconds by the file's name; a time in the future, from a wrong clock, counts as 0."""
    time_written = int(path.name[:20]) if _NAME.fullmatch(path.name) else 0
    return 0 if time_written > time.time_ns() else time_written


def _remove(path):
    # A folder of such a name is not ours.
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _checksum(data):
    return hashlib.blake2b(data, digest_size=_CHECK_SIZE).digest()


def _size(path):
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _age(path):
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0
