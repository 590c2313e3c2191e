# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's Pipeline, with checks of the labels before the network runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn.pipeline import Pipeline

from .._documentation import DocumentationLinkMixin
from .._sklearn_compat import WeightedScoreMixin
from ._checks import check_training_data

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Images


class DetectorPipeline(DocumentationLinkMixin, WeightedScoreMixin, Pipeline):
    """Pipeline of scikit-learn, whose `fit` checks the labels before the network runs.

    With many images, the network takes much longer than the classifier, which would find what is
    wrong with the labels. So it is checked first that there is one label for each image, as well
    as one weight and one group if these are given, that there are two classes, that each has
    enough images for the folds of a calibrated classifier, and that the parameters of all steps
    are accepted.

    .. versionadded:: 0.1

    Parameters
    ----------
    steps : list of tuple of (str, estimator)
        Names and steps, as in :class:`sklearn.pipeline.Pipeline`.
    transform_input : None or list of str, default=None
        As in :class:`sklearn.pipeline.Pipeline`.
    memory : None, str or joblib.Memory, default=None
        Where fitted transformers are cached.
    verbose : bool, default=False
        Whether to print the time that each step takes.

    Examples
    --------
    >>> from skfakespot import make_fakespotter
    >>> make_fakespotter().fit(["face1.jpg", "face2.jpg"], [1, 1])
    Traceback (most recent call last):
    ...
    ValueError: y has one class only, 1, but a detector learns from real and fake faces. ...
    """

    def fit(self, X: Images, y: ArrayLike | None = None, **params: Any) -> Self:
        """Check the labels and the parameters, then fit the steps.

        Parameters
        ----------
        X : array-like
            Images; see `NeuronCoverageTransformer.fit`.
        y : array-like of shape (n_samples,)
            Labels.
        **params : dict
            Parameters of the steps' `fit`, as in :class:`sklearn.pipeline.Pipeline`.

        Returns
        -------
        self : DetectorPipeline
            The fitted pipeline.

        Raises
        ------
        ValueError
            If the labels, the weights or a parameter are not accepted.
        """
        check_training_data(self, X, y, params)
        return super().fit(X, y, **params)
