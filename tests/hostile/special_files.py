# SPDX-License-Identifier: BSD-3-Clause
"""Files that are not regular files, and limits of time and memory."""

import os
import re
import resource
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

import pytest

KINDS = ("pipe", "zeros", "socket", "folder", "link to nothing")


def make_special(path, kind):
    """Make a file at a path that must not be read, or that cannot be."""
    path = Path(path)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zeros":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to nothing":
        path.symlink_to(path.with_name("nothing"))
    else:
        # The name of a socket may have a hundred bytes only.
        before = Path.cwd()
        os.chdir(path.parent)
        try:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(path.name)
        finally:
            os.chdir(before)
    return path


@contextmanager
def limits(seconds=30, megabytes=500):
    """Fail after so many seconds, and if the process takes so much more memory meanwhile."""

    def stop(_number, _frame):
        pytest.fail(f"it took more than {seconds} s")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    before = _reset_peak()
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    grown = (_status("VmHWM") - before) / 1024
    assert grown < megabytes, f"it took {grown:.0f} MB"


@contextmanager
def bounded_memory(gigabytes=4):
    """Let no allocation take the process over its present size by more than this."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _status("VmData") * 1024 + gigabytes * 2**30
    resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _reset_peak():
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # not allowed in some containers; the peak then includes what was before
        return _status("VmHWM")
    return _status("VmRSS")


def _status(field):
    return int(re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
