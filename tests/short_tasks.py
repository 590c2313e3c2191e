# SPDX-License-Identifier: BSD-3-Clause
"""Tasks for worker processes, in a module whose import takes no time."""

import os
import signal
import time
from pathlib import Path


def die_unless_noted(note, number):
    """Kill this process at number 3, unless a process has noted its death before."""
    if number == 3 and not Path(note).exists():
        Path(note).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(number):
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def pid_of_worker(_number):
    """Give the other worker time for a task, too."""
    time.sleep(0.1)
    return os.getpid()
