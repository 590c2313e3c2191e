# SPDX-License-Identifier: BSD-3-Clause
"""Reading some of the frames of a video file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.utils import Bunch

from ._files import decoder_of, open_video
from ._timeline import check_choice_of_frames

if TYPE_CHECKING:
    from .._typing import FilePath, VideoReader


def read_frames(
    path: FilePath,
    n: int | None = 32,
    spacing: float | Literal["even"] = "even",
    *,
    reader: VideoReader = "av",
) -> Bunch:
    """Read some of the frames of a video file.

    The frames are chosen by time, so that a variable frame rate does not matter. They are decoded
    one after the other and only those that are chosen are kept in memory. Frames that are damaged
    are left out, and a truncated file has the frames before its end.

    Frames are turned upright as the file says. They have the size in pixels that is stored in the
    file, also if pixels are not square. High bit depths become 8 bits, an alpha channel is dropped
    without blending the colours.

    .. versionadded:: 0.1

    Parameters
    ----------
    path : str or os.PathLike
        A file in one of the formats MP4, MOV, MKV, WebM, AVI, MPEG, MPEG-TS, FLV, Ogg and WMV.
    n : int or None, default=32
        Largest number of frames, from 1; None for no limit.
    spacing : "even" or float, default="even"
        ``"even"`` divides the duration into `n` parts of equal length and takes the frame in the
        middle of each, or all frames if `n` is None. A number takes the frame at the start, and
        then one every so many seconds, above 0. A frame is never taken twice, so that there are
        fewer than `n` if the video is short or shows one frame for long.
    reader : {"av", "opencv"}, default="av"
        ``"av"`` is PyAV (``pip install 'skfakespot[video]'``), whose wheels hold codecs under the
        GPL. ``"opencv"`` is OpenCV (``pip install opencv-python-headless``), whose wheels do not.
        It decodes the whole video twice, and its colours may differ by some levels.

    Returns
    -------
    video : sklearn.utils.Bunch
        With these attributes:

        frames : list of ndarray of shape (H, W, 3), dtype uint8
            The frames in RGB, in the order of their times.
        times : ndarray of shape (n_frames_read,), float64
            When each frame is shown, in seconds since the first frame of the video.
        n_frames : int
            Number of frames of the video.
        duration : float
            Duration of the video in seconds: when its last frame ends.
        fps : float
            Frames per second on average; NaN if the duration is 0.

    Raises
    ------
    ImageError
        If no frame can be read; the message has the path and the reason.
    ImportError
        If the library that `reader` names is not installed.
    ValueError
        If a parameter is not accepted.

    See Also
    --------
    expand_videos : Make frames of many videos that are decoded when an estimator reads them.

    Examples
    --------
    >>> from skfakespot.video import read_frames
    >>> video = read_frames("clip.mp4", n=3)  # doctest: +SKIP
    >>> video.times, video.frames[0].shape  # doctest: +SKIP
    (array([0.32, 1.  , 1.64]), (480, 640, 3))
    """
    check_choice_of_frames(n, spacing)
    decoder_of(reader)
    video = open_video(os.fsdecode(path), reader)
    frames = {}
    for wanted in video.timeline.choose(n, spacing).tolist():
        # Damaged frames are left out, so that another one may be shown at two of the times.
        time, pixels = video.frame_at(wanted)
        frames.setdefault(time, pixels)
    n_frames, duration = len(video.timeline.starts), video.timeline.end
    return Bunch(
        frames=list(frames.values()),
        times=np.array(list(frames)),
        n_frames=n_frames,
        duration=duration,
        fps=n_frames / duration if duration else float("nan"),
    )
