# SPDX-License-Identifier: BSD-3-Clause
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

import numpy as np

from ._cache import BoundedCache
from ._record_index import TABLE, Place, RecordIndex
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
# So that the lengths of that many records, added up, are not too large for 64 bits.
_MAX_FILE_BYTES = 2**46
_NAME = re.compile(r"[0-9]{20}-[0-9a-f]{32}\.profiles")


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
        self._index = RecordIndex()
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
        self._index.remove(self._index.files - found)
        self._index.add({name: self._table(name) for name in sorted(found - self._index.files)})

    def read(self, digest, unpack=bytes, max_bytes=2**20):
        """Yield ``unpack(record)`` for each of an image's records, the newest first.

        Those that are damaged or deleted are left out, and so are those that are larger than
        `max_bytes` and those for which `unpack` raises a ValueError.
        """
        for place in self._index.find(digest):
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
        self._index.add({name: np.frombuffer(b"".join(entries), TABLE)})

    def _table(self, name):
        """Read the table of a file's records, which is empty if it is damaged; warn of that."""
        try:
            with self._open(name) as file:
                return _read_table(file)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            self._warn_once(name, error)
        return np.empty(0, TABLE)

    def _open(self, name):
        try:
            return open_regular_file(self._folder / name, kind="a profiles")
        except UnreadableFileError as error:
            # Another process may delete a file at any time.
            raise error.__cause__ or error from None

    def _merge_small_files(self):
        """Make one file of many, because a detector that scores single images writes many."""
        sizes = {name: _size(self._folder / name) for name in self._index.files}
        small = sorted(name for name, size in sizes.items() if size < _SMALL)
        if len(small) <= _N_SMALL:
            return
        records = []
        for name in small:
            for digest, start, length in _ENTRY.iter_unpack(self._table(name)):
                # A link to another file could lead to larger records.
                if length < _SMALL:
                    with suppress(OSError, ValueError):
                        records.append((digest, self._read_checked(Place(name, start, length))))
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


def _read_table(file):
    """Read the table of the records of a file; ValueError if no `RecordFolder` wrote it."""
    head = file.read(len(_MAGIC) + 8)
    if not head.startswith(_MAGIC) or len(head) != len(_MAGIC) + 8:
        raise ValueError("its first bytes are others")
    n_records = struct.unpack("<q", head[-8:])[0]
    if not 0 <= n_records <= _MAX_RECORDS:
        raise ValueError(f"it has {n_records} records")
    data = file.read(n_records * _ENTRY.size)
    if file.read(_CHECK_SIZE) != _checksum(head + data):
        raise ValueError("its list of records is damaged")
    table, n_bytes = np.frombuffer(data, TABLE), os.fstat(file.fileno()).st_size
    lengths = table["length"]
    if n_bytes > _MAX_FILE_BYTES or ((lengths < 0) | (lengths > n_bytes)).any():
        raise ValueError("its records have another size than the file")
    # Overlapping records could be far larger together than the file.
    ends = file.tell() + np.cumsum(lengths + _CHECK_SIZE)
    starts = np.concatenate([[file.tell()], ends])
    if (table["start"] != starts[:-1]).any():
        raise ValueError("its records do not follow each other")
    if starts[-1] != n_bytes:
        raise ValueError("its records have another size than the file")
    return table


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
