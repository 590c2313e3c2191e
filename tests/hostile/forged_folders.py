# SPDX-License-Identifier: BSD-3-Clause
"""Files of records with right checksums and wrong content."""

import os
import struct

import numpy as np

from skfakespot._record_folder import _ENTRY, _MAGIC, _checksum


def read_records(file):
    """List digest and bytes of the records of a file."""
    data = file.read_bytes()
    (n_records,) = struct.unpack_from("<q", data, len(_MAGIC))
    table = data[len(_MAGIC) + 8 :][: n_records * _ENTRY.size]
    return [
        (digest, data[start : start + length])
        for digest, start, length in _ENTRY.iter_unpack(table)
    ]


def write_forged(file, records, *, change_table=lambda entries: entries, n_records=None):
    """Write records as the package does, but for ``change_table(entries)`` and their number."""
    start = len(_MAGIC) + 8 + _ENTRY.size * len(records) + 16
    entries = []
    for digest, data in records:
        entries.append((digest, start, len(data)))
        start += len(data) + 16
    table = b"".join(_ENTRY.pack(*entry) for entry in change_table(entries))
    number = len(records) if n_records is None else n_records
    header = _MAGIC + struct.pack("<q", number) + table
    body = b"".join(data + _checksum(data) for _, data in records)
    file.write_bytes(header + _checksum(header) + body)


def of_each(change):
    """Forge a file by a change of each record's bytes."""

    def forge(file):
        records = read_records(file)
        write_forged(file, [(digest, change(data)) for digest, data in records])

    return forge


def with_numbers(position, *numbers):
    """Put int64 numbers at a position of a record's header."""

    def change(data):
        packed = np.array(numbers, "<i8").tobytes()
        start = 8 * position
        return data[:start] + packed + data[start + len(packed) :]

    return of_each(change)


def in_table(change):
    def forge(file):
        write_forged(file, read_records(file), change_table=change)

    return forge


def longer_lengths(data):
    """A profile whose layers have 2^31 - 1 values each, as its header does not say."""
    n_layers, n_features, n_values = np.frombuffer(data, "<i8", 3).tolist()
    start = 40 + 16 * n_layers + 4 * n_features + 4 * n_values
    lengths = np.full(n_layers, 2**31 - 1, "<i4").tobytes()
    return data[:start] + lengths + data[start + len(lengths) :]


def counts_above(data):
    n_layers, n_features = np.frombuffer(data, "<i8", 2).tolist()
    start = 40 + 16 * n_layers
    counts = np.full(n_features, 2**31 - 1, "<i4").tobytes()
    return data[:start] + counts + data[start + len(counts) :]


def sums_not_finite(data):
    return data[:40] + np.full(1, np.nan, "<f8").tobytes() + data[48:]


def sparse(file):
    """A terabyte that takes no place on the disk."""
    digest, _ = read_records(file)[0]
    write_forged(file, [], n_records=1, change_table=lambda _: [(digest, 0, 2**40)])
    os.truncate(file, 2**40)


def one_large_record(file):
    """A record of a gigabyte of zeros, in its place by the table."""
    records = [(digest, b"") for digest, _ in read_records(file)]
    start = len(_MAGIC) + 8 + _ENTRY.size + 16
    table = [(records[0][0], start, 2**30)]
    write_forged(file, [], n_records=1, change_table=lambda _: table)
    os.truncate(file, start + 2**30 + 16)


FORGERIES = {
    "2^62 layers": with_numbers(0, 2**62),
    "2^62 features": with_numbers(1, 2**62),
    "2^61 + 1 values": with_numbers(2, 2**61 + 1),
    "2^62 feature maps": with_numbers(3, 2**62),
    "-1 layers": with_numbers(0, -1),
    "numbers of 8 bytes": with_numbers(4, 8),
    "no numbers": of_each(lambda data: b""),
    "half a profile": of_each(lambda data: data[: len(data) // 2]),
    "a profile of no layers": of_each(lambda data: np.array([0, 0, 0, 0, 2], "<i8").tobytes()),
    "2^31 - 1 values in a layer": of_each(longer_lengths),
    "2^31 - 1 neurons above": of_each(counts_above),
    "sums that are NaN": of_each(sums_not_finite),
    "random bytes": of_each(lambda data: np.random.default_rng(0).bytes(len(data))),
    "2^40 bytes of records": in_table(lambda entries: [(d, s, 2**40) for d, s, _ in entries]),
    "records of -1 bytes": in_table(lambda entries: [(d, s, -1) for d, s, _ in entries]),
    "records at 2^62": in_table(lambda entries: [(d, 2**62, n) for d, _, n in entries]),
    "records at -1": in_table(lambda entries: [(d, -1, n) for d, _, n in entries]),
    "records that overlap": in_table(lambda entries: [entries[0]] * len(entries)),
    "2^60 records": lambda file: write_forged(file, read_records(file), n_records=2**60),
    "-1 records": lambda file: write_forged(file, read_records(file), n_records=-1),
    "sparse file of 1 TB": sparse,
    "record of 1 GB": one_large_record,
}
