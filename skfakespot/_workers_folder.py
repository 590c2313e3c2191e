# SPDX-License-Identifier: BSD-3-Clause
"""A temporary folder that joblib's worker processes share with the process that started them."""

import atexit
import multiprocessing
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

_PREFIX = "skfakespot-workers-of-"


def is_worker():
    """Whether this is a worker process of joblib's default backend, loky."""
    return multiprocessing.current_process().name.startswith("LokyProcess")


def workers_folder():
    """Return the folder, or None in a process without workers.

    A worker makes it. The process that started the workers removes it when it ends; if it is
    killed, a later worker does.
    """
    folder = _folder_of(_starter())
    if is_worker() and not folder.exists():
        if os.name == "posix":  # elsewhere, os.kill would end the process
            _remove_abandoned()
        with suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
    return folder if _is_own(folder) else None


def remove_workers_folder():
    """Remove the folder of the workers that this process has started."""
    _remove(_folder_of(os.getpid()))


class Turn:
    """The turn of one worker at a time, to run the network for itself and for the other workers.

    `begin` waits for it, and leaving the context ends it. In a process that is no worker, and
    unless it `waits`, it does nothing.
    """

    def __init__(self, *, waits):
        folder = workers_folder() if waits and is_worker() else None
        # In one thread, a fit may begin another, for example in a callback.
        self._lock = folder and FileLock(folder / "turn.lock", is_singleton=True)
        self.is_held = False

    def begin(self):
        """Wait for the turn; return whether it was not held before."""
        if self._lock is None or self.is_held:
            return False
        self._lock.acquire()
        self.is_held = True
        return True

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.is_held:
            self.is_held = False
            self._lock.release()


def _starter():
    return multiprocessing.parent_process().pid if is_worker() else os.getpid()


def _folder_of(process):
    return Path(tempfile.gettempdir(), f"{_PREFIX}{process}")


def _is_own(folder):
    """Whether it is a folder, and no other user of the machine has made it."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return stat.S_ISDIR(status.st_mode) and is_ours


def _remove(folder):
    if _is_own(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned():
    """Remove the folders of processes that were killed, and so could not do it themselves."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            os.kill(int(folder.name.removeprefix(_PREFIX)), 0)  # asks whether it runs
        except ProcessLookupError:
            _remove(folder)
        except (ValueError, OSError):
            continue


atexit.register(remove_workers_folder)
