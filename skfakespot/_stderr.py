# SPDX-License-Identifier: BSD-3-Clause
"""TensorFlow's notes on stderr while its libraries are loaded, left out."""

import os
import re
import sys
import tempfile
from contextlib import contextmanager, suppress

# What the libraries write before they read TF_CPP_MIN_LOG_LEVEL. Fatal errors (F) are kept.
_NOTE = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|[IWE]0000 00:00:\d+\.\d+ "
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] (tensorflow|external)/"
    rb"|To enable the following instructions: "
)


@contextmanager
def without_tensorflow_notes():
    """Hold back what is written to file descriptor 2, and then write it without the notes.

    Nothing else is lost, also of other threads, unless the process is killed meanwhile.
    """
    held = kept = None
    # With sys.stderr None, the descriptor is another file's. There may be no temporary folder.
    with suppress(OSError):
        if sys.stderr is not None:
            held = tempfile.TemporaryFile()  # noqa: SIM115
            kept = os.dup(2)
    if kept is None:
        yield
        return
    with held:
        _flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            with suppress(OSError):
                os.write(2, b"".join(line for line in held if not _NOTE.match(line)))


def _flush():
    with suppress(OSError, ValueError):  # it may be closed
        sys.stderr.flush()
