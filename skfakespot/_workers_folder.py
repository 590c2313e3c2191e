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


def is_worker():
    """Whether this is a worker process of joblib's default backend, loky."""
    return multiprocessing.current_process().name.startswith("LokyProcess")


def workers_folder():
    """Return the folder, or None in a process without workers.

    A worker makes it. The process that started the workers removes it when it ends.
    """
    folder = _folder_of(_starter())
    if is_worker():
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
    return Path(tempfile.gettempdir(), f"skfakespot-workers-of-{process}")


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


@atexit.register
def _clean_up():
    remove_workers_folder()
    if is_worker() and not multiprocessing.parent_process().is_alive():  # it was killed
        _remove(_folder_of(_starter()))
