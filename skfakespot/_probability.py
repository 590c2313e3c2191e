# SPDX-License-Identifier: BSD-3-Clause
"""The probability of the class fake, from any fitted classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._labels import fake_label, real_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._typing import Estimator, Label


def fake_probability(
    detector: Estimator, X: Any, *, pos_label: Label | None = None, **params: Any
) -> NDArray[np.floating[Any]]:
    """Return the probability that each image is fake, whatever the labels are.

    The columns of ``predict_proba`` follow the sorted labels: with the labels 0 and 1, column 1 is
    the probability of fake, but with "real" and "fake" it is column 0. This function finds the
    column.

    .. versionadded:: 0.1

    Parameters
    ----------
    detector : classifier
        A fitted classifier with ``predict_proba`` and ``classes_``, such as a Pipeline of
        `make_fakespotter`, a search or a :class:`~skfakespot.video.VideoClassifier`.
    X : array-like
        What ``detector.predict_proba`` takes, such as images or paths.
    pos_label : int, float, bool or str, default=None
        The label of fake. None if the labels are 0 and 1, False and True, or "real" and "fake" (in
        upper or lower case). With more than two classes, None means all classes other than the
        real one, which is 0 or "real".
    **params : dict
        Further parameters of ``predict_proba``, such as ``groups`` of a
        :class:`~skfakespot.video.VideoClassifier`.

    Returns
    -------
    probability : ndarray of shape (n_samples,), float
        The probability of fake, in [0, 1]; NaN where the detector gives NaN.

    Raises
    ------
    ValueError
        If the labels do not say which one means fake, or `pos_label` is not one of them.
    TypeError
        If the detector has no ``predict_proba``.

    See Also
    --------
    make_fakespotter : Make a detector.
    score_images : Score many images, in a table that says why an image has no score.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skfakespot import fake_probability
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["real", "real", "fake", "fake"]
    >>> classifier = LogisticRegression().fit(X, y)
    >>> classifier.classes_  # so predict_proba(X)[:, 1] is the probability of "real"
    array(['fake', 'real'], dtype='<U4')
    >>> fake_probability(classifier, X).round(2)
    array([0.19, 0.38, 0.62, 0.81])
    """
    if not hasattr(detector, "predict_proba"):
        raise TypeError(
            f"{type(detector).__name__} has no predict_proba, so it gives no probabilities. Wrap "
            "its classifier in sklearn.calibration.CalibratedClassifierCV, and fit again."
        )
    probabilities = np.asarray(detector.predict_proba(X, **params))
    classes = detector.classes_.tolist()
    if pos_label is None and len(classes) > 2:
        return 1 - probabilities[:, classes.index(real_label(classes))]
    return probabilities[:, classes.index(fake_label(classes, pos_label))]


def fake_scores(detector, X):
    """Return the score of the class fake of each image, from any fitted classifier of two classes.

    It is the decision value of fake, or its probability if there are no decision values. The
    larger, the more likely fake; NaN where the detector gives NaN.
    """
    if not hasattr(detector, "decision_function"):
        return fake_probability(detector, X)
    values = np.asarray(detector.decision_function(X))
    classes = detector.classes_.tolist()
    return values if fake_label(classes) == classes[1] else -values
