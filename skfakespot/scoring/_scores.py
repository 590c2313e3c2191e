# SPDX-License-Identifier: BSD-3-Clause
"""Scoring of many images, chunk by chunk; images that cannot be read do not stop it."""

from __future__ import annotations

import math
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from numbers import Integral, Real
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.utils import check_scalar

from .._probability import fake_probability
from .._progress import Pass, show_progress
from .._sklearn_compat import _safe_indexing
from ..images import ImageError, UnreadableImageWarning, as_samples, find_unreadable
from ._files import open_scores
from ._score import ImageScore, label_of
from ._table import as_table

if TYPE_CHECKING:
    import pandas as pd

    from .._typing import Estimator, FilePath, ImageLike, Images, Label

# The first scores of a file are computed again, to see that they are of the same detector.
_N_CHECKED = 8


def score_images(
    detector: Estimator,
    X: Images | Iterator[ImageLike],
    *,
    threshold: float = 0.5,
    pos_label: Label | None = None,
    output: FilePath | None = None,
    chunk_size: int = 256,
    verbose: int = 0,
) -> pd.DataFrame:
    """Score images by a fitted detector, and make a table of the scores.

    Images that cannot be read get an error in the table and do not stop the scoring of the others,
    whether the detector raises an error for such images or gives them NaN.

    .. versionadded:: 0.1

    Parameters
    ----------
    detector : classifier
        A fitted classifier of images with ``predict_proba``, such as a Pipeline of
        `make_fakespotter`, a search or a calibrated classifier.
    X : array-like or iterator
        Images, as the estimators take them, such as a list of paths; or an iterator of paths or
        images, such as ``Path("photos").rglob("*.jpg")``. An iterator is read chunk by chunk.
    threshold : float, default=0.5
        An image is labelled "fake" if its probability is at least this, from 0 to 1.
    pos_label : int, float, bool or str, default=None
        The detector's label of fake; see `fake_probability`.
    output : None, str or path-like, default=None
        File, of which the name ends in ``.csv`` or ``.parquet``, that the scores are also written
        to. If it exists, its scores are kept and the scoring goes on after the last of them. So
        an interrupted call can be repeated. See Notes.
    chunk_size : int, default=256
        Number of images that the detector gets at once. It bounds the memory for the features.
    verbose : int, default=0
        If 1, show a progress bar. The `verbose` of the transformer should then be 0, because it
        shows a bar for each chunk.

    Returns
    -------
    scores : pandas.DataFrame
        A row for each image, in the order of X, with the columns

        - ``path``: the path (str), or such as "image 3 of X" for an image without a path;
        - ``probability``: the probability of fake (float, in [0, 1]), NaN without a score;
        - ``label``: "fake" or "real", whatever the detector's own labels are; None without a
          score. With more than two classes, "fake" is every class other than the real one;
        - ``error``: why the image has no score (str), or None.

        Without pandas it is a polars.DataFrame, with null for NaN and None. Without polars it is a
        :class:`sklearn.utils.Bunch` of arrays.

    Raises
    ------
    ValueError
        If the labels of the detector do not say which one means fake, or `output` holds something
        other than scores of the same images by the same detector with the same threshold.
    TypeError
        If the detector has no ``predict_proba``, or X is not something that estimators take.
    ImportError
        If `output` is a Parquet file, and neither polars nor pyarrow is installed.

    See Also
    --------
    skfakespot.scoring.iter_scores : The same scores, one by one instead of in a table.
    skfakespot.datasets.list_images : List the images of a folder.
    fake_probability : The probabilities alone.

    Notes
    -----
    The scores of each chunk are written to a CSV file before the next chunk is read. A line that
    was only partly written is removed when the file is used again. The paths in the file must be
    the first ones of X, in the same order. The first 8 images are scored again: probabilities
    that differ by more than 0.001 are of another detector. An image with an error in the file is
    not read again.

    A Parquet file cannot grow, so it is written at the end. Until then the scores are in a CSV
    file beside it, such as ``scores.parquet.part.csv``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skfakespot import NeuronCoverageTransformer, score_images
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    >>> coverage = NeuronCoverageTransformer(weights="random")
    >>> detector = make_pipeline(coverage, LogisticRegression()).fit(list(images), [0, 0, 1, 1])
    >>> scores = score_images(detector, [*images[:2], np.full((64, 64, 3), np.nan)])
    >>> scores["path"].tolist()
    ['image 0 of X', 'image 1 of X', 'image 2 of X']
    >>> scores["error"].tolist()
    [None, None, 'the pixels contain NaN; accepted are finite values from 0 to 255']
    """
    scores = iter_scores(
        detector,
        X,
        threshold=threshold,
        pos_label=pos_label,
        output=output,
        chunk_size=chunk_size,
        verbose=verbose,
    )
    return as_table(list(scores))


def iter_scores(
    detector: Estimator,
    X: Images | Iterator[ImageLike],
    *,
    threshold: float = 0.5,
    pos_label: Label | None = None,
    output: FilePath | None = None,
    chunk_size: int = 256,
    verbose: int = 0,
) -> Iterator[ImageScore]:
    """Score images by a fitted detector, and yield the scores as soon as their chunk is scored.

    .. versionadded:: 0.1

    Parameters
    ----------
    detector : classifier
        A fitted detector; for it and all other parameters see `skfakespot.score_images`.
    X : array-like
        Images.
    threshold : float, default=0.5
        The least probability that is labelled fake.
    pos_label : int, float, bool or str, default=None
        The label of fake.
    output : None, str or path-like, default=None
        File that the scores are also written to.
    chunk_size : int, default=256
        Number of images that are scored at a time.
    verbose : int, default=0
        If 1, show a progress bar.

    Returns
    -------
    scores : iterator of ImageScore
        The path, probability, label and error of an image, in the order of X. With `output`, the
        scores that the file holds already come first.

    Raises
    ------
    ValueError, TypeError
        As in `skfakespot.score_images`.

    See Also
    --------
    skfakespot.score_images : The scores as a table; it documents the parameters and the errors.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from skfakespot.scoring import iter_scores
    >>> images = np.zeros((2, 8, 8, 3), dtype=np.uint8)
    >>> detector = DummyClassifier(strategy="prior").fit(images, ["real", "fake"])
    >>> for score in iter_scores(detector, images):
    ...     print(score.path, score.probability, score.label)
    image 0 of X 0.5 fake
    image 1 of X 0.5 fake
    """
    check_scalar(threshold, "threshold", Real, min_val=0, max_val=1)
    check_scalar(chunk_size, "chunk_size", Integral, min_val=1)
    # An open file is an iterator too, but not of paths or images.
    is_iterator = isinstance(X, Iterator) and not hasattr(X, "read")
    n_images = None if is_iterator else len(as_samples(X))
    about = Pass("score images", n_images, n_images and math.ceil(n_images / chunk_size))
    chunks = _chunks(X, n_images, chunk_size)
    chunks = show_progress(chunks, about, enabled=bool(verbose))
    return _iter_chunks(_Scorer(detector, threshold, pos_label), chunks, open_scores(output))


def _iter_chunks(scorer, chunks, file):
    """Yield the scores of each chunk, from the file as far as it goes."""
    n_images = 0
    for chunk in chunks:
        known = file.known[n_images : n_images + len(chunk.indices)]
        scorer.check_known(known, chunk, file)
        yield from known
        if len(known) < len(chunk.indices):
            new = scorer.score(chunk.rows(len(known), None))
            file.append(new)
            yield from new
        n_images += len(chunk.indices)
    if n_images == 0:
        as_samples([])  # raises the error of the estimators
    file.check_length(n_images)
    file.finish()


class _Chunk(NamedTuple):
    """Consecutive elements of X, of the type of X, and their positions in it."""

    elements: object
    indices: np.ndarray

    def rows(self, start, stop):
        """Return a part of the chunk."""
        rows = np.arange(len(self.indices))[start:stop]
        if len(rows) == len(self.indices):
            return self
        return _Chunk(_safe_indexing(self.elements, rows), self.indices[rows])

    def names(self):
        """Return the path or name of each image, as text that can be written in UTF-8."""
        samples = as_samples(self.elements)
        names = (samples.name(row, position) for row, position in enumerate(self.indices))
        return [name.encode("utf-8", "backslashreplace").decode() for name in names]


def _chunks(X, n_images, size):
    """Yield chunks of X; `n_images` is None if X is an iterator."""
    if n_images is not None:
        for start in range(0, n_images, size):
            indices = np.arange(start, min(start + size, n_images))
            yield _Chunk(_safe_indexing(X, indices), indices)
        return
    start = 0
    while elements := list(islice(X, size)):
        yield _Chunk(elements, np.arange(start, start + len(elements)))
        start += len(elements)


@dataclass(frozen=True)
class _Scorer:
    """A fitted detector, and how its probabilities become labels."""

    detector: object
    threshold: float
    pos_label: object

    def score(self, chunk):
        """Score the images of a chunk."""
        probabilities, errors = self._probabilities(chunk.elements)
        labels = (label_of(each, self.threshold) for each in probabilities)
        return list(map(ImageScore, chunk.names(), probabilities.tolist(), labels, errors))

    def _probabilities(self, X):
        """Return the probability of each image, and for those without one the reason."""
        samples = as_samples(X)
        probabilities, errors = np.full(len(samples), np.nan), [None] * len(samples)
        readable = np.arange(len(samples))
        while len(readable):
            part = X if len(readable) == len(samples) else _safe_indexing(X, readable)
            try:
                with _reasons_of_warnings(readable) as warned:
                    probabilities[readable] = fake_probability(
                        self.detector, part, pos_label=self.pos_label
                    )
                break
            except ValueError as error:
                # Either an ImageError, or a classifier that does not accept a row of NaN.
                unreadable = _errors_by_row(samples, readable)
                unreadable = unreadable or _refused_rows(error, part, readable, warned)
                if not unreadable:
                    raise
                # An error often refers to itself by its frames, which would keep the features.
                traceback.clear_frames(error.__traceback__)
            for row, reason in unreadable.items():
                errors[row] = reason
            readable = np.setdiff1d(readable, list(unreadable))
        unscored = readable[np.isnan(probabilities[readable])]
        unexplained = np.setdiff1d(unscored, list(warned))
        reasons = warned | (_errors_by_row(samples, unexplained) if len(unexplained) else {})
        for row in unscored.tolist():
            errors[row] = reasons.get(row, "the detector gives it no probability (NaN)")
        return probabilities, errors

    def check_known(self, known, chunk, file):
        """Raise ValueError if scores in a file are not those of the first images of a chunk."""
        if not known:
            return
        for row, name in zip(chunk.indices, chunk.rows(0, len(known)).names(), strict=False):
            file.check_row(row, name, self.threshold)
        if chunk.indices[0] == 0:
            again, _ = self._probabilities(chunk.rows(0, min(_N_CHECKED, len(known))).elements)
            for row, probability in enumerate(again):
                file.check_probability(row, probability)


@contextmanager
def _reasons_of_warnings(rows):
    """Yield a dict that gets, by row, the reasons of the detector's `UnreadableImageWarning`.

    Other warnings are given as usual.
    """
    reasons = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnreadableImageWarning)
        try:
            yield reasons
        finally:
            for warning in caught:
                if isinstance(warning.message, UnreadableImageWarning):
                    reasons[int(rows[warning.message.index])] = warning.message.reason
    for warning in caught:
        if not isinstance(warning.message, UnreadableImageWarning):
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def _refused_rows(error, X, rows, warned):
    """Return the reason for each row that can be read, but not by the detector: without a face."""
    if not isinstance(error, ImageError):
        return warned
    samples = as_samples(X)
    places = (place for place in range(len(samples)) if samples.name(place) == error.source)
    return {int(rows[place]): error.reason for place in places}


def _errors_by_row(samples, rows):
    """Read some of the samples, and return for each row that cannot be read the reason."""
    return {int(rows[index]): reason for index, reason in find_unreadable(samples.subset(rows))}
