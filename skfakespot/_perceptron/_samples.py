"""Training samples: float32 features, class indices and weights of mean 1."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

# Standardised columns have a root mean square of 1 and pixels at most 255; raw counts of
# neurons have thousands.
_UNSCALED_ROOT_MEAN_SQUARE = 300.0


@dataclass(frozen=True)
class Samples:
    """X (n_samples, n_features) float32, y (n_samples,) class indices, weights or None."""

    X: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None

    def take(self, indices):
        """Return a part of the samples, its weights of mean 1 again."""
        weight = self.sample_weight
        return Samples(
            self.X[indices],
            self.y[indices],
            None if weight is None else normalised(weight[indices]),
        )


def normalised(weight):
    """Scale weights to mean 1, so that their common factor leaves the learning rate alone."""
    return weight / weight.mean()


def weight_by_class(class_weight, classes, y, sample_weight):
    """Sample weights, or None, times the weight of each sample's class."""
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


def looks_unscaled(X):
    """Whether a column's root mean square is that of counts rather than of features."""
    mean_square = np.einsum("ij,ij->j", X, X, dtype=np.float64) / len(X)
    return bool(mean_square.max(initial=0) > _UNSCALED_ROOT_MEAN_SQUARE**2)


def as_float32(X):
    """Cast X to float32, in which networks are trained; refuse what does not fit."""
    with np.errstate(over="ignore"):
        X = np.ascontiguousarray(X, dtype=np.float32)
    if not np.isfinite(X).all():
        raise ValueError(
            f"X holds values beyond the range of float32 (±{np.finfo(np.float32).max:.1e}), in "
            "which networks are trained. Standardise X, for example with a StandardScaler "
            "before the classifier in a Pipeline."
        )
    return X
