# SPDX-License-Identifier: BSD-3-Clause
"""X of estimators that take images: its samples, what `fit` notes of it, and the tags."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.utils.validation import validate_data

from ._sklearn_compat import _check_feature_names, _fit_context, validate_parameters
from .images import as_samples

if TYPE_CHECKING:
    from ._typing import Images


def number_of_features(samples):
    """`n_features_in_` of samples: the numbers of one, or 1 for paths and images of any size."""
    return 1 if samples.shape is None else math.prod(samples.shape)


def network_samples(estimator, X, *, reset):
    """Return X as samples for a network: images, or rows of numbers for one on vectors.

    With `reset`, the estimator notes their shape and the names and number of features.
    """
    samples = as_samples(X)
    if samples.kind == "vector":
        samples = as_samples(validate_data(estimator, X, dtype=np.float32, reset=reset))
    else:
        _check_feature_names(estimator, X, reset=reset)
    if reset:
        estimator._sample_shape = samples.shape
        estimator.n_features_in_ = number_of_features(samples)
    return samples


def check_network_takes(samples, backbones):
    """Check that each backbone takes the samples: images of any size, or rows of its length."""
    is_vector = samples.kind == "vector"
    for backbone in backbones:
        expected = backbone.input_shape
        if is_vector != (len(expected) == 1) or (is_vector and samples.shape != expected):
            given = f"rows of {samples.shape[0]} numbers" if is_vector else "images"
            raise ValueError(
                f"The backbone {backbone.name!r} takes samples of shape {expected}, but X holds "
                f"{given}. Give images as an array (n, height, width, 3) or a list of paths, and "
                "rows of numbers to a network on vectors only."
            )


def image_samples(estimator, X, purpose, *, reset):
    """Return X as samples, which must be images; `purpose` says in the error what they are for.

    With `reset`, the estimator notes the names and number of features.
    """
    samples = as_samples(X)
    if samples.kind == "vector":
        raise ValueError(
            f"X holds {len(samples)} rows of numbers, but {purpose}. Give an array of shape (n, "
            "height, width, 3), or a list of paths or images."
        )
    if reset or hasattr(estimator, "n_features_in_"):
        _check_feature_names(estimator, X, reset=reset)
    if reset:
        estimator.n_features_in_ = number_of_features(samples)
    return samples


def tag_images(tags, *, also_rows):
    """Note in the tags of an estimator that it takes images, and whether also rows of numbers."""
    tags.input_tags.two_d_array = also_rows
    tags.input_tags.three_d_array = True
    tags.input_tags.string = True
    if tags.transformer_tags is not None:
        tags.transformer_tags.preserves_dtype = []
    return tags


class ImageTransformerMixin:
    """`fit` and checks of a transformer that takes images and learns nothing from them.

    The attribute `_purpose_of_images` says for errors what the transformer does with images.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Images, y: object = None) -> Self:
        """Check the parameters and the type of X; no image is read, and nothing is learnt.

        Parameters
        ----------
        X : array-like
            Images; see `skfakespot.NeuronCoverageTransformer.fit`. Rows of numbers are refused.
        y : None
            Ignored.

        Returns
        -------
        self : object
            This transformer.
        """
        self._check_X(X, reset=True)
        return self

    def _check_parameters(self):
        """Raise an error if parameters do not fit together."""

    def _check_X(self, X, *, reset=False):
        validate_parameters(self)
        self._check_parameters()
        return image_samples(self, X, self._purpose_of_images, reset=reset)

    def __sklearn_tags__(self):
        tags = tag_images(super().__sklearn_tags__(), also_rows=False)
        tags.requires_fit = False
        return tags
