# SPDX-License-Identifier: BSD-3-Clause
"""The trial of one detector: trained and tested on each fold, timed on the first."""

import time
import warnings
from collections import defaultdict
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

from .._cache import clear_caches
from .._probability import fake_scores
from .._sklearn_compat import _safe_indexing
from ..augmentation import perturb
from ..images import as_samples
from ..metrics import (
    ReversedScoresWarning,
    fake_detection_report,
    fake_label,
    tpr_at_fpr_score,
)
from ._images import ImageInput, in_parts, split_off_features
from ._results import MAX_FPRS, DetectorResult

_N_TIMED = 128


@dataclass(frozen=True, eq=False)
class Task:
    """What all detectors are tried on.

    `is_fake` says which images of `X` are fake. `folds` are pairs of the rows to train and to test
    on. `zero_shot` holds further images and which of them are fake, by name.
    """

    X: object
    y: np.ndarray
    is_fake: np.ndarray
    folds: list
    perturbations: list
    zero_shot: dict
    noise_seed: int

    def count_scored(self):
        """Count the images that a detector scores in all folds."""
        n_tested = sum(len(test) for _, test in self.folds)
        n_others = sum(len(is_fake) for _, is_fake in self.zero_shot.values())
        return n_tested * (1 + len(self.perturbations)) + n_others * len(self.folds)


class ScoredPart(NamedTuple):
    """Images that were scored together, for the report of progress."""

    indices: np.ndarray


class Trial:
    """Try one detector on a task. The folder keeps features and profiles of the images."""

    def __init__(self, detector, task, folder):
        self._detector, self._task, self._folder = detector, task, Path(folder)
        self._of_folds, self._drops = defaultdict(list), defaultdict(list)
        self._zero_shot = defaultdict(lambda: defaultdict(list))
        self._once = {}

    def run(self):
        """Train and test on each fold; yield each part of images that is scored."""
        task = self._task
        detector = keep_profiles_in(clone(self._detector), self._folder / "profiles")
        clear_caches(networks=False)
        train, _ = task.folds[0]
        first_step, classifier = split_off_features(
            detector, _safe_indexing(task.X, train), task.y[train]
        )
        inputs = ImageInput(task.X, first_step, self._folder / "features")
        others = {
            name: ImageInput(X, first_step, self._folder / f"features{number}")
            for number, (name, (X, _)) in enumerate(task.zero_shot.items())
        }
        for train, test in task.folds:
            start = time.perf_counter()
            classifier = clone(classifier).fit(inputs.at(train), task.y[train])
            seconds = time.perf_counter() - start
            if not self._once:
                self._measure_once(first_step, classifier, test, seconds)
            scores = yield from self._test_clean(classifier, inputs, test)
            yield from self._test_perturbed(first_step, classifier, test, scores)
            yield from self._test_others(classifier, others, test, scores)

    def result(self):
        """Return the result of a trial that has run."""
        zero_shot = {name: _as_arrays(values) for name, values in self._zero_shot.items()}
        of_folds, drops = _as_arrays(self._of_folds), _as_arrays(self._drops)
        return DetectorResult(of_folds, drops, zero_shot, **self._once)

    def _measure_once(self, first_step, classifier, test, seconds):
        rows = test[:_N_TIMED]
        images = ImageInput(self._task.X, first_step)
        with without_memory(classifier):
            self._once = {
                "training_seconds": seconds,
                "image_milliseconds": _time_image(classifier, images, rows),
                "n_features": _count_features(first_step, classifier, images, rows[:1]),
            }

    def _test_clean(self, classifier, inputs, test):
        """Return the scores of the test images of a fold."""
        scores, labels = [], []
        for rows in in_parts(test):
            given = inputs.at(rows)
            labels.append(classifier.predict(copy(given)))  # a scaler may write into it
            scores.append(fake_scores(classifier, given))
            yield ScoredPart(rows)
        scores, labels = np.concatenate(scores), np.concatenate(labels)
        is_scored, is_fake = ~np.isnan(scores), self._task.is_fake[test]
        called_fake = labels == fake_label(self._task.y)
        _add_ranks(self._of_folds, is_fake, scores)
        self._of_folds["n_missing"].append(np.count_nonzero(~is_scored))
        for name, value in _paper_report(is_fake[is_scored], called_fake[is_scored]).items():
            self._of_folds[f"paper_{name}"].append(value)
        return scores

    def _test_perturbed(self, first_step, classifier, test, scores):
        """Compare the AUC of the perturbed test images with that of the same images before."""
        is_fake, drops = self._task.is_fake[test], []
        X = _safe_indexing(self._task.X, test)
        for step in self._task.perturbations:
            perturbed = perturb(
                X, step.kind, step.level, random_state=self._task.noise_seed, **dict(step.options)
            )
            images = ImageInput(perturbed, first_step)
            after = []
            for rows in in_parts(np.arange(len(test))):
                with without_memory(classifier):
                    after.append(fake_scores(classifier, images.at(rows)))
                yield ScoredPart(rows)
            after = np.concatenate(after)
            both = ~np.isnan(scores) & ~np.isnan(after)
            drop = _auc(is_fake[both], scores[both]) - _auc(is_fake[both], after[both])
            self._drops[str(step)].append(drop)
            drops.append(drop)
        self._of_folds["drop"].append(np.mean(drops) if drops else np.nan)

    def _test_others(self, classifier, others, test, scores):
        """Test on further images; if all are fake, against the real test images."""
        for name, images in others.items():
            _, is_fake = self._task.zero_shot[name]
            own = []
            for rows in in_parts(np.arange(len(is_fake))):
                own.append(fake_scores(classifier, images.at(rows)))
                yield ScoredPart(rows)
            own = np.concatenate(own)
            if is_fake.all():
                real = ~self._task.is_fake[test]
                is_fake = np.concatenate([is_fake, np.zeros(real.sum(), dtype=bool)])
                own = np.concatenate([own, scores[real]])
            _add_ranks(self._zero_shot[name], is_fake, own)


def _as_arrays(values):
    return {name: np.array(of_folds) for name, of_folds in values.items()}


def _add_ranks(values, is_fake, scores):
    """Add what depends on the order of the scores only."""
    is_scored = ~np.isnan(scores)
    is_fake, scores = is_fake[is_scored], scores[is_scored]
    values["auc"].append(_auc(is_fake, scores))
    for name, max_fpr in MAX_FPRS.items():
        values[name].append(tpr_at_fpr_score(is_fake, scores, max_fpr=max_fpr))


def _auc(is_fake, scores):
    if is_fake.all() or not is_fake.any():
        kind = "real" if is_fake.all() else "fake"
        raise ValueError(f"No {kind} test image of a fold has a score.")
    return float(roc_auc_score(is_fake, scores))


def _paper_report(is_fake, called_fake):
    """Return the eight metrics of the labels, as in the paper's Table 2."""
    with warnings.catch_warnings():
        # The table shows such an AUC.
        warnings.simplefilter("ignore", ReversedScoresWarning)
        return fake_detection_report(is_fake, called_fake.astype(float), convention="paper")


def _time_image(classifier, images, rows):
    """Return the milliseconds that reading, describing and scoring an image takes, in a batch."""
    fake_scores(classifier, images.at(rows))  # so that networks are built and compiled
    clear_caches(networks=False)
    start = time.perf_counter()
    fake_scores(classifier, images.at(rows))
    return 1000 * (time.perf_counter() - start) / len(rows)


def _count_features(first_step, classifier, images, rows):
    """Count the features of an image that were computed first; None if there are none."""
    given = images.at(rows)
    if first_step is not None:
        return given.shape[1]
    for _, step in getattr(classifier, "steps", ()):
        if issparse(given) or as_samples(given).kind == "vector":
            return given.shape[1]
        if hasattr(step, "transform"):
            given = step.transform(given)
    return None


def keep_profiles_in(detector, folder):
    """Let the transformers of a detector that have a `memory`, but use none, use a folder."""
    for owner in _owners_of_memory(detector):
        if owner.memory is None:
            owner.set_params(memory=folder)
    return detector


@contextmanager
def without_memory(detector):
    """Let the transformers of a detector keep no profiles, and find none."""
    before = [(owner, owner.memory) for owner in _owners_of_memory(detector)]
    try:
        for owner, _ in before:
            owner.set_params(memory=None)
        yield
    finally:
        for owner, memory in before:
            owner.set_params(memory=memory)


def _owners_of_memory(detector):
    parts = [detector, *detector.get_params().values()]
    return [
        part
        for part in parts
        # The memory of a Pipeline is another one: it keeps fitted transformers.
        if hasattr(part, "memory") and hasattr(part, "transform") and not isinstance(part, Pipeline)
    ]
