# SPDX-License-Identifier: BSD-3-Clause
"""Where the records of a folder are: found among many, in files that come and go."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skfakespot import _record_index
from skfakespot._record_folder import RecordFolder
from skfakespot._record_index import TABLE, Place, RecordIndex

CONFIGURATION = bytes(32)
# Many have one half in common.
DIGESTS = st.builds(lambda first, last: bytes([first] * 8 + [last] * 8), *[st.integers(0, 3)] * 2)
STEPS = st.one_of(
    st.tuples(st.just("add"), st.lists(st.lists(DIGESTS, max_size=5), max_size=4)),
    st.tuples(st.just("remove"), st.integers(0, 20)),
)


def table_of(digests):
    entries = [(*np.frombuffer(digest, "<u8"), 10 * n, n) for n, digest in enumerate(digests)]
    return np.array(entries, TABLE)


@given(st.lists(STEPS, max_size=12), st.integers(0, 10))
def test_records_are_found_as_in_a_plain_list(steps, n_recent):
    index, expected, n_added = RecordIndex(), [], 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_record_index, "_MIN_RECENT", n_recent)
        for action, what in steps:
            if action == "add":
                new = {f"file {n_added + number}": own for number, own in enumerate(what)}
                n_added += len(new)
                index.add({name: table_of(digests) for name, digests in new.items()})
                for name, digests in new.items():
                    expected += [
                        (digest, Place(name, 10 * n, n)) for n, digest in enumerate(digests)
                    ]
            elif index.files:
                name = list(index.files)[what % len(index.files)]
                index.remove([name])
                expected = [(digest, place) for digest, place in expected if place.file != name]
            for digest in {bytes(16), *(digest for digest, _ in expected)}:
                places = [place for own, place in expected if own == digest]
                assert index.find(digest) == places[::-1]


def test_a_large_folder_takes_few_bytes_a_record_and_a_look_up_opens_one_file(
    tmp_path, monkeypatch
):
    n_records, n_files = 40_000, 8
    content = np.random.default_rng(0).bytes(16 * n_records)
    digests = [content[16 * n : 16 * n + 16] for n in range(n_records)]
    writer = RecordFolder(tmp_path, CONFIGURATION)
    for start in range(0, n_records, n_records // n_files):
        own = digests[start : start + n_records // n_files]
        writer.write([(digest, digest * 2) for digest in own])
    reader = RecordFolder(tmp_path, CONFIGURATION)
    tracemalloc.start()
    reader.refresh()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 60 * n_records
    assert peak < 120 * n_records
    opened, open_file = [], reader._open
    monkeypatch.setattr(reader, "_open", lambda name: opened.append(name) or open_file(name))
    for place in range(0, n_records, 997):
        assert list(reader.read(digests[place])) == [digests[place] * 2]
    assert len(opened) == len(range(0, n_records, 997))
    assert list(reader.read(bytes(16))) == []
    reader.refresh()
    assert len(opened) == len(range(0, n_records, 997))
