# SPDX-License-Identifier: BSD-3-Clause
"""A look through an HDF5 file of unknown origin, in a process with bounds.

In a damaged file, the library HDF5 can take any amount of memory or time to find its objects.
"""

import os
import subprocess
import sys

from ._backbone import WeightsFormatError

_WALK = """
import io, os, resource, sys, h5py
file, size = sys.stdin.buffer, os.fstat(0).st_size
if not file.seekable():
    content = file.read()
    file, size = io.BytesIO(content), len(content)
limit = 2**30 + 4 * size + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
with h5py.File(file, "r") as root:
    root.visititems_links(lambda *_: None)
    root.visititems(lambda *_: None)
"""


def check_hdf5(file):
    """Raise WeightsFormatError unless all objects of an HDF5 file are found within the bounds.

    `file` is a file that was opened to be read, or an io.BytesIO with its content.
    """
    if os.name != "posix" or getattr(sys, "frozen", False) or not sys.executable:
        return
    file.seek(0)
    content = {"input": file.getvalue()} if hasattr(file, "getvalue") else {"stdin": file}
    command = [sys.executable, "-I", "-c", _WALK]
    walk = subprocess.run(command, **content, capture_output=True, check=False)  # noqa: S603
    # The other process has moved the position that it shares with the file behind its buffer.
    file.seek(0, os.SEEK_END)
    file.seek(0)
    if walk.returncode:
        lines = walk.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else "HDF5 needs too much time or memory"
        raise WeightsFormatError(f"the HDF5 file cannot be read ({reason})")
