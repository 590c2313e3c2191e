# SPDX-License-Identifier: BSD-3-Clause
"""Ridge classifier for more features than samples, with calibrated probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils import gen_batches
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from ._documentation import DocumentationLinkMixin
from ._sklearn_compat import (
    InvalidParameterError,
    LinearClassifierMixin,
    StrOptions,
    _check_sample_weight,
    _fit_context,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ._typing import ClassWeight

_BLOCK_ELEMENTS = 2**25
_SMALLEST_SLOPE = 1e-3


class DualRidgeClassifier(DocumentationLinkMixin, LinearClassifierMixin, BaseEstimator):
    """Ridge regression on two classes, for many more features than samples.

    The labels become -1 and +1, and ridge regression with an unpenalised intercept is fitted to
    them, as in :class:`sklearn.linear_model.RidgeClassifier`. The decision values of samples that
    are left out of the fit follow in closed form. They choose the penalty among `alphas`, and a
    sigmoid is fitted to them (Platt scaling), which makes the probabilities: no second fit is
    needed, and no sample calibrates a model that has seen it.

    Time is mainly that of the matrix of the samples' inner products, `n_samples ** 2 *
    n_features` multiplications, and of `n_samples ** 3` for each of the `alphas`. Memory beside X
    is 16 bytes times `n_samples ** 2`. Up to about 15,000 samples are sensible. With more samples
    than features, :class:`sklearn.linear_model.RidgeClassifierCV` is quicker.

    .. versionadded:: 0.1

    Parameters
    ----------
    alphas : array-like of float, default=(0.001, 0.01, 0.1)
        Candidates of the penalty, > 0. They are relative to the mean squared distance of the
        samples from their mean, which is the number of features if they are standardised. So the
        same values suit any number and any scale of features. An `alpha` of
        :class:`~sklearn.linear_model.RidgeClassifier` is one of these times that mean.
    class_weight : dict, "balanced" or None, default=None
        Weights by label, or weights inversely proportional to the classes' frequencies. They
        multiply `sample_weight`.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        Class labels, sorted. The second is the positive class.
    coef_ : ndarray of shape (1, n_features)
        Weights of the features in the log-odds of the positive class: those of the ridge
        regression times the slope of the sigmoid. In the precision of X, as `intercept_`.
    intercept_ : ndarray of shape (1,)
        Constant of the log-odds.
    alpha_ : float
        The chosen candidate of `alphas`.
    best_score_ : float
        Negative mean squared error of the left-out decision values at `alpha_`, the labels being
        -1 and +1, as in :class:`sklearn.linear_model.RidgeClassifierCV`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` has names that are all strings.

    See Also
    --------
    skfakespot.preprocessing.BlockwiseStandardScaler : Standardises the features before.
    sklearn.linear_model.RidgeClassifierCV : Ridge without probabilities.

    Notes
    -----
    Let K be the inner products of the centred samples, D a diagonal matrix of the penalty divided
    by the samples' weights, and C the inverse of ``[[K + D, 1], [1', 0]]`` without its last row
    and column. The dual coefficients are ``a = C @ targets``. If the samples g are left out, their
    residuals are ``inv(C[g, g]) @ a[g]``. See section 4.2 of C. E. Rasmussen and C. K. I.
    Williams, "Gaussian Processes for Machine Learning", 2006 (5.12 there, for one sample), and
    G. C. Cawley and N. L. C. Talbot, "Fast exact leave-one-out cross-validation of sparse
    least-squares support vector machines", Neural Networks 17, 2004.

    The sigmoid is fitted to the smoothed targets of J. Platt, "Probabilistic outputs for support
    vector machines", 1999. If the left-out values do not rise with the label, the features tell
    nothing about it: the slope is then nearly 0, and the probabilities are about the share of
    each class.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skfakespot import DualRidgeClassifier
    >>> X, y = make_classification(60, 500, n_informative=100, class_sep=3.0, random_state=0)
    >>> classifier = DualRidgeClassifier().fit(X[:40], y[:40])
    >>> classifier.predict_proba(X[40:]).shape
    (20, 2)
    >>> bool(classifier.score(X[40:], y[40:]) > 0.8)
    True
    """

    _parameter_constraints = {
        "alphas": ["array-like"],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self, alphas: ArrayLike = (0.001, 0.01, 0.1), *, class_weight: ClassWeight = None
    ) -> None:
        self.alphas = alphas
        self.class_weight = class_weight

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Choose the penalty, fit the ridge regression and calibrate it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Standardised features, float32 or float64.
        y : array-like of shape (n_samples,)
            Labels of two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. A weight of 2 is the same as the sample twice.
        groups : array-like of shape (n_samples,), default=None
            Source of each sample, of at least two sources. All samples of a source are left out
            together. If None, only equal samples are.

        Returns
        -------
        self : DualRidgeClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If y does not have two classes among the samples whose weight is not 0, the weights
            are negative, all samples are of one group, an alpha is not positive or too small for
            the precision of float64, or the features are too large to be squared.
        """
        X, targets, weights, groups = self._validate(X, y, sample_weight, groups)
        gram, centre = _centred_gram(X, weights)
        best = self._best_fit(gram, _scale(gram, centre, X, weights), targets, weights, groups)
        slope, offset = _fit_sigmoid(best.left_out, targets > 0, weights)
        coef = slope * _primal_coefficients(X, best.coefficients)
        intercept = slope * best.intercept - coef @ centre + offset
        self.coef_ = coef.astype(X.dtype)[np.newaxis]
        self.intercept_ = np.array([intercept], dtype=X.dtype)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating[Any]]:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, standardised as in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, 2)
            One column for each of `classes_`.
        """
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _checked_alphas(self):
        alphas = np.asarray(self.alphas)
        if alphas.ndim != 1 or not len(alphas) or not all(0 < alpha < np.inf for alpha in alphas):
            raise InvalidParameterError(
                "alphas must be a sequence of finite numbers > 0, at least one; got "
                f"{self.alphas!r}."
            )
        return alphas.astype(np.float64).tolist()

    def _validate(self, X, y, sample_weight, groups):
        """Set `classes_`; return features, labels as -1 and +1, weights, and rows of groups."""
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}."
            )
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if self.class_weight is not None:
            weights = weights * compute_sample_weight(self.class_weight, y)
        groups = _checked_groups(groups, X)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        targets, is_used = 2.0 * numbers - 1, weights > 0
        if not is_used.all():
            X, targets, weights = X[is_used], targets[is_used], weights[is_used]
            groups = None if groups is None else groups[is_used]
        if len(np.unique(targets)) < 2:
            raise ValueError(
                "DualRidgeClassifier needs samples of two classes whose weight is not 0; y has the "
                f"classes {self.classes_.tolist()}, and {len(targets)} samples, of at most one "
                "class, have a weight."
            )
        return X, targets, weights, _rows_of_groups(_equal_rows(X) if groups is None else groups)

    def _best_fit(self, gram, scale, targets, weights, groups):
        """Set `alpha_` and `best_score_`; return the fit of this alpha."""
        self.best_score_ = -np.inf
        for alpha in self._checked_alphas():
            fit = _fit_dual(gram, alpha * scale / weights, targets, groups)
            score = -np.average((targets - fit.left_out) ** 2, weights=weights)
            if score > self.best_score_:
                self.alpha_, self.best_score_, best = alpha, float(score), fit
        return best


class _DualFit(NamedTuple):
    """Dual coefficients, intercept, and the decision values of the samples when left out."""

    coefficients: np.ndarray
    intercept: float
    left_out: np.ndarray


def _fit_dual(gram, penalties, targets, groups):
    """Fit ridge regression with an unpenalised intercept.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples), float64
        Inner products of the samples in the lower triangle, in Fortran order.
    penalties : ndarray of shape (n_samples,)
        What is added to its diagonal.
    targets : ndarray of shape (n_samples,)
        What is regressed.
    groups : list of ndarray
        Rows of each group of several samples. They are left out together.

    Returns
    -------
    fit : _DualFit
        The solution.
    """
    root = _inverse_factor(gram, penalties)  # root.T @ root inverts the matrix
    of_ones = root.T @ root.sum(axis=1)
    of_targets = root.T @ (root @ targets)
    intercept = of_targets.sum() / of_ones.sum()
    coefficients = of_targets - intercept * of_ones
    # The inverse of the augmented matrix is root.T @ root - outer(unpenalised, unpenalised).
    unpenalised = of_ones / np.sqrt(of_ones.sum())
    residuals = coefficients / (np.einsum("ij,ij->j", root, root) - unpenalised**2)
    for rows in groups:
        columns = root[:, rows]
        block = columns.T @ columns - np.outer(unpenalised[rows], unpenalised[rows])
        residuals[rows] = np.linalg.solve(block, coefficients[rows])
    return _DualFit(coefficients, intercept, targets - residuals)


def _inverse_factor(gram, penalties):
    """Return the inverse of the Cholesky factor of the Gram matrix and its penalty."""
    matrix = gram.copy(order="F")
    matrix[np.diag_indices_from(matrix)] += penalties
    factorise, invert = get_lapack_funcs(("potrf", "trtri"), (matrix,))
    factor, failed = factorise(matrix, lower=True, overwrite_a=True)
    if not failed:
        factor, failed = invert(factor, lower=True, overwrite_c=True)
    if failed:
        raise ValueError(
            "The smallest of alphas is too small for the precision of float64, because samples "
            "or features are nearly the same. Give larger alphas."
        )
    return factor


def _centred_gram(X, weights):
    """Return the lower triangle of the centred samples' inner products, and their mean."""
    n_samples, n_features = X.shape
    gram = np.zeros((n_samples, n_samples), order="F")
    centre = np.empty(n_features)
    shares = (weights / weights.sum()).astype(X.dtype)
    (multiply,) = get_blas_funcs(("syrk",), (X[:1],))
    for columns in _column_blocks(X):
        block = X[:, columns]
        mean = shares @ block
        centre[columns] = mean
        # Sums within a block are in the precision of X; those of the blocks are in float64.
        gram += multiply(1.0, (block - mean).T, trans=True, lower=True)
    return gram, centre


def _scale(gram, centre, X, weights):
    """Return the mean squared distance of the samples from their mean."""
    scale = np.average(np.diagonal(gram), weights=weights)
    if not np.isfinite(scale):
        raise ValueError(
            f"The squares of the features are too large for {X.dtype}. Standardise the features."
        )
    rounding = len(X) * np.finfo(X.dtype).eps ** 2 * (centre @ centre)
    # Distances of equal samples are rounding errors; any scale will do.
    return scale if scale > rounding else 1.0


def _primal_coefficients(X, dual):
    coefficients = np.empty(X.shape[1])
    for columns in _column_blocks(X):
        coefficients[columns] = dual @ X[:, columns]
    return coefficients


def _column_blocks(X):
    return gen_batches(X.shape[1], max(1, _BLOCK_ELEMENTS // len(X)))


def _checked_groups(groups, X):
    if groups is None:
        return None
    groups = column_or_1d(groups)
    check_consistent_length(X, groups)
    return groups


def _equal_rows(X):
    """Return the same group for equal rows."""
    groups = np.array([hash(row.tobytes()) for row in X])
    return groups if (groups != groups[0]).any() else np.arange(len(X))


def _rows_of_groups(groups):
    """Return the rows of each group that has several, if there are at least two groups."""
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise ValueError(
            "groups must hold at least two groups, so that one can be left out; all samples are "
            f"of the group {groups[0]}."
        )
    rows = np.split(np.argsort(numbers, kind="stable"), np.cumsum(sizes)[:-1])
    return [group for group in rows if len(group) > 1]


def _fit_sigmoid(values, is_positive, weights):
    """Return slope and offset of the log-odds, fitted to Platt's smoothed targets."""
    n_positive, n_negative = weights[is_positive].sum(), weights[~is_positive].sum()
    targets = np.where(is_positive, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    mean, share = np.average([values, targets], axis=1, weights=weights)
    if np.average((values - mean) * (targets - share), weights=weights) <= 0:
        return _SMALLEST_SLOPE, logit(share) - _SMALLEST_SLOPE * mean
    # Each sample is of both classes, to the extent of its target. C is for no penalty;
    # scikit-learn 1.8 warns of infinity.
    logistic = LogisticRegression(C=1e100, solver="newton-cholesky", tol=1e-10)
    logistic.fit(
        np.tile(values, 2)[:, np.newaxis],
        np.repeat([True, False], len(values)),
        sample_weight=np.concatenate([targets * weights, (1 - targets) * weights]),
    )
    return logistic.coef_[0, 0], logistic.intercept_[0]
