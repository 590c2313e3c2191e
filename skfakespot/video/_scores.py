# SPDX-License-Identifier: BSD-3-Clause
"""Scores of video files by a fitted detector of images, in a table or a file."""

from __future__ import annotations

import math
import os
from collections.abc import Sized
from dataclasses import dataclass
from itertools import groupby
from numbers import Real
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from sklearn.utils import check_scalar

from .._progress import Pass, show_progress
from ..images import is_video
from ..scoring import as_table, iter_scores, label_of, open_scores
from ._aggregation import aggregate_scores
from ._expansion import expand_videos
from ._files import decoder_of
from ._timeline import check_choice_of_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from .._typing import Aggregation, Estimator, FilePath, Label, VideoReader


class VideoScore(NamedTuple):
    """What a detector says of one video.

    .. versionadded:: 0.1

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
    label: Literal["fake", "real"] | None
    n_frames: int
    n_scored: int
    time: float
    error: str | None


def score_videos(
    detector: Estimator,
    paths: Iterable[FilePath],
    *,
    n: int | None = 32,
    spacing: float | Literal["even"] = "even",
    reader: VideoReader = "av",
    how: Aggregation = "mean",
    k: int = 5,
    temperature: float = 0.1,
    threshold: float = 0.5,
    pos_label: Label | None = None,
    output: FilePath | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Score video files by a fitted detector of images, and return a table with a row for each.

    Each video is opened when its turn comes, and its frames are decoded once, or twice if they
    take more than 256 MiB and the detector finds the faces in them. A video that cannot be read
    does not stop the scoring of the others.

    .. versionadded:: 0.1

    Parameters
    ----------
    detector : classifier
        A fitted classifier that takes images and has ``predict_proba``; see
        `skfakespot.score_images`.
    paths : iterable of str or os.PathLike
        The video files. An image file counts as a video of one frame.
    n : int, default=32
        Number of frames; see `read_frames`.
    spacing : str, default="even"
        Which frames; see `read_frames`.
    reader : {"av", "opencv"}, default="av"
        The library that reads them.
    how : {"mean", "median", "max", "logsumexp", "topk"}, default="mean"
        How the probabilities of the frames are aggregated; see `aggregate_scores`. Frames without
        a score are left out.
    k, temperature : int, default=5 and float, default=0.1
        Parameters of "topk" and "logsumexp"; see `aggregate_scores`.
    threshold : float, default=0.5
        A video is labelled fake if its probability is at least this.
    pos_label : int, float, bool or str, default=None
        The label of fake; see `skfakespot.score_images`.
    output : None, str or path-like, default=None
        File, of which the name ends in ``.csv`` or ``.parquet``, that the scores are also written
        to, each as soon as its video is scored. If the file exists, its scores are kept and the
        scoring goes on after the last of them; see `skfakespot.score_images`. Only the first video
        in it that has a score is scored again, to see that the detector and the number of frames
        are the same.
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
        If a parameter is not accepted, or `output` holds something other than scores of the same
        videos; see `expand_videos`, `aggregate_scores` and `skfakespot.score_images`.
    ImportError
        If the library that `reader` names is not installed.

    See Also
    --------
    iter_video_scores : The same scores, one by one instead of in a table.
    VideoClassifier : Classify videos as a scikit-learn estimator.

    Examples
    --------
    >>> from skfakespot.video import score_videos
    >>> scores = score_videos(detector, ["clip.mp4"])  # doctest: +SKIP
    """
    scores = iter_video_scores(
        detector,
        paths,
        n=n,
        spacing=spacing,
        reader=reader,
        how=how,
        k=k,
        temperature=temperature,
        threshold=threshold,
        pos_label=pos_label,
        output=output,
        verbose=verbose,
    )
    return as_table(list(scores), VideoScore)


def iter_video_scores(
    detector: Estimator,
    paths: Iterable[FilePath],
    *,
    n: int | None = 32,
    spacing: float | Literal["even"] = "even",
    reader: VideoReader = "av",
    how: Aggregation = "mean",
    k: int = 5,
    temperature: float = 0.1,
    threshold: float = 0.5,
    pos_label: Label | None = None,
    output: FilePath | None = None,
    verbose: int = 0,
) -> Iterator[VideoScore]:
    """Score video files by a fitted detector, and yield each score as soon as there is one.

    .. versionadded:: 0.1

    Parameters
    ----------
    detector : classifier
        A fitted classifier of images; for it and all other parameters see `score_videos`.
    paths : iterable of str or os.PathLike
        The video files. Images that follow each other are scored 256 at a time.
    n : int, default=32
        Number of frames of each video.
    spacing : str, default="even"
        Which frames.
    reader : {"av", "opencv"}, default="av"
        The library that reads them.
    how : {"mean", "median", "max", "logsumexp", "topk"}, default="mean"
        How the probabilities of the frames are aggregated.
    k, temperature : int, default=5 and float, default=0.1
        Parameters of "topk" and "logsumexp".
    threshold : float, default=0.5
        The least probability that is labelled fake.
    pos_label : int, float, bool or str, default=None
        The label of fake.
    output : None, str or path-like, default=None
        File that the scores are also written to.
    verbose : int, default=0
        If 1, show a progress bar.

    Returns
    -------
    scores : iterator of VideoScore
        What the detector says of a video, in the order of the paths. With `output`, the scores
        that the file holds already come first.

    Raises
    ------
    ValueError, TypeError, ImportError
        As in `score_videos`.

    See Also
    --------
    score_videos : The scores as a table; it documents the parameters and the errors.

    Examples
    --------
    >>> from skfakespot.video import iter_video_scores
    >>> for score in iter_video_scores(detector, ["clip.mp4"]):  # doctest: +SKIP
    ...     print(score.path, score.label)
    clip.mp4 fake
    """
    if isinstance(paths, str | os.PathLike):
        raise TypeError(f"paths is a single path, {os.fsdecode(paths)!r}; wrap it in a list.")
    frames = {"n": n, "spacing": spacing, "reader": reader}
    check_choice_of_frames(n, spacing)
    decoder_of(reader)
    aggregation = {"how": how, "k": k, "temperature": temperature}
    aggregate_scores([0.0], [0], **aggregation)  # checks the parameters
    check_scalar(threshold, "threshold", Real, min_val=0, max_val=1)
    n_paths = len(paths) if isinstance(paths, Sized) else None
    if n_paths == 0:
        raise ValueError("paths is empty; give the path of at least one video.")
    scorer = _Scorer(detector, frames, aggregation, threshold, pos_label)
    scores = _resume(scorer, paths, open_scores(output, VideoScore))
    about = Pass("score videos", n_paths, n_paths, "videos")
    scored = show_progress(map(_Scored, scores), about, enabled=bool(verbose))
    return (each.score for each in scored)


class _Scored(NamedTuple):
    """A step of the progress: the score of one video."""

    score: VideoScore
    indices: tuple = (0,)


def _resume(scorer, paths, file):
    """Yield the scores that a file holds, and then those of the other paths."""
    paths, n_known = iter(paths), 0
    is_checked = False
    # The file comes first, because `zip` takes a path before it sees that the file has ended.
    for known, path in zip(file.known, paths, strict=False):
        file.check_row(n_known, _name(path), scorer.threshold)
        if not is_checked and known.error is None:
            (again,) = scorer.score_files([path])
            if again.n_frames != known.n_frames:
                raise ValueError(
                    f"{file.path} holds the score of {known.n_frames} frames of {known.path!r}, "
                    f"and now {again.n_frames} were chosen. Choose as many as before, delete the "
                    "file, or give another output."
                )
            file.check_probability(n_known, again.probability)
            is_checked = True
        n_known += 1
        yield known
    file.check_length(n_known)
    for score in scorer.score_files(paths):
        file.append([score])
        yield score
    file.finish()


@dataclass(frozen=True)
class _Scorer:
    """A fitted detector, the choice of frames, and how their probabilities become a score."""

    detector: object
    frames: dict
    aggregation: dict
    threshold: float
    pos_label: object

    def score_files(self, paths):
        """Yield the score of each video, and of each image as of a video of one frame."""
        for are_videos, group in groupby(paths, key=is_video):
            if are_videos:
                yield from map(self._score_video, group)
            else:
                for score in self._score_images(group):
                    n_scored = int(score.error is None)
                    yield VideoScore(*score[:3], 1, n_scored, math.nan, score.error)

    def _score_images(self, X):
        labels = {"threshold": self.threshold, "pos_label": self.pos_label}
        return iter_scores(self.detector, X, **labels)

    def _score_video(self, path):
        """Score a video by itself, so that its frames are in memory for all steps of a Pipeline."""
        name = _name(path)
        frames = expand_videos([path], **self.frames)
        of_frames = list(self._score_images(frames.data))
        probabilities = np.array([score.probability for score in of_frames])
        n_frames, n_scored = len(of_frames), int(np.count_nonzero(~np.isnan(probabilities)))
        if not n_scored:
            error = of_frames[0].error
            return VideoScore(name, math.nan, None, n_frames, 0, math.nan, error)
        _, aggregated = aggregate_scores(probabilities, np.zeros(n_frames), **self.aggregation)
        probability = float(aggregated[0])
        label = label_of(probability, self.threshold)
        time = float(frames.times[np.nanargmax(probabilities)])
        return VideoScore(name, probability, label, n_frames, n_scored, time, None)


def _name(path):
    return os.fsdecode(path).encode("utf-8", "backslashreplace").decode()
