# SPDX-License-Identifier: BSD-3-Clause
"""Processes that write one folder of records: ``python record_writers.py FOLDER SEED N_STEPS``."""

import sys

import numpy as np

from skfakespot._record_folder import RecordFolder

CONFIGURATION = bytes(32)
N_RECORDS = 200


def digest_of(number):
    return number.to_bytes(16, "big")


def data_of(number):
    return np.random.default_rng(number).bytes(200 + number)


def write(folder, seed, n_steps):
    """Write random records for ever, or for so many steps; read those of others meanwhile."""
    rng, n_read = np.random.default_rng(seed), 0
    records = RecordFolder(folder, CONFIGURATION, max_bytes=2_000_000)
    step = 0
    while n_steps < 0 or step < n_steps:
        step += 1
        numbers = rng.integers(0, N_RECORDS, 20).tolist()
        records.write([(digest_of(number), data_of(number)) for number in numbers])
        records.refresh()
        for number in rng.integers(0, N_RECORDS, 20).tolist():
            for found in records.read(digest_of(number)):
                assert found == data_of(number)
                n_read += 1
        print(step, n_read, flush=True)


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
