# SPDX-License-Identifier: BSD-3-Clause
"""The paper's classifier: a multi-layer perceptron, trained by Keras, kept as NumPy arrays."""

from __future__ import annotations

from dataclasses import fields, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from . import _perceptron
from ._documentation import DocumentationLinkMixin
from ._sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    Options,
    StrOptions,
    _check_sample_weight,
    _fit_context,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ._typing import ClassWeight, RandomState


class FakeSpotterClassifier(
    DocumentationLinkMixin,
    CallbackSupportMixin,
    _perceptron.FittedPerceptronMixin,
    ClassifierMixin,
    BaseEstimator,
):
    """Multi-layer perceptron of five fully-connected layers, trained by Keras.

    The classifier of FakeSpotter (IJCAI 2020, section 4.1): four hidden layers and an output,
    stochastic gradient descent with momentum, binary cross-entropy (softmax cross-entropy for
    more than two classes). Parameters and attributes have the names of
    :class:`sklearn.neural_network.MLPClassifier`. The fitted attributes are NumPy arrays, so that
    pickles are small and prediction needs no Keras.

    Standardise the features first: coverage counts reach hundreds of thousands, a scale on which
    gradient descent does not learn.

    .. versionadded:: 0.1

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(512, 256, 128, 64)
        Widths of the hidden layers. The paper gives their number, not their widths.
    learning_rate_init : float, default=1e-4
        Learning rate of the first update, > 0.
    momentum : float, default=0.9
        Momentum of ``solver="sgd"``, in [0, 1).
    decay : float, default=1e-6
        Decay of the learning rate, >= 0: the rate of update ``t = 0, 1, ...`` is
        ``learning_rate_init / (1 + decay * t)``, Keras' rule.
    batch_size : int, default=32
        Samples in an update, or all samples if there are fewer.
    max_iter : int, default=200
        Largest number of epochs. At the paper's learning rate, the loss still falls by more than
        `tol` after 200 epochs, so training normally ends here and does not warn. Raise it if
        ``loss_curve_`` still falls steeply.
    tol : float, default=1e-4
        Training stops when the loss has fallen by less than `tol` in total over
        `n_iter_no_change` epochs. A smaller fall in each single epoch does not end training,
        because the paper's learning rate is small.
    n_iter_no_change : int or np.inf, default=10
        Epochs without improvement after which training stops; ``np.inf`` always trains
        `max_iter` epochs.
    early_stopping : bool, default=False
        Whether to validate on a part of the training data (or on `X_val` and `y_val`), to stop
        when neither the accuracy nor the loss there has improved by `tol` for `n_iter_no_change`
        epochs, and to keep the weights of the epoch with the best accuracy (if several have it,
        the one of them with the lowest loss).
    validation_fraction : float, default=0.1
        Fraction of the training data that early stopping validates on, in (0, 1), stratified by
        class.
    class_weight : dict, "balanced" or None, default=None
        Weights by original label, or weights inversely proportional to the classes'
        frequencies. They multiply `sample_weight`.
    warm_start : bool, default=False
        Whether `fit` continues training the fitted network, with the optimizer's state.
    shuffle : bool, default=True
        Whether to draw a new order of the samples in every epoch. False takes them in the order
        of X in every epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the order, dropout and the validation split. With an int, the
        same samples in the same order give the same weights to the last bit on one processor;
        processors differ in how they round. Two fits of n epochs by `warm_start`, or 2n calls
        of `partial_fit`, give what one fit of 2n epochs gives, up to rounding.
    verbose : int, default=0
        Whether to print a line for every epoch.
    solver : {"sgd", "adam"}, default="sgd"
        Keras' optimizer. The paper uses SGD.
    activation : {"relu", "tanh", "logistic", "identity"}, default="relu"
        Activation of the hidden layers.
    alpha : float, default=0.0
        Strength of the L2 penalty, >= 0: ``alpha / 2 * sum(w ** 2)``, divided by the number of
        samples in the batch, is added to its loss. The paper has none.
    dropout : float, default=0.0
        Fraction of every hidden layer's outputs that a training step sets to 0, in [0, 1). The
        paper has none.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted. If there are two, the second is the positive class.
    coefs_ : list of ndarray of shape (n_in, n_out), float32
        Weights of each layer.
    intercepts_ : list of ndarray of shape (n_out,), float32
        Biases of each layer.
    loss_curve_ : list of float
        Mean training loss of each epoch, each batch's measured before its update.
    best_loss_ : float
        Smallest value of `loss_curve_`.
    validation_scores_ : list of float or None
        Accuracy on the validation samples after each epoch; None without validation.
    best_validation_score_ : float or None
        Largest value of `validation_scores_`.
    n_iter_ : int
        Epochs of the last `fit`, or of all calls of `partial_fit`.
    n_updates_ : int
        Updates since the initial weights: `t` in the formula of `decay`.
    out_activation_ : {"logistic", "softmax"}
        Activation of the output.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` has names that are all strings.

    Warns
    -----
    UserWarning
        If the columns of X look like unscaled counts.

    See Also
    --------
    make_fakespotter : The whole detector, with the scaler before this classifier.
    sklearn.neural_network.MLPClassifier : The same without Keras.

    Notes
    -----
    Weights of samples are scaled to mean 1, so that a common factor does not change the size of
    the updates, and samples of weight 0 are left out. Training is in float32; scores are computed
    in the precision of X.

    References
    ----------
    R. Wang et al., "FakeSpotter: A Simple yet Robust Baseline for Spotting AI-Synthesized Fake
    Faces", IJCAI 2020.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skfakespot import FakeSpotterClassifier
    >>> X, y = make_classification(n_samples=400, class_sep=2.0, random_state=0)
    >>> classifier = FakeSpotterClassifier(learning_rate_init=0.01, max_iter=5, random_state=0)
    >>> detector = make_pipeline(StandardScaler(), classifier).fit(X, y)
    >>> detector.predict_proba(X[:3]).shape
    (3, 2)
    >>> bool(detector.score(X, y) > 0.9)
    True
    """

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "warm_start": ["boolean"],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "solver": [StrOptions({"sgd", "adam"})],
        "activation": [StrOptions(set(_perceptron.ACTIVATIONS))],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes: ArrayLike = (512, 256, 128, 64),
        *,
        learning_rate_init: float = 1e-4,
        momentum: float = 0.9,
        decay: float = 1e-6,
        batch_size: int = 32,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        class_weight: ClassWeight = None,
        warm_start: bool = False,
        shuffle: bool = True,
        random_state: RandomState = None,
        verbose: int = 0,
        solver: Literal["sgd", "adam"] = "sgd",
        activation: Literal["relu", "tanh", "logistic", "identity"] = "relu",
        alpha: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.decay = decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose
        self.solver = solver
        self.activation = activation
        self.alpha = alpha
        self.dropout = dropout

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Standardised features.
        y : array-like of shape (n_samples,)
            Labels of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights, not all zero.
        X_val : array-like of shape (n_validation_samples, n_features), default=None
            Features of samples to validate on instead of a part of X. They are scored after each
            epoch also without `early_stopping`.
        y_val : array-like of shape (n_validation_samples,), default=None
            Labels of `X_val`.
        groups : array-like of shape (n_samples,), default=None
            Source of each sample. Early stopping does not divide the samples of a source between
            training and validation; unused otherwise.

        Returns
        -------
        self : FakeSpotterClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If y has one class, the weights are negative or all zero, the validation samples do
            not fit the training samples, or training diverges.
        """
        resume = self.warm_start and hasattr(self, "coefs_")
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=not resume)
        classes, settings = np.unique(y), self._settings()
        data = self._split_data(X, y, classes, sample_weight, X_val, y_val, groups, settings.seed)
        state = (
            self._resumed_state(classes) if resume else self._initial_state(X, classes, settings)
        )
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        hooks = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        context = self._init_callback_context(max_subtasks=self.max_iter)
        context.call_on_fit_task_begin(**hooks)
        with _perceptron.training_session(settings, state, *data) as session:
            fitted = self._run_epochs(session, classes, context, hooks)
        self.__dict__.update(fitted)
        context.call_on_fit_task_end(**hooks, reconstruction_attributes=fitted)
        return self

    def _run_epochs(self, session, classes, context, hooks):
        """Train until a rule or a callback stops it; return the fitted attributes."""

        def fitted():
            state = session.state(keep_optimizer_state=self.warm_start)
            return self._fitted_attributes(state, classes, n_iter)

        for n_iter in range(1, self.max_iter + 1):
            task = context.subcontext(task_name="epoch").call_on_fit_task_begin(**hooks)
            session.run_epoch()
            self._print_epoch(session, n_iter)
            stopped = task.call_on_fit_task_end(**hooks, reconstruction_attributes=fitted)
            if stopped or session.has_stopped_improving:
                break
        return fitted()

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train one epoch on the given samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Standardised features.
        y : array-like of shape (n_samples,)
            Labels, any of `classes`.
        classes : array-like of shape (n_classes,), default=None
            All labels that will be given; needed in the first call only.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights, not all zero; scaled to mean 1 within the call.

        Returns
        -------
        self : FakeSpotterClassifier
            The classifier, one epoch further.

        Raises
        ------
        ValueError
            As in `fit`, and if y holds labels that are not in `classes`, or with
            ``early_stopping=True`` or ``class_weight="balanced"``, which need all samples.
        """
        for name, value in (("early_stopping", True), ("class_weight", "balanced")):
            if getattr(self, name) == value:
                raise ValueError(
                    f"partial_fit does not see all samples and cannot use {name}={value!r}. "
                    f"Use fit, or set another {name}."
                )
        first = not hasattr(self, "coefs_")
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=first)
        classes = _perceptron.check_partial_classes(classes, getattr(self, "classes_", None))
        settings = replace(self._settings(), max_iter=1)
        training_data = self._training_data(X, y, classes, sample_weight)
        state = self._initial_state(X, classes, settings) if first else self._resumed_state(classes)
        with _perceptron.training_session(settings, state, training_data) as session:
            session.run_epoch()
            self._print_epoch(session, len(session.loss_curve))
            state = session.state(keep_optimizer_state=True)
        self.__dict__.update(self._fitted_attributes(state, classes, len(state.loss_curve)))
        return self

    def _settings(self):
        names = (field.name for field in fields(_perceptron.TrainingSettings))
        values = {name: getattr(self, name) for name in names if name != "seed"}
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        return _perceptron.TrainingSettings(**values, seed=int(seed))

    def _validate(self, X, y, sample_weight, *, reset):
        X, y = validate_data(self, X, y, dtype=_perceptron.FEATURE_DTYPES, reset=reset)
        check_classification_targets(y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
            if sample_weight.min() < 0 or sample_weight.max() == 0:
                raise ValueError(
                    "sample_weight must be >= 0 and not zero for all samples; it lies between "
                    f"{sample_weight.min()} and {sample_weight.max()}."
                )
        return X, y, sample_weight

    def _training_data(self, X, y, classes, sample_weight, groups=None):
        weights = {"sample_weight": sample_weight, "class_weight": self.class_weight}
        return _perceptron.TrainingData.from_labels(X, y, classes, **weights, groups=groups)

    def _split_data(self, X, y, classes, sample_weight, X_val, y_val, groups, seed):
        """Return the data to train on, and the data to validate on or None."""
        has_validation_data = X_val is not None or y_val is not None
        splits = self.early_stopping and not has_validation_data
        if groups is not None:
            groups = _check_groups(groups, X) if splits else None
        training_data = self._training_data(X, y, classes, sample_weight, groups)
        if len(np.unique(training_data.y)) < 2:
            raise ValueError(
                "FakeSpotterClassifier needs at least two classes; the samples whose weight is "
                f"not zero are of one class, {classes[training_data.y[0]]}."
            )
        if splits:
            return training_data.split(self.validation_fraction, seed)
        if has_validation_data:
            return training_data, self._validation_data(X_val, y_val, classes)
        return training_data, None

    def _validation_data(self, X_val, y_val, classes):
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val must be given together.")
        X_val = validate_data(self, X_val, dtype=_perceptron.FEATURE_DTYPES, reset=False)
        y_val = column_or_1d(y_val, warn=True)
        check_consistent_length(X_val, y_val)
        return _perceptron.TrainingData.from_labels(X_val, y_val, classes, y_name="y_val")

    def _initial_state(self, X, classes, settings):
        _perceptron.warn_if_unscaled(X)
        n_outputs = 1 if len(classes) == 2 else len(classes)
        hidden = _perceptron.check_layer_sizes(self.hidden_layer_sizes)
        layer_sizes = (X.shape[1], *hidden, n_outputs)
        return _perceptron.TrainingState.initial(layer_sizes, settings.weight_generator())

    def _resumed_state(self, classes):
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"With warm_start=True, y must hold the classes of the previous fit, "
                f"{self.classes_}; it holds {classes}."
            )
        hidden = tuple(map(len, self.intercepts_[:-1]))
        if hidden != _perceptron.check_layer_sizes(self.hidden_layer_sizes):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} differ from those of the fitted "
                f"network, {hidden}, which cannot be trained further. Set warm_start=False and "
                "use fit to start with new weights."
            )
        return self._fitted_state()

    def _print_epoch(self, session, n_iter):
        if self.verbose:
            score = session.validation_scores
            score = f", validation score {score[-1]:.4f}" if score else ""
            print(f"Epoch {n_iter}: loss {session.loss_curve[-1]:.6f}{score}")


def _check_groups(groups, X):
    groups = column_or_1d(groups)
    check_consistent_length(X, groups)
    return groups
