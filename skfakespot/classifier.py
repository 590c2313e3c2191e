"""The paper's classifier: a multi-layer perceptron, trained by Keras, kept as NumPy arrays."""

import warnings
from dataclasses import fields, replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from . import _perceptron
from ._documentation import DocumentationLinkMixin
from ._sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    _check_sample_weight,
    _fit_context,
)

_FLOATS = [np.float64, np.float32]


class FakeSpotterClassifier(
    DocumentationLinkMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator
):
    """Multi-layer perceptron of five fully-connected layers, trained by Keras.

    The classifier of FakeSpotter (IJCAI 2020, section 4.1): four hidden layers and an output,
    stochastic gradient descent with momentum, binary cross-entropy (softmax cross-entropy for
    more than two classes). Parameters and attributes have the names of
    :class:`sklearn.neural_network.MLPClassifier`. What is fitted are NumPy arrays, so that
    pickles are small and prediction needs no Keras.

    Standardise the features first: coverage counts reach hundreds of thousands, from where
    gradient descent does not learn.

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
        Samples in an update; fewer where there are fewer samples.
    max_iter : int, default=200
        Largest number of epochs. At the paper's learning rate, standardised features still
        improve by more than `tol` after 200 epochs: this is the normal end of training, and
        reaching it does not warn. If ``loss_curve_`` still falls steeply, raise it.
    tol : float, default=1e-4
        Training stops once the loss has fallen by less than `tol` in total over
        `n_iter_no_change` epochs. The total counts, not the fall of each epoch, so that the
        small steps of the paper's learning rate do not end training early.
    n_iter_no_change : int or np.inf, default=10
        Epochs without improvement after which training stops; ``np.inf`` always trains
        `max_iter` epochs.
    early_stopping : bool, default=False
        Set a part of the training data aside (or use `X_val` and `y_val`), stop when neither
        its accuracy nor its loss has improved by `tol` for `n_iter_no_change` epochs, and keep
        the weights of the epoch with the best accuracy (of those, the lowest loss).
    validation_fraction : float, default=0.1
        Part that early stopping sets aside, in (0, 1), stratified by class.
    class_weight : dict, "balanced" or None, default=None
        Weights by original label, or weights inversely proportional to the classes'
        frequencies. They multiply `sample_weight`.
    warm_start : bool, default=False
        Whether `fit` goes on from the last solution, the optimizer's state included.
    shuffle : bool, default=True
        Whether to draw a new order of the samples in every epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the order, dropout and the validation split. With an int,
        two fits of n epochs by `warm_start`, or 2n calls of `partial_fit`, give what one fit
        of 2n epochs gives.
    verbose : int, default=0
        Whether to print a line for every epoch.
    solver : {"sgd", "adam"}, default="sgd"
        Keras' optimizer. Adam is beyond the paper.
    activation : {"relu", "tanh", "logistic", "identity"}, default="relu"
        Activation of the hidden layers.
    alpha : float, default=0.0
        Strength of the L2 penalty, >= 0: ``alpha / 2 * sum(w ** 2)``, divided by the number of
        samples in the batch, is added to its loss. Beyond the paper.
    dropout : float, default=0.0
        Fraction of every hidden layer's outputs that a training step drops, in [0, 1). Beyond
        the paper.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted; the second is the positive class of two.
    coefs_ : list of ndarray of shape (n_in, n_out), float32
        Weights of each layer.
    intercepts_ : list of ndarray of shape (n_out,), float32
        Biases of each layer.
    loss_curve_ : list of float
        Mean training loss of each epoch, taken while its updates were made.
    best_loss_ : float
        Smallest value of `loss_curve_`.
    validation_scores_ : list of float or None
        Accuracy on the validation samples after each epoch; None without validation.
    best_validation_score_ : float or None
        Largest value of `validation_scores_`.
    n_iter_ : int
        Epochs of the last `fit`, or of all calls of `partial_fit`.
    n_updates_ : int
        Updates since the weights were drawn, `t` of the learning rate.
    out_activation_ : {"logistic", "softmax"}
        Activation of the output.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where `X` has names that are all strings.

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
    Weights of samples are scaled to mean 1, so that their common factor does not act on the
    learning rate, and samples of weight 0 are left out. Training is in float32; scores are
    computed in the precision of X.

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
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
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
        hidden_layer_sizes=(512, 256, 128, 64),
        *,
        learning_rate_init=1e-4,
        momentum=0.9,
        decay=1e-6,
        batch_size=32,
        max_iter=200,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        class_weight=None,
        warm_start=False,
        shuffle=True,
        random_state=None,
        verbose=0,
        solver="sgd",
        activation="relu",
        alpha=0.0,
        dropout=0.0,
    ):
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
    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None, groups=None):
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
            Features to watch training with instead of a part of X: `validation_scores_` is
            recorded, and `early_stopping` decides by it.
        y_val : array-like of shape (n_validation_samples,), default=None
            Labels of `X_val`.
        groups : array-like of shape (n_samples,), default=None
            Source of each sample. Early stopping's split keeps the samples of a source on one
            side; unused otherwise.

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
        classes = np.unique(y)
        if resume and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"With warm_start=True, y must hold the classes of the previous fit, "
                f"{self.classes_}; it holds {classes}."
            )
        settings = self._settings()
        samples, kept = self._to_samples(X, y, sample_weight, classes)
        if len(np.unique(samples.y)) < 2:
            raise ValueError(
                "FakeSpotterClassifier needs at least two classes; the samples whose weight is "
                f"not zero are of one class, {classes[samples.y[0]]}."
            )
        state = self._resumed_state() if resume else self._first_state(X, classes, settings)
        if X_val is not None or y_val is not None:
            validation = self._to_validation_samples(X_val, y_val, classes)
        elif self.early_stopping:
            groups = None if groups is None else _take_groups(groups, X, kept)
            training_part, validation_part = _perceptron.validation_split(
                samples.y, groups, self.validation_fraction, settings.seed
            )
            samples, validation = samples.take(training_part), samples.take(validation_part)
        else:
            validation = None

        hooks = {"estimator": self, "X": X, "y": y, "metadata": None}
        if sample_weight is not None:
            hooks["metadata"] = {"sample_weight": sample_weight}
        context = self._init_callback_context(max_subtasks=self.max_iter)
        context.call_on_fit_task_begin(**hooks)
        with _perceptron.training_session(settings, samples, state, validation) as session:
            fitted = self._run_epochs(session, classes, context, hooks)
        vars(self).update(fitted)
        context.call_on_fit_task_end(**hooks, reconstruction_attributes=fitted)
        return self

    def _run_epochs(self, session, classes, context, hooks):
        """Train until a rule or a callback stops it; return the fitted attributes."""

        def fitted():
            state = session.state(keep_slots=self.warm_start)
            return self._fitted_attributes(state, classes, n_iter)

        for n_iter in range(1, self.max_iter + 1):
            task = context.subcontext(task_name="epoch").call_on_fit_task_begin(**hooks)
            session.run_epoch()
            self._report(session, n_iter)
            stopped = task.call_on_fit_task_end(**hooks, reconstruction_attributes=fitted)
            if stopped or session.epochs_without_improvement >= self.n_iter_no_change:
                break
        return fitted()

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
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
        classes = self._check_partial_classes(classes, y)
        settings = replace(self._settings(), max_iter=1)
        samples, _ = self._to_samples(X, y, sample_weight, classes)
        state = self._first_state(X, classes, settings) if first else self._resumed_state()
        with _perceptron.training_session(settings, samples, state) as session:
            session.run_epoch()
            self._report(session, len(session.loss_curve))
            state = session.state(keep_slots=True)
        vars(self).update(self._fitted_attributes(state, classes, len(state.loss_curve)))
        return self

    def predict(self, X):
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
        predicted = _perceptron.predicted_classes(self._logits(X))
        return self.classes_[predicted]

    def predict_proba(self, X):
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
        return _perceptron.probabilities(self._logits(X))

    def decision_function(self, X):
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
        return _perceptron.log_odds(self._logits(X))

    @property
    def model_(self):
        """keras.Model: the fitted network, made anew at each access (see `to_keras`)."""
        return self.to_keras()

    def to_keras(self):
        """Build a Keras model of the fitted network.

        Returns
        -------
        model : keras.Sequential
            Takes (n_samples, n_features) float32, scaled as in `fit`. Returns probabilities:
            of ``classes_[1]``, (n_samples, 1), where there are two classes, else
            (n_samples, n_classes). It is a copy: training it does not change the classifier.
        """
        check_is_fitted(self)
        output = {"logistic": "sigmoid", "softmax": "softmax"}[self.out_activation_]
        layer_sizes = (self.n_features_in_, *map(len, self.intercepts_))
        model = _perceptron.build_network(
            layer_sizes, self.activation, dropout=self.dropout, output=output
        )
        _perceptron.set_weights(model, self.coefs_, self.intercepts_)
        return model

    def export(self, path, *, format="tf_saved_model"):  # noqa: A002
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
        """
        self.to_keras().export(str(path), format=format, verbose=False)

    def _logits(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=_FLOATS, reset=False)
        return _perceptron.logits(X, self.coefs_, self.intercepts_, self.activation)

    def _settings(self):
        names = (field.name for field in fields(_perceptron.TrainingSettings))
        values = {name: getattr(self, name) for name in names if name != "seed"}
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        return _perceptron.TrainingSettings(**values, seed=int(seed))

    def _validate(self, X, y, sample_weight, *, reset):
        X, y = validate_data(self, X, y, dtype=_FLOATS, reset=reset)
        check_classification_targets(y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
            if sample_weight.min() < 0 or sample_weight.max() == 0:
                raise ValueError(
                    "sample_weight must be >= 0 and not zero for all samples; it lies between "
                    f"{sample_weight.min()} and {sample_weight.max()}."
                )
        return X, y, sample_weight

    def _check_partial_classes(self, classes, y):
        """Return all classes of partial_fit, given now or in the first call."""
        if classes is None:
            if not hasattr(self, "classes_"):
                raise ValueError("classes must be given in the first call to partial_fit.")
            classes = self.classes_
        classes = np.unique(classes)
        if hasattr(self, "classes_") and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes={classes} differ from those of the first call, {self.classes_}. "
                "Leave classes out, or use a new classifier."
            )
        if len(classes) < 2:
            raise ValueError(f"partial_fit needs at least two classes; classes={classes}.")
        _refuse_unknown(y, classes, "y")
        return classes

    def _to_samples(self, X, y, sample_weight, classes):
        """Return the samples whose weight is not 0, and a mask of them."""
        y = np.searchsorted(classes, y)
        weight = _perceptron.weight_by_class(self.class_weight, classes, y, sample_weight)
        kept = np.ones(len(y), dtype=bool) if weight is None else weight > 0
        if not kept.any():
            raise ValueError(
                "class_weight and sample_weight together leave no sample of a weight above "
                f"zero (class_weight={self.class_weight!r})."
            )
        if weight is not None:
            X, y, weight = X[kept], y[kept], _perceptron.normalised(weight[kept])
        return _perceptron.Samples(_perceptron.as_float32(X), y, weight), kept

    def _to_validation_samples(self, X_val, y_val, classes):
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val must be given together.")
        X_val = validate_data(self, X_val, dtype=_FLOATS, reset=False)
        y_val = column_or_1d(y_val, warn=True)
        check_consistent_length(X_val, y_val)
        _refuse_unknown(y_val, classes, "y_val")
        y_val = np.searchsorted(classes, y_val)
        return _perceptron.Samples(_perceptron.as_float32(X_val), y_val, None)

    def _first_state(self, X, classes, settings):
        if _perceptron.looks_unscaled(X):
            warnings.warn(
                "The columns of X look like unscaled counts, from which gradient descent does "
                "not learn. Put a StandardScaler before the classifier in a Pipeline, as "
                "make_fakespotter does.",
                UserWarning,
                stacklevel=4,
            )
        n_outputs = 1 if len(classes) == 2 else len(classes)
        layer_sizes = (X.shape[1], *self._hidden_layer_sizes(), n_outputs)
        return _perceptron.TrainingState.initial(layer_sizes, settings.seed)

    def _resumed_state(self):
        hidden = tuple(map(len, self.intercepts_[:-1]))
        if hidden != self._hidden_layer_sizes():
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} differ from those of the fitted "
                f"network, {hidden}, which cannot be trained further. Set warm_start=False and "
                "use fit to start anew."
            )
        return _perceptron.TrainingState(
            coefs=self.coefs_,
            intercepts=self.intercepts_,
            slots=self._optimizer_slots,
            n_updates=self.n_updates_,
            loss_curve=self.loss_curve_,
            validation_scores=self.validation_scores_ or [],
        )

    def _hidden_layer_sizes(self):
        sizes = self.hidden_layer_sizes
        sizes = (sizes,) if isinstance(sizes, Integral) else tuple(sizes)
        if not all(isinstance(size, Integral) and size > 0 for size in sizes):
            raise InvalidParameterError(
                "hidden_layer_sizes must be an int or a sequence of ints, each at least 1; got "
                f"{self.hidden_layer_sizes!r}."
            )
        return tuple(map(int, sizes))

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
            "_optimizer_slots": state.slots,
        }

    def _report(self, session, n_iter):
        if self.verbose:
            score = session.validation_scores
            score = f", validation score {score[-1]:.4f}" if score else ""
            print(f"Epoch {n_iter}: loss {session.loss_curve[-1]:.6f}{score}")


def _refuse_unknown(y, classes, name):
    unknown = np.setdiff1d(y, classes)
    if unknown.size:
        raise ValueError(
            f"{name} holds labels that are not among the classes {classes}: {unknown}."
        )


def _take_groups(groups, X, kept):
    groups = column_or_1d(groups)
    check_consistent_length(X, groups)
    return groups[kept]
