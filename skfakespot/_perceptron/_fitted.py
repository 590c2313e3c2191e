# SPDX-License-Identifier: BSD-3-Clause
"""A fitted perceptron as a classifier: its attributes, its predictions and its Keras model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from ._forward import log_odds, logits, predicted_classes, probabilities
from ._network import build_network, in_order_of_keras
from ._state import TrainingState

if TYPE_CHECKING:
    import keras
    from numpy.typing import ArrayLike, NDArray

    from .._typing import FilePath

FEATURE_DTYPES = [np.float64, np.float32]


class FittedPerceptronMixin:
    """Fitted attributes and predictions of a classifier with MLPClassifier's attributes.

    The parameters `activation` and `dropout` and the attribute `n_features_in_` are the
    classifier's own.
    """

    if TYPE_CHECKING:
        activation: str
        dropout: float
        n_features_in_: int
        classes_: NDArray[Any]
        coefs_: list[NDArray[np.float32]]
        intercepts_: list[NDArray[np.float32]]
        out_activation_: str

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, scaled as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels of `classes_`.
        """
        predicted = predicted_classes(self._logits(X))
        return self.classes_[predicted]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating[Any]]:
        """Predict the probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, scaled as in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; float32 for float32 features, else float64.
        """
        return probabilities(self._logits(X))

    def decision_function(self, X: ArrayLike) -> NDArray[np.floating[Any]]:
        """Compute the log-odds ``log(p / (1 - p))``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, scaled as in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of ``classes_[1]`` where there are two classes, else of each class
            against all others.
        """
        return log_odds(self._logits(X))

    @property
    def model_(self) -> keras.Sequential:
        """The fitted network (keras.Model), built at each access; see `to_keras`."""
        return self.to_keras()

    def to_keras(self) -> keras.Sequential:
        """Build a Keras model of the fitted network.

        Returns
        -------
        model : keras.Sequential
            Takes (n_samples, n_features) float32, scaled as in `fit`. Returns probabilities:
            of ``classes_[1]``, (n_samples, 1), where there are two classes, else
            (n_samples, n_classes). It is a copy: training it does not change the classifier.

        Examples
        --------
        >>> import numpy as np
        >>> from skfakespot import FakeSpotterClassifier
        >>> X, y = np.random.default_rng(0).normal(size=(8, 3)), [0, 1] * 4
        >>> classifier = FakeSpotterClassifier((4,), max_iter=1, random_state=0).fit(X, y)
        >>> classifier.to_keras().output_shape
        (None, 1)
        """
        check_is_fitted(self)
        layer_sizes = (self.n_features_in_, *map(len, self.intercepts_))
        model = build_network(
            layer_sizes,
            self.activation,
            dropout=self.dropout,
            out_activation=self.out_activation_,
        )
        model.set_weights(in_order_of_keras(self.coefs_, self.intercepts_))
        return model

    def export(self, path: FilePath, *, format: str = "tf_saved_model") -> None:  # noqa: A002
        """Write the fitted network in a format for serving.

        Only the network is written: not `classes_`, and not the scaler before it. To save
        a Keras file, use ``classifier.to_keras().save("network.keras")``; to save a whole
        Pipeline, use pickle or skops.

        Parameters
        ----------
        path : str or path-like
            Directory, or file for formats of one file.
        format : str, default="tf_saved_model"
            A format of :meth:`keras.Model.export`, such as ``"tf_saved_model"`` or ``"onnx"``.

        Examples
        --------
        >>> import os
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from skfakespot import FakeSpotterClassifier
        >>> X, y = np.random.default_rng(0).normal(size=(8, 3)), [0, 1] * 4
        >>> classifier = FakeSpotterClassifier((4,), max_iter=1, random_state=0).fit(X, y)
        >>> with TemporaryDirectory() as folder:
        ...     classifier.export(folder)
        ...     sorted(os.listdir(folder))
        ['assets', 'fingerprint.pb', 'saved_model.pb', 'variables']
        """
        self.to_keras().export(str(path), format=format, verbose=False)

    def _logits(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FEATURE_DTYPES, reset=False)
        return logits(X, self.coefs_, self.intercepts_, self.activation)

    def _fitted_attributes(self, state, classes, n_iter):
        scores = state.validation_scores or None
        return {
            "classes_": classes,
            "coefs_": state.coefs,
            "intercepts_": state.intercepts,
            "loss_curve_": state.loss_curve,
            "best_loss_": min(state.loss_curve),
            "validation_scores_": scores,
            "best_validation_score_": max(scores) if scores else None,
            "n_iter_": n_iter,
            "n_updates_": state.n_updates,
            "out_activation_": "logistic" if len(classes) == 2 else "softmax",
            "_optimizer_state": state.optimizer_state,
        }

    def _fitted_state(self):
        return TrainingState(
            coefs=self.coefs_,
            intercepts=self.intercepts_,
            optimizer_state=self._optimizer_state,
            n_updates=self.n_updates_,
            loss_curve=self.loss_curve_,
            validation_scores=self.validation_scores_ or [],
        )
