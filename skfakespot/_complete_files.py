# SPDX-License-Identifier: BSD-3-Clause
"""Files that appear under their name only when they are complete."""

import uuid
from contextlib import contextmanager


@contextmanager
def written_when_complete(path):
    """Yield the name of an empty file beside `path`, and rename it to `path` at the end.

    If it cannot be written, such as on a full disk, `path` stays as it was, nothing is left beside
    it, and an OSError names `path`.
    """
    unfinished = path.with_name(f"{uuid.uuid4().hex}.part")
    try:
        # A file of tempfile could be read by the user alone.
        unfinished.touch(exist_ok=False)
        yield str(unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise OSError(f"{path} cannot be written ({error.strerror or error})") from error
    finally:
        unfinished.unlink(missing_ok=True)
