# SPDX-License-Identifier: BSD-3-Clause
"""The private parts of scikit-learn that this package uses, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)
from sklearn.utils.validation import (
    _check_feature_names,
    _check_method_params,
    _check_sample_weight,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TypeVar

    _Function = TypeVar("_Function", bound=Callable[..., Any])

    class _Decorator(Protocol):
        def __call__(self, function: _Function, /) -> _Function: ...

    # scikit-learn has no types, and what an untyped decorator returns would have none.
    def _fit_context(*, prefer_skip_nested_validation: bool) -> _Decorator: ...
    def available_if(check: Callable[[Any], bool]) -> _Decorator: ...
else:
    from sklearn.base import _fit_context
    from sklearn.utils.metaestimators import available_if

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9

    class _NoCallbackContext:
        """Stands for the context of a task that no callback watches."""

        def subcontext(self, **_):
            return self

        def call_on_fit_task_begin(self, **_):
            return self

        def call_on_fit_task_end(self, **_):
            return False

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Lets an estimator announce its tasks where scikit-learn has no callbacks yet."""

        def _init_callback_context(self, **_):
            return _NoCallbackContext()


class WeightedScoreMixin:
    """Lets a Pipeline request sample weights for `score`.

    scikit-learn < 1.8 asks the Pipeline itself what `cross_validate` gives to `score`, and not its
    last step. That requests weights, too; see `make_fakespotter`.
    """

    __metadata_request__score = {"sample_weight": True}


def is_roc_auc(scorer):
    """Whether a scorer computes the whole area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    return getattr(scorer, "_score_func", None) is roc_auc_score and not scorer._kwargs


def __getattr__(name):
    # Only one estimator needs it, and it imports a large part of scikit-learn.
    if name == "LinearClassifierMixin":
        from sklearn.linear_model._base import LinearClassifierMixin

        return LinearClassifierMixin
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def unset_requests(estimator, method):
    """Set of the metadata of a method that an object neither requests nor refuses by itself."""
    if not hasattr(estimator, "_get_metadata_request"):
        return set()
    requests = getattr(estimator._get_metadata_request(), method).requests
    return {name for name, request in requests.items() if request is None}


def name_owner_of_requests(estimator):
    """Let the metadata requests of an estimator hold its name instead of the estimator.

    They need it for messages only, and skops cannot save objects that refer to each other.
    """
    requests = getattr(estimator, "_metadata_request", None)
    for part in (requests, *vars(requests).values()) if requests else ():
        if hasattr(part, "owner"):
            part.owner = type(estimator).__name__


def validate_parameters(value):
    """Check the types and ranges of an estimator's parameters; do nothing for other values."""
    is_estimator = isinstance(value, BaseEstimator) and hasattr(value, "_parameter_constraints")
    if is_estimator and not get_config()["skip_parameter_validation"]:
        value._validate_params()


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "Options",
    "StrOptions",
    "WeightedScoreMixin",
    "_check_feature_names",
    "_check_method_params",
    "_check_sample_weight",
    "_fit_context",
    "_safe_indexing",
    "available_if",
    "is_roc_auc",
    "name_owner_of_requests",
    "unset_requests",
    "validate_parameters",
]
