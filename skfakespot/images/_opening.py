# SPDX-License-Identifier: BSD-3-Clause
"""Opening an image in one of the formats that are read, without decoding its pixels."""

import io
import time
from typing import NamedTuple

from PIL import Image

from ._containers import is_video_content
from ._errors import BombError, ImageError
from ._jpeg import SHORT_BYTES, check_segments, may_take_long
from ._limits import MAX_SECONDS
from ._tiff import check_directory

# Only formats whose decoders run inside Pillow. EPS, for example, would start Ghostscript.
# The JPEG plugin also opens MPO files.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")
# Otherwise Pillow would import its plugins later, when several threads may need them.
Image.init()


# Asking for the time takes about as long as a read.
_READS_BETWEEN_LOOKS, _BLOCK_BYTES = 16, 1024
# Each piece of a file takes Pillow a few reads, and about 10 microseconds.
_FREE_READS, _BYTES_A_READ = 100_000, 1000


class OpenedFile(NamedTuple):
    """A PIL image whose pixels are not decoded yet, and the file's content that it reads.

    `has_several_scans` says whether it is a JPEG file that is decoded in several passes.
    """

    image: Image.Image
    content: bytes
    has_several_scans: bool


class _WatchedFile(io.BytesIO):
    """A file in memory; a decoder that reads it too long, or in too many pieces, is stopped."""

    def __init__(self, content, max_seconds):
        super().__init__(content)
        self._max_seconds, self._end = max_seconds, time.thread_time() + max_seconds
        self._n_reads, self._max_reads = 0, _FREE_READS + len(content) // _BYTES_A_READ

    def read(self, size=-1, /):
        self._n_reads += 1
        if self._n_reads > self._max_reads:
            raise BombError(f"its {self.getbuffer().nbytes} bytes are in too many small pieces")
        is_time_to_look = size >= _BLOCK_BYTES or self._n_reads % _READS_BETWEEN_LOOKS == 0
        if is_time_to_look and time.thread_time() > self._end:
            raise BombError(
                f"decoding it takes more than {self._max_seconds:g} s of processor time; set the "
                f"environment variable {MAX_SECONDS.variable} to accept that"
            )
        return super().read(size)


def open_content(content, name):
    """Open an image whose file is in memory, in one of `FORMATS`, without decoding its pixels."""
    if not content:
        raise ImageError(name, "the content is empty (0 bytes)")
    # Image.open() warns of an oversized image before its size can be checked, and filters of
    # warnings are not thread-safe. It also conceals why a damaged header is refused.
    prefix = content[:16].ljust(16, b"\0")
    for known in FORMATS:
        factory, accept = Image.OPEN.get(known, (None, lambda _prefix: False))
        accepted = accept(prefix)
        if isinstance(accepted, str):  # Pillow was built without the library of this format
            raise ImageError(name, accepted)
        if accepted:
            max_seconds = MAX_SECONDS.get()
            # Pillow's plugins raise many types of errors at a damaged header.
            try:
                return _open(known, factory, content, max_seconds)
            except Exception as error:
                raise ImageError(name, reason_of(error)) from error
    if is_video_content(prefix):
        hint = "it is a video; skfakespot.video.expand_videos makes images of the videos in X"
        raise ImageError(name, hint)
    raise ImageError(name, f"it is not an image of a format that is read ({', '.join(FORMATS)})")


def _open(image_format, factory, content, max_seconds):
    if image_format == "TIFF":
        check_directory(content)
    is_jpeg = image_format == "JPEG"
    is_short = is_jpeg and len(content) <= SHORT_BYTES
    has_several_scans = is_jpeg and not is_short and check_segments(content)
    # A JPEG file of few segments and one scan cannot take long.
    is_watched = not is_jpeg or has_several_scans
    # Without a name, so that Pillow never opens the file of that name.
    image = factory(_WatchedFile(content, max_seconds) if is_watched else io.BytesIO(content), "")
    if is_short and may_take_long(content, *image.size) and check_segments(content):
        has_several_scans, image = True, factory(_WatchedFile(content, max_seconds), "")
    if has_several_scans:
        image.decodermaxblock = _BLOCK_BYTES  # which may hold several scans
    return OpenedFile(image, content, has_several_scans)


def reason_of(error):
    """Say why Pillow could not read an image, as the end of a sentence."""
    if isinstance(error, BombError):
        return str(error)
    if isinstance(error, MemoryError):
        return "decoding it takes more memory than there is"
    if isinstance(error, Image.DecompressionBombError | Warning):
        return f"Pillow refuses to decode it ({error})"
    return f"the file is damaged or truncated (Pillow: {error or type(error).__name__})"
