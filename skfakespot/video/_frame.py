# SPDX-License-Identifier: BSD-3-Clause
"""One frame of a video file, as an image in X that is decoded when X is read."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._cache import BoundedCache
from ..images import LazyImage, digest_file
from ._files import decoder_of, file_version, open_video
from ._open_videos import read_frame

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .._typing import FilePath, VideoReader
    from ..images import Header

# By the reader and the version of a file.
_headers = BoundedCache(20_000)


@dataclass(frozen=True, slots=True)
class VideoFrame(LazyImage):
    """One frame of a video file, which is decoded when it is read.

    X may hold it wherever it may hold the path of an image, and
    :func:`skfakespot.images.load_image` returns its pixels. `expand_videos` makes them of videos.

    .. versionadded:: 0.1

    Parameters
    ----------
    path : str or os.PathLike
        The video file. It is kept as str.
    time : float
        Time in seconds since the first frame, from 0. The frame is the one that is shown then: the
        last one that begins at this time or before.
    reader : {"av", "opencv"}, default="av"
        See `read_frames`.
    together : tuple of float, default=()
        The times of all frames of this video in X, ascending. The video is then decoded once for
        all of them if they are read in order, even by several threads. It does not change the
        pixels, and frames that differ only in it are equal.

    Raises
    ------
    ValueError
        If `time` is negative or not finite.

    Examples
    --------
    >>> from skfakespot.video import VideoFrame
    >>> frame = VideoFrame("clip.mp4", 2.5)
    >>> frame
    VideoFrame(path='clip.mp4', time=2.5, reader='av')
    >>> frame.name
    'clip.mp4 at 2.500 s'
    """

    path: str
    time: float
    reader: VideoReader = "av"
    together: tuple[float, ...] = field(default=(), repr=False, compare=False)

    if TYPE_CHECKING:  # a path is accepted, too

        def __init__(
            self,
            path: FilePath,
            time: float,
            reader: VideoReader = "av",
            together: tuple[float, ...] = (),
        ) -> None: ...

    def __post_init__(self):
        object.__setattr__(self, "path", os.fsdecode(self.path))
        object.__setattr__(self, "time", float(self.time))
        if not 0 <= self.time < float("inf"):
            raise ValueError(f"time={self.time}; accepted are finite seconds from 0.")

    @property
    def name(self) -> str:
        """The path and the time (str), for error messages."""
        return f"{self.path} at {self.time:.3f} s"

    def load(self) -> NDArray[np.uint8]:
        """Decode the frame.

        Returns
        -------
        pixels : ndarray of shape (H, W, 3), dtype uint8
            The frame, upright.

        Raises
        ------
        ImageError
            If the video cannot be read.
        ImportError
            If PyAV, or OpenCV, is not installed.
        """
        decoder_of(self.reader)
        return read_frame(self.path, self.time, self.together, self.reader)

    def digest(self) -> bytes | None:
        """Return 16 bytes that depend on the file's bytes, the time and the decoder's version.

        Returns
        -------
        digest : bytes or None
            None if the path is not of a regular file.
        """
        content = digest_file(self.path)
        recipe = f"frame at {self.time!r} by {decoder_of(self.reader)}".encode()
        return content and hashlib.sha256(content + recipe).digest()[:16]

    def header(self) -> Header:
        """Read the facts of the file without decoding a frame.

        Returns
        -------
        header : skfakespot.images.Header
            The same for all frames of a file.

        Raises
        ------
        ImageError
            If the video cannot be read.
        ImportError
            If PyAV, or OpenCV, is not installed.
        """
        decoder_of(self.reader)
        key = self.reader, file_version(self.path)
        return _headers.get_or_make(key, lambda: open_video(self.path, self.reader).header())
