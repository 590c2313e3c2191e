"""Scores of video files by a fitted detector of images, in a table."""

import math
import os
from collections import deque
from itertools import islice
from typing import NamedTuple

import numpy as np

from ..scoring import as_table, iter_scores
from ._aggregation import aggregate_scores
from ._expansion import expand_videos


class VideoScore(NamedTuple):
    """What a detector says of one video.

    Parameters
    ----------
    path : str
        The path of the video.
    probability : float
        The aggregated probability that it is fake, in [0, 1]; NaN if no frame has a score.
    label : {"fake", "real"} or None
        "fake" if the probability is at least the threshold; None if there is no probability.
    n_frames : int
        Number of frames that were chosen.
    n_scored : int
        Number of these that have a score, such as those with a face.
    time : float
        When the frame with the largest probability is shown, in seconds since the first frame;
        NaN if there is none.
    error : str or None
        Why there is no score: the reason of the first frame. None if there is one.

    Examples
    --------
    >>> from skfakespot.video import VideoScore
    >>> VideoScore("clip.mp4", 0.75, "fake", 32, 30, 12.4, None).label
    'fake'
    """

    path: str
    probability: float
    label: str | None
    n_frames: int
    n_scored: int
    time: float
    error: str | None


def score_videos(
    detector,
    paths,
    *,
    n=32,
    spacing="even",
    reader="av",
    how="mean",
    k=5,
    temperature=0.1,
    threshold=0.5,
    pos_label=None,
    verbose=0,
):
    """Score video files by a fitted detector of images, and return a table with a row for each.

    Each video is opened when its turn comes, and its frames are decoded once. A video that cannot
    be read does not stop the scoring of the others.

    Parameters
    ----------
    detector : classifier
        A fitted classifier that takes images and has ``predict_proba``; see
        `skfakespot.score_images`.
    paths : iterable of str or os.PathLike
        The video files. An image file counts as a video of one frame.
    n, spacing, reader
        Which frames, and the library that reads them; see `read_frames`.
    how, k, temperature
        How the probabilities of the frames are aggregated; see `aggregate_scores`. Frames without
        a score are left out.
    threshold : float, default=0.5
        A video is labelled fake if its probability is at least this.
    pos_label : int, float, bool or str, default=None
        The label of fake; see `skfakespot.score_images`.
    verbose : int, default=0
        If 1, show a progress bar.

    Returns
    -------
    scores : pandas.DataFrame, polars.DataFrame or sklearn.utils.Bunch
        The fields of `VideoScore` as columns, a row for each path, in the order of the paths; see
        `skfakespot.score_images` for the type.

    Raises
    ------
    ValueError, TypeError
        If a parameter is not accepted; see `expand_videos`, `aggregate_scores` and
        `skfakespot.score_images`.
    ImportError
        If the library that `reader` names is not installed.

    See Also
    --------
    VideoClassifier : Classify videos as a scikit-learn estimator.

    Examples
    --------
    >>> from skfakespot.video import score_videos
    >>> scores = score_videos(detector, ["clip.mp4"])  # doctest: +SKIP
    """
    if isinstance(paths, str | os.PathLike):
        raise TypeError(f"paths is a single path, {os.fsdecode(paths)!r}; wrap it in a list.")
    aggregation = {"how": how, "k": k, "temperature": temperature}
    aggregate_scores([0.0], [0], **aggregation)  # checks the parameters
    opened = deque()
    scores_of_frames = iter_scores(
        detector,
        _expand_one_by_one(paths, opened, n=n, spacing=spacing, reader=reader),
        threshold=threshold,
        pos_label=pos_label,
        verbose=verbose,
    )
    scores = []
    for first in scores_of_frames:
        path, times = opened.popleft()
        of_video = [first, *islice(scores_of_frames, len(times) - 1)]
        scores.append(_score_video(path, times, of_video, aggregation, threshold))
    return as_table(scores, VideoScore)


def _expand_one_by_one(paths, opened, **kwargs):
    """Yield the frames of the videos, and append the path and the times of each to `opened`."""
    for path in paths:
        frames = expand_videos([path], **kwargs)
        opened.append((frames.video[0], frames.times))
        yield from frames.data


def _score_video(path, times, of_frames, aggregation, threshold):
    name = path.encode("utf-8", "backslashreplace").decode()
    probabilities = np.array([score.probability for score in of_frames])
    n_scored = int(np.count_nonzero(~np.isnan(probabilities)))
    if not n_scored:
        error = of_frames[0].error
        return VideoScore(name, math.nan, None, len(times), 0, math.nan, error)
    _, aggregated = aggregate_scores(probabilities, np.zeros(len(times)), **aggregation)
    probability = float(aggregated[0])
    label = "fake" if probability >= threshold else "real"
    time = float(times[np.nanargmax(probabilities)])
    return VideoScore(name, probability, label, len(times), n_scored, time, None)
