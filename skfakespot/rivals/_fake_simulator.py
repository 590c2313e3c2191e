# SPDX-License-Identifier: BSD-3-Clause
"""The base class of samplers that make fakes of the real training images."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from imblearn.base import BaseSampler
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import column_or_1d

from .._documentation import DocumentationLinkMixin
from .._image_inputs import image_samples
from .._labels import fake_label, is_real
from .._perturbed_samples import (
    draw_seeds,
    object_array,
    perturb_array,
    perturb_elements,
    put_into_container_of,
)
from .._sklearn_compat import validate_parameters

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import Images


class FakeSimulator(DocumentationLinkMixin, BaseSampler):
    """Base class: real images in, the same real images and their fakes out.

    A subclass defines `_plan`, and `_check_parameters` if parameters are to be checked beyond
    their types.
    """

    _sampling_type = "bypass"
    # A detector with such a step can be trained on real images alone.
    _makes_fakes = True

    _parameter_constraints = {
        "keep_fakes": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    @abstractmethod
    def _plan(self, samples, rows, random):
        """Decide how the fakes of real images are made.

        Parameters
        ----------
        samples : Samples
            All images.
        rows : ndarray of int
            Those that are real.
        random : RandomState
            Draws what is left to chance.

        Returns
        -------
        kept : ndarray of int
            The rows of the real images that stay.
        sources : ndarray of int
            The rows of those of which a fake is made.
        perturbations : list of callable
            What makes each of these fakes.
        """

    def _check_parameters(self):
        """Raise an error if a parameter is not accepted."""

    def fit(self, X: Images, y: ArrayLike) -> Self:
        """Check the parameters, the type of X and the labels; nothing is learnt.

        Parameters
        ----------
        X : array-like
            Images; see `fit_resample`.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self : object
            This object.
        """
        self._check(X, y)
        return self

    def fit_resample(self, X: Images, y: ArrayLike) -> tuple[Any, NDArray[Any]]:
        """Add a fake of each real image.

        Parameters
        ----------
        X : array-like
            Images; see `skfakespot.NeuronCoverageTransformer.fit`. Rows of numbers are refused.
        y : array-like of shape (n_samples,)
            Labels, 0 or "real" and 1 or "fake". All may be real.

        Returns
        -------
        X_resampled : array-like
            The real images (with ``keep_fakes=True``, all images), then their fakes, in the type of
            container that X is. Arrays have the same dtype; the fakes of paths or images in a
            sequence are `skfakespot.images.PerturbedImage`.
        y_resampled : ndarray of shape (n_samples_new,)
            Their labels.

        Raises
        ------
        ValueError
            If a parameter is not accepted, no image is real, or X holds rows of numbers.
        """
        samples, y = self._check(X, y)
        resampled, y_resampled = self._fit_resample(samples, y)
        if samples.kind == "sequence":
            resampled = put_into_container_of(X, resampled)
        return resampled, y_resampled

    def _fit_resample(self, X, y):
        samples, real = X, is_real(y)
        random = check_random_state(self.random_state)
        kept, sources, perturbations = self._plan(samples, np.flatnonzero(real), random)
        seeds = draw_seeds(random, len(sources))
        if self.keep_fakes:
            kept = np.union1d(kept, np.flatnonzero(~real))
        self.sample_indices_ = np.concatenate([kept, sources])
        self.perturbations_ = object_array([*[None] * len(kept), *perturbations])
        if samples.kind == "sequence":
            fakes = perturb_elements(samples, sources, perturbations, seeds)
            resampled = object_array([*(samples[row] for row in kept), *fakes])
        else:
            resampled = np.empty((len(self.sample_indices_), *samples[0].shape), samples[:1].dtype)
            resampled[: len(kept)] = samples[kept]
            out = resampled[len(kept) :]
            perturb_array(samples, sources, perturbations, seeds, self.n_jobs, out=out)
        return resampled, np.concatenate([y[kept], np.full(len(sources), _label_of_fakes(y))])

    def _check(self, X, y):
        """Return X as samples, and the labels as an array."""
        validate_parameters(self)
        self._check_parameters()
        samples = image_samples(self, X, "fakes are made of images", reset=True)
        y = column_or_1d(y)
        check_consistent_length(range(len(samples)), y)
        is_real(y)  # refuses labels that do not tell which images are real
        return samples, y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.sampler_tags.sample_indices = True
        return tags


def _label_of_fakes(y):
    """Return the label of fakes that goes with the labels of y, which may all be real."""
    if len(np.unique(y)) == 2:
        return fake_label(y)
    return "fake" if isinstance(y[0], str) else type(y[0])(1)
