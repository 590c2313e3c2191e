# SPDX-License-Identifier: BSD-3-Clause
"""Helpers that write and read miniatures of data sets, whose files are not real images."""


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def relative(root, bunch):
    return [path.removeprefix(f"{root}/") for path in bunch.data]
