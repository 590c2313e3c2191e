# SPDX-License-Identifier: BSD-3-Clause
"""Frames of the videos in X, in place of the videos."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.utils import Bunch, check_consistent_length

from ..images import ImageError, is_video
from ._files import decoder_of, open_video
from ._frame import VideoFrame
from ._timeline import check_choice_of_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from .._typing import FilePath, VideoReader


def expand_videos(
    X: ArrayLike | Sequence[FilePath],
    y: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    *,
    n: int | None = 32,
    spacing: float | Literal["even"] = "even",
    reader: VideoReader = "av",
) -> Bunch:
    """Put frames in place of the videos in X, to be decoded when an estimator reads them.

    The frames are those of `read_frames`. Their times are read from the files, but no frame is
    decoded yet (by PyAV). A path that is not of a video, by the end of its name and its content,
    is kept as it is. A video that cannot be read becomes one frame at the time 0, with which an
    estimator does what its ``on_error`` says.

    .. versionadded:: 0.1

    Parameters
    ----------
    X : array-like of shape (n_files,) of str or os.PathLike
        Paths of videos, among which paths of images may be.
    y : array-like of shape (n_files,) or None, default=None
        Their labels.
    groups : array-like of shape (n_files,) or None, default=None
        Their groups for cross-validation, such as the people; None to make each file a group.
    n : int, default=32
        Number of frames; see `read_frames`.
    spacing : str, default="even"
        Which frames; see `read_frames`.
    reader : {"av", "opencv"}, default="av"
        The library that reads them.

    Returns
    -------
    frames : sklearn.utils.Bunch
        With these attributes:

        data : ndarray of shape (n_frames,), object
            A `VideoFrame` for each frame, and the paths of images.
        target : ndarray of shape (n_frames,)
            The label of each frame, that of its video; missing if `y` is None.
        groups : ndarray of shape (n_frames,)
            The group of each frame.
        video : ndarray of shape (n_frames,), object
            The path of the video of each frame (str): the ``groups`` of `VideoClassifier` and
            `aggregate_scores`.
        times : ndarray of shape (n_frames,), float64
            When each frame is shown, in seconds since the first frame; NaN for an image.

    Raises
    ------
    ImportError
        If the library that `reader` names is not installed.
    ValueError
        If a parameter is not accepted, or lengths differ.
    TypeError
        If X is a single path, or holds something other than paths.

    Examples
    --------
    >>> from skfakespot.video import expand_videos
    >>> frames = expand_videos(["a.mp4", "b.mp4"], [0, 1], n=2)  # doctest: +SKIP
    >>> frames.data[0]  # doctest: +SKIP
    VideoFrame(path='a.mp4', time=0.52, reader='av')
    >>> frames.target, frames.video  # doctest: +SKIP
    (array([0, 0, 1, 1]), array(['a.mp4', 'a.mp4', 'b.mp4', 'b.mp4'], dtype=object))
    """
    check_choice_of_frames(n, spacing)
    decoder_of(reader)
    paths = _check_paths(X)
    check_consistent_length(paths, y, groups)
    data, times, rows = [], [], []
    for row, path in enumerate(paths):
        if is_video(path):
            chosen = _choose_times(path, n, spacing, reader)
            data += [VideoFrame(path, time, reader, chosen) for time in chosen]
        else:
            chosen = (np.nan,)
            data.append(path)
        times += chosen
        rows += [row] * len(chosen)
    video = np.array(paths, dtype=object)[rows]
    frames = Bunch(
        data=np.array([*data, None], dtype=object)[:-1],
        groups=video if groups is None else np.asarray(groups)[rows],
        video=video,
        times=np.array(times, dtype=float),
    )
    if y is not None:
        frames.target = np.asarray(y)[rows]
    return frames


def _check_paths(X):
    if isinstance(X, str | os.PathLike):
        raise TypeError(f"X is a single path, {os.fsdecode(X)!r}; wrap it in a list.")
    for index, path in enumerate(X):
        if not isinstance(path, str | os.PathLike):
            raise TypeError(
                f"X[{index}] is of type {type(path).__name__}; accepted are paths (str or "
                "os.PathLike) of videos and images."
            )
    return [os.fsdecode(path) for path in X]


def _choose_times(path, n, spacing, reader):
    try:
        return tuple(open_video(path, reader).timeline.choose(n, spacing).tolist())
    except ImageError:
        return (0.0,)
