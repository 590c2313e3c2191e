# SPDX-License-Identifier: BSD-3-Clause
"""The search for faces in many images: each content once, images of one size together."""

from collections import defaultdict
from typing import NamedTuple

import joblib
import numpy as np

from .._worker_pool import CHUNKS_A_WORKER, run_in_workers
from ..images import ImageError
from ._detection import find_faces
from ._models import load_detector
from ._records import N_NUMBERS, FaceRecords

# So many pixels, of images of one or of several sizes, are collected before the network runs.
_PIXELS_TOGETHER = 1 << 22


class Found(NamedTuple):
    """The faces in one image, the largest first.

    Parameters
    ----------
    faces : ndarray of shape (n_faces, N_NUMBERS), float64
        Box, score and landmarks of each face.
    problem : None or str
        Why there are no faces, if the search was not possible.
    is_readable : bool
        Whether the image can be read.
    """

    faces: np.ndarray
    problem: str | None = None
    is_readable: bool = True


class _Group(NamedTuple):
    indices: list[int]
    found: list[Found]


def search_images(samples, search, *, memory, n_jobs, show):
    """Search each image for faces, unless its content is known.

    Parameters
    ----------
    samples : Samples
    search : Search
    memory : None, str, path-like or joblib.Memory
        Where faces are kept on disk.
    n_jobs : None or int
        Number of joblib's workers.
    show : callable
        ``show(groups, n_images)`` yields the groups and shows the progress.

    Returns
    -------
    found : list of Found
        One for each image.
    """
    records = FaceRecords(search, memory)
    rows_of = defaultdict(list)
    for row, digest in enumerate(samples.digests()):
        rows_of[row if digest is None else digest].append(row)
    found = [None] * len(samples)
    unknown = {}
    for content, rows in rows_of.items():
        faces = records.find(content) if isinstance(content, bytes) else None
        if faces is None:
            unknown[rows[0]] = content
        else:
            _place(found, rows, Found(faces))
    for group in show(_search(samples, list(unknown), search, n_jobs), len(unknown)):
        new = []
        for row, result in zip(group.indices, group.found, strict=True):
            content = unknown[row]
            _place(found, rows_of[content], result)
            if result.problem is None and isinstance(content, bytes):
                new.append((content, result.faces))
        records.put(new)
    return found


def _place(found, rows, result):
    for row in rows:
        found[row] = result


def _search(samples, rows, search, n_jobs):
    n_workers = min(joblib.effective_n_jobs(n_jobs), len(rows))
    if n_workers < 2:
        yield from _search_here(samples, rows, search)
        return
    chunks = np.array_split(rows, min(len(rows), n_workers * CHUNKS_A_WORKER))
    results = run_in_workers(
        _search_chunk, lambda chunk: (samples.subset(chunk), search), chunks, n_jobs
    )
    for chunk, groups in zip(chunks, results, strict=True):
        for group in groups:
            yield group._replace(indices=chunk[group.indices].tolist())


def _search_chunk(samples, search):
    return list(_search_here(samples, range(len(samples)), search))


def _search_here(samples, rows, search):
    """Yield a `_Group` for each group of images of one size, and for each without a search."""
    detector = load_detector()
    waiting, n_pixels = defaultdict(list), 0
    nothing = np.empty((0, N_NUMBERS))
    for row, pixels in samples.images(list(rows)):
        if isinstance(pixels, ImageError):
            yield _Group([row], [Found(nothing, pixels.reason, is_readable=False)])
            continue
        try:
            detector.check_size(pixels.shape, "", search.min_size)
        except ImageError as error:
            yield _Group([row], [Found(nothing, error.reason)])
            continue
        waiting[pixels.shape].append((row, pixels))
        n_pixels += pixels.shape[0] * pixels.shape[1]
        if n_pixels >= _PIXELS_TOGETHER:
            yield from _detect(detector, waiting, search)
            waiting, n_pixels = defaultdict(list), 0
    yield from _detect(detector, waiting, search)


def _detect(detector, waiting, search):
    for group in waiting.values():
        rows, images = zip(*group, strict=True)
        bunches = find_faces(detector, images, *search)
        yield _Group(list(rows), [Found(_as_numbers(faces)) for faces in bunches])


def _as_numbers(faces):
    parts = (faces.boxes, faces.scores[:, None], faces.landmarks.reshape(-1, 10))
    return np.hstack(parts).astype(np.float64)


def split_numbers(faces):
    """Split the numbers of faces, as in `Found`, into new arrays of boxes, scores and landmarks."""
    return faces[:, :4].copy(), faces[:, 4].copy(), faces[:, 5:].reshape(-1, 5, 2).copy()
