# SPDX-License-Identifier: BSD-3-Clause
"""Principal components, as many as the training samples allow."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted, validate_data

from .._documentation import DocumentationLinkMixin
from .._sklearn_compat import Interval, _fit_context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from .._typing import RandomState

_DTYPES = ("float64", "float32")


class PrincipalComponents(
    DocumentationLinkMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Principal components, at most as many as there are training samples or features.

    :class:`sklearn.decomposition.PCA` refuses a number of components that is larger.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_components : int, default=256
        Largest number of components.
    random_state : None, int or RandomState, default=None
        Seed of the randomised solver, which PCA takes for large X.

    Attributes
    ----------
    pca_ : sklearn.decomposition.PCA
        The fitted PCA.
    n_components_ : int
        Number of components.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` has names that are all strings.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.rivals import PrincipalComponents
    >>> PrincipalComponents(100).fit_transform(np.eye(3, 5)).shape
    (3, 3)
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, n_components: int = 256, *, random_state: RandomState = None) -> None:
        self.n_components = n_components
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Find the components.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : None
            Ignored.

        Returns
        -------
        self : PrincipalComponents
            The fitted transformer.
        """
        X = validate_data(self, X, dtype=_DTYPES)
        self.n_components_ = min(self.n_components, *X.shape)
        self.pca_ = PCA(self.n_components_, random_state=self.random_state).fit(X)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.floating[Any]]:
        """Project on the components.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        components : ndarray of shape (n_samples, n_components)
            The projections.
        """
        check_is_fitted(self)
        return self.pca_.transform(validate_data(self, X, dtype=_DTYPES, reset=False))

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
