# SPDX-License-Identifier: BSD-3-Clause
"""Standardisation of wide feature matrices in little memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils.validation import validate_data

from ._documentation import DocumentationLinkMixin
from ._sklearn_compat import _check_sample_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from scipy.sparse import sparray, spmatrix

_DTYPES = (np.float64, np.float32)
_BLOCK_ELEMENTS = 2**23


class BlockwiseStandardScaler(DocumentationLinkMixin, StandardScaler):
    """StandardScaler of scikit-learn, fitted to some columns at a time to need little memory.

    `fit` of :class:`sklearn.preprocessing.StandardScaler` makes temporary copies of the whole
    matrix in float64. Here they are copies of some columns at a time, of less than a gigabyte.
    The results are the same.

    .. versionadded:: 0.1

    Parameters
    ----------
    copy : bool, default=True
        If False, `transform` writes into X where it can, as in
        :class:`~sklearn.preprocessing.StandardScaler`. In a Pipeline, where the features belong to
        no one else, this halves the memory needed. Without the transformer before it, the scaler
        changes the caller's array in `predict` too.
    with_mean : bool, default=True
        Whether to subtract the mean.
    with_std : bool, default=True
        Whether to divide by the standard deviation. Constant columns become 0.

    Attributes
    ----------
    mean_, var_, scale_ : ndarray of shape (n_features,), float64
        Mean and variance of each column, and the square root of the variance (1 for constant
        columns).
    n_samples_seen_ : int or ndarray of shape (n_features,)
        Number of samples, or the sum of their weights; one for each column if values are missing.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` has names that are all strings.

    See Also
    --------
    DualRidgeClassifier : A classifier for such features.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.preprocessing import BlockwiseStandardScaler
    >>> BlockwiseStandardScaler().fit_transform(np.array([[0.0, 5.0], [2.0, 5.0]]))
    array([[-1.,  0.],
           [ 1.,  0.]])
    """

    def fit(
        self,
        X: ArrayLike | sparray | spmatrix,
        y: object = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn the mean and the standard deviation of each column.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features. NaN values are left out.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        self : BlockwiseStandardScaler
            The fitted scaler.
        """
        X = validate_data(
            self, X, accept_sparse="csr", dtype=_DTYPES, ensure_all_finite="allow-nan"
        )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype)
        blocks = [
            StandardScaler(with_mean=self.with_mean, with_std=self.with_std).fit(
                X[:, columns], sample_weight=sample_weight
            )
            for columns in gen_batches(X.shape[1], max(1, _BLOCK_ELEMENTS // X.shape[0]))
        ]
        for name in ("mean_", "var_", "scale_"):
            values = [getattr(block, name) for block in blocks]
            setattr(self, name, None if values[0] is None else np.concatenate(values))
        counts = np.concatenate(
            [np.broadcast_to(block.n_samples_seen_, block.n_features_in_) for block in blocks]
        )
        self.n_samples_seen_ = counts if (counts != counts[0]).any() else counts[0]
        return self
