# SPDX-License-Identifier: BSD-3-Clause
"""Data to train or validate on: float32 features, class indices, weights of mean 1, groups."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from ._split import validation_split

# Standardised columns have a root mean square of 1 and pixels at most 255; raw counts of
# neurons have thousands.
_UNSCALED_ROOT_MEAN_SQUARE = 300.0


@dataclass(frozen=True)
class TrainingData:
    """Features, class indices (n_samples,), and the weights and groups of samples, or None."""

    X: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None

    @classmethod
    def from_labels(
        cls, X, y, classes, *, sample_weight=None, class_weight=None, groups=None, y_name="y"
    ):
        """Encode labels, multiply the weights and leave out samples of weight 0."""
        unknown = np.setdiff1d(y, classes)
        if unknown.size:
            raise ValueError(
                f"{y_name} holds labels that are not among the classes {classes}: {unknown}."
            )
        y = np.searchsorted(classes, y)
        weight = _total_weight(class_weight, classes, y, sample_weight)
        data = cls(X, y, weight, groups)
        if weight is not None:
            if not (weight > 0).any():
                raise ValueError(
                    "class_weight and sample_weight together leave no sample of a weight above "
                    f"zero (class_weight={class_weight!r})."
                )
            data = data.take(weight > 0)
        return replace(data, X=_as_float32(data.X))

    def take(self, indices):
        """Return a part of the samples, with weights scaled to mean 1."""
        weight, groups = self.sample_weight, self.groups
        if weight is not None:
            weight = weight[indices]
            # A common factor of the weights would act like another learning rate.
            weight = weight / weight.mean()
        groups = None if groups is None else groups[indices]
        return TrainingData(self.X[indices], self.y[indices], weight, groups)

    def split(self, validation_fraction, seed):
        """Return the data to train on and the data to validate on."""
        parts = validation_split(self.y, self.groups, validation_fraction, seed)
        return tuple(self.take(part) for part in parts)


def warn_if_unscaled(X):
    """Warn if a column of X has the size of counts, not of standardised features."""
    mean_square = np.einsum("ij,ij->j", X, X, dtype=np.float64) / len(X)
    if mean_square.max() > _UNSCALED_ROOT_MEAN_SQUARE**2:
        warnings.warn(
            "The columns of X look like unscaled counts, from which gradient descent does "
            "not learn. Put a StandardScaler before the classifier in a Pipeline, as "
            "make_fakespotter does.",
            UserWarning,
            stacklevel=5,
        )


def _total_weight(class_weight, classes, y, sample_weight):
    """Weight of each sample times the weight of its class, or None where both are None."""
    if class_weight is None:
        return sample_weight
    if class_weight == "balanced":
        totals = np.bincount(y, weights=sample_weight, minlength=len(classes))
        factors = np.zeros(len(classes))
        present = totals > 0
        factors[present] = 1.0 / totals[present]
    else:
        factors = compute_class_weight(class_weight, classes=classes, y=classes)
        if factors.min() < 0:
            raise ValueError(
                f"class_weight holds negative weights: {class_weight!r}. Weights must be >= 0."
            )
    factors = factors[y]
    return factors if sample_weight is None else factors * sample_weight


def _as_float32(X):
    with np.errstate(over="ignore"):
        X = np.ascontiguousarray(X, dtype=np.float32)
    if not np.isfinite(X).all():
        raise ValueError(
            f"X holds values beyond the range of float32 (±{np.finfo(np.float32).max:.1e}), in "
            "which networks are trained. Standardise X, for example with a StandardScaler "
            "before the classifier in a Pipeline."
        )
    return X
