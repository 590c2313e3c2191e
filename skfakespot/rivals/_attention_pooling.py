# SPDX-License-Identifier: BSD-3-Clause
"""A classifier of feature maps that learns where to look, after Stehouwer et al. (2020)."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from .._documentation import DocumentationLinkMixin
from .._sklearn_compat import Interval, _check_sample_weight, _fit_context
from ._attention_loss import AttentionLoss, Weights, attend, log_odds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_DTYPES = (np.float64, np.float32)


class AttentionPoolingClassifier(DocumentationLinkMixin, ClassifierMixin, BaseEstimator):
    """Logistic regression on the weighted mean of a feature map, whose weights are learnt, too.

    A feature map has a vector x of channels at each place. The attention of a place is
    a(x) = sigmoid(u·x + b), a 1 x 1 convolution. The pooled map z is the mean of the places,
    weighted by their attention, and the log-odds of the second class are w·z + c. The labels alone
    teach both, by the logistic loss with a penalty on u and w. The channels are standardised with
    their mean and deviation over all places of the training maps.

    The search (L-BFGS) starts from zeros, where all places have the same attention, and uses no
    random numbers. The loss is not convex, so that it may end in a local minimum.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_channels : None or int, default=None
        Number of channels; the columns of X are the channels of the first place, then those of the
        next one, as in `FeatureMapTransformer`. None for one place: then the attention has no
        effect, and this is ordinary logistic regression.
    C : float, default=1.0
        Inverse of the strength of the penalty, above 0: as in
        :class:`sklearn.linear_model.LogisticRegression`, ``C`` times the sum of the samples' losses
        is added to half the squares of u and w.
    max_iter : int, default=300
        Largest number of steps of the search.
    tol : float, default=1e-4
        The search ends when no component of the gradient of the mean loss is larger, or when the
        loss falls by less than a share of about 1e-10.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels.
    attention_coef_ : ndarray of shape (n_channels,), float64
        u, for channels that are not standardised.
    attention_intercept_ : float
        b.
    coef_ : ndarray of shape (1, n_channels), float64
        w, for channels that are not standardised.
    intercept_ : ndarray of shape (1,), float64
        c.
    n_iter_ : int
        Number of steps.
    loss_ : float
        The mean loss at the end, with the penalty.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` has names that are all strings.

    See Also
    --------
    FeatureMapTransformer : The feature maps of a network.
    make_rival : ``make_rival("attention")`` is a detector of these two.

    References
    ----------
    Stehouwer, J., Dang, H., Liu, F., Liu, X. and Jain, A. (2020). On the detection of digital face
    manipulation. CVPR 2020. https://arxiv.org/abs/1910.01717

    Examples
    --------
    One of four places tells the classes apart, that in which the first channel is large:

    >>> import numpy as np
    >>> from skfakespot.rivals import AttentionPoolingClassifier
    >>> random = np.random.default_rng(0)
    >>> maps, y = random.normal(size=(200, 4, 2)), np.arange(200) % 2
    >>> maps[:, 2, 0] += 5
    >>> maps[:, 2, 1] += 3 * y
    >>> classifier = AttentionPoolingClassifier(n_channels=2).fit(maps.reshape(200, 8), y)
    >>> classifier.attention(maps.reshape(200, 8)).mean(axis=0).argmax()
    np.int64(2)
    """

    _parameter_constraints = {
        "n_channels": [None, Interval(Integral, 1, None, closed="left")],
        "C": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        n_channels: int | None = None,
        *,
        C: float = 1.0,
        max_iter: int = 300,
        tol: float = 1e-4,
    ) -> None:
        self.n_channels = n_channels
        self.C = C
        self.max_iter = max_iter
        self.tol = tol

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn the attention and the head.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_places * n_channels)
            Feature maps, float32 or float64.
        y : array-like of shape (n_samples,)
            Labels of two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. A weight of 2 is the same as the sample twice.

        Returns
        -------
        self : AttentionPoolingClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If y does not have two classes among the samples whose weight is not 0, or the number
            of features is no multiple of `n_channels`.

        Warns
        -----
        ConvergenceWarning
            If the search has not ended after `max_iter` steps.
        """
        X, y = validate_data(self, X, y, dtype=_DTYPES)
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}."
            )
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        used = weights > 0
        if len(np.unique(numbers[used])) < 2:
            raise ValueError(
                "AttentionPoolingClassifier needs samples of two classes whose weight is not 0; "
                f"y has samples of 1 class: the classes are {self.classes_.tolist()}."
            )
        if not used.all():
            X, numbers, weights = X[used], numbers[used], weights[used]
        maps, total = self._as_maps(X), weights.sum()
        loss = AttentionLoss(maps, 2.0 * numbers - 1, weights / total, 1 / (self.C * total))
        self._search(loss, maps.shape[2])
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute the log-odds of the second class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_places * n_channels)
            Feature maps.

        Returns
        -------
        values : ndarray of shape (n_samples,), float64
            The log-odds of ``classes_[1]``.
        """
        return log_odds(self._checked_maps(X), self._weights())

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_places * n_channels)
            Feature maps.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, 2)
            In the order of `classes_`.
        """
        values = self.decision_function(X)
        return np.column_stack([expit(-values), expit(values)])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the label of each map.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_places * n_channels)
            Feature maps.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The labels.
        """
        values = self.decision_function(X)
        return self.classes_[(values > 0).astype(int)]

    def attention(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute the attention of each place.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_places * n_channels)
            Feature maps.

        Returns
        -------
        attention : ndarray of shape (n_samples, n_places), float64
            From 0 to 1; reshape it to the height and width of the map. The places of a map are
            weighted by these numbers, divided by their sum.

        Examples
        --------
        >>> import numpy as np
        >>> from skfakespot.rivals import AttentionPoolingClassifier
        >>> maps = np.random.default_rng(0).normal(size=(20, 4 * 2))
        >>> classifier = AttentionPoolingClassifier(n_channels=2).fit(maps, [0, 1] * 10)
        >>> classifier.attention(maps).shape
        (20, 4)
        """
        return attend(self._checked_maps(X), self._weights())

    def _search(self, loss, n_channels):
        """Minimise the loss, and set the fitted attributes."""
        options = {"maxiter": self.max_iter, "gtol": self.tol, "ftol": 1e-10}
        start = np.zeros(2 * n_channels + 2)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
        if found.nit >= self.max_iter and not found.success:
            warnings.warn(
                f"The search has not ended after max_iter={self.max_iter} steps. Set a larger "
                "max_iter, or a smaller C.",
                ConvergenceWarning,
                stacklevel=3,
            )
        weights = Weights.of_vector(found.x).for_unscaled(loss.mean, loss.scale)
        self.attention_coef_, self.attention_intercept_ = weights.attention, float(weights.offset)
        self.coef_, self.intercept_ = weights.head[np.newaxis], np.array([weights.intercept])
        self.n_iter_, self.loss_ = int(found.nit), float(found.fun)

    def _weights(self):
        return Weights(
            self.attention_coef_, self.attention_intercept_, self.coef_[0], self.intercept_[0]
        )

    def _checked_maps(self, X):
        check_is_fitted(self)
        return self._as_maps(validate_data(self, X, dtype=_DTYPES, reset=False))

    def _as_maps(self, X):
        n_channels = self.n_channels or X.shape[1]
        if X.shape[1] % n_channels:
            raise ValueError(
                f"X has {X.shape[1]} features, which is no multiple of n_channels={n_channels}. "
                "Give the number of channels of the layer: the last of map_shape_ of a "
                "FeatureMapTransformer."
            )
        return X.reshape(len(X), -1, n_channels)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
