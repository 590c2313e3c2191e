# SPDX-License-Identifier: BSD-3-Clause
"""Videos that are being read frame by frame, so that each is decoded once and not once a frame."""

import os
import threading

from .._cache import BoundedCache
from ._files import file_version, open_video

# The frames that were read last. The next step of a Pipeline, or another thread, asks for them.
_frames = BoundedCache(256 << 20, size_of=lambda frame: frame.nbytes)
_open_videos = BoundedCache(4)
# That many threads read X at most, so that other frames are later or are not read.
_MOST_PASSED = 16


def read_frame(path, time, together, reader):
    """Return the pixels of the frame of a video that is shown at a time, in seconds.

    `together` are the ascending times of the frames of this video that are probably read, too.
    """
    # A process that was forked must not read from the files of its parent.
    key = (os.getpid(), reader, file_version(path))
    pixels = _frames.get((key, time))
    if pixels is None:
        video = _open_videos.get_or_make(key, lambda: _OpenVideo(key, path, reader))
        pixels = video.read(time, together)
    if together and time == together[-1]:
        _open_videos.pop(key)
    return pixels.copy()


class _OpenVideo:
    """A video that threads read in turn."""

    def __init__(self, key, path, reader):
        self._key, self._reader = key, open_video(path, reader)
        self._position = None
        self._lock = threading.Lock()

    def read(self, time, together):
        with self._lock:
            for needed in (*self._passed_on_the_way_to(time, together), time):
                pixels = _frames.get((self._key, needed))
                if pixels is None:
                    pixels = self._reader.frame_at(needed)[1]
                    _frames.put((self._key, needed), pixels)
            self._position = time
            return pixels

    def _passed_on_the_way_to(self, time, together):
        """Return the times of earlier frames that other threads will ask for a moment later."""
        if self._position is not None and self._position < time:
            passed = [other for other in together if self._position < other < time]
            if len(passed) <= _MOST_PASSED:
                return passed
        # These are decoded on the way anyway.
        begin = self._reader.timeline.key_frame_before(time)
        return [other for other in together if begin <= other < time]
