# SPDX-License-Identifier: BSD-3-Clause
"""imbalanced-learn's Pipeline, which keeps the copies of an image together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import imblearn.pipeline
import numpy as np
from sklearn import get_config
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from .._documentation import DocumentationLinkMixin
from .._sklearn_compat import WeightedScoreMixin
from ..missing import SkipMissingClassifier
from ._checks import check_training_data

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Images


class AugmentedPipeline(DocumentationLinkMixin, WeightedScoreMixin, imblearn.pipeline.Pipeline):
    """Pipeline of imbalanced-learn, which groups the copies of an image by their source.

    A classifier that validates on a part of its training data, for early stopping, must not train
    on one copy of an image and validate on another. If the first sampler among the steps has the
    fitted attribute `sample_indices_`, the source row of each resampled row, and `fit` of the
    last step takes ``groups``, the Pipeline passes groups to it: the source rows, or the groups
    of the source rows if groups are given to `fit`. Each copy also gets the sample weight of its
    source row, if weights are given. The steps before the sampler keep one row for each image.

    .. versionadded:: 0.1

    Parameters
    ----------
    steps : list of tuple of (str, estimator)
        Names and steps, as in :class:`imblearn.pipeline.Pipeline`.
    transform_input : None or list of str, default=None
        As in :class:`imblearn.pipeline.Pipeline`.
    memory : None, str or joblib.Memory, default=None
        Where fitted transformers are cached. The first sampler is not cached.
    verbose : bool, default=False
        Whether to print the time that each step takes.

    Examples
    --------
    >>> from skfakespot import FakeSpotterClassifier, make_fakespotter
    >>> classifier = FakeSpotterClassifier(early_stopping=True, random_state=0)
    >>> detector = make_fakespotter(augment=True, classifier=classifier, random_state=0)
    >>> list(detector.named_steps)
    ['augment', 'coverage', 'scale', 'classify']
    """

    if TYPE_CHECKING:
        steps: list[tuple[str, Any]]

    def fit(self, X: Images, y: ArrayLike | None = None, **params: Any) -> Self:
        """Resample, then fit the other steps.

        Parameters
        ----------
        X : array-like
            Images; see `NeuronCoverageTransformer.fit`.
        y : array-like of shape (n_samples,)
            Labels.
        **params : dict
            Parameters of the steps' `fit`, such as ``classify__sample_weight`` and
            ``classify__groups``, one for each row of X (with scikit-learn's metadata routing
            enabled, ``sample_weight`` and ``groups``).

        Returns
        -------
        self : AugmentedPipeline
            The fitted pipeline.
        """
        check_training_data(self, X, y, params)
        samplers = (n for n, (_, step) in enumerate(self.steps) if hasattr(step, "fit_resample"))
        place = next(samplers, None)
        if place is None:
            return super().fit(X, y, **params)
        name, sampler = self.steps[place]
        before = self[:place]
        if place > 0:
            X = before.fit_transform(X, y)
        prefix = f"{name}__"
        of_sampler = {key: params.pop(key) for key in list(params) if key.startswith(prefix)}
        of_sampler = {key.removeprefix(prefix): value for key, value in of_sampler.items()}
        X, y = sampler.fit_resample(X, y, **of_sampler)
        if hasattr(sampler, "sample_indices_"):
            params = self._params_of_copies(params, sampler.sample_indices_)
        rest = self[place + 1 :].fit(X, y, **params)
        self.steps = [*before.steps, (name, sampler), *rest.steps]
        return self

    def _params_of_copies(self, params, rows):
        """Give each copy the weight and the group of its source row."""
        params = {
            key: np.asarray(value)[rows]
            if value is not None and key.split("__")[-1] in ("sample_weight", "groups")
            else value
            for key, value in params.items()
        }
        name, last = self.steps[-1]
        classifier = last.estimator if isinstance(last, SkipMissingClassifier) else last
        if not has_fit_parameter(classifier, "groups"):
            return params
        if not get_config()["enable_metadata_routing"]:
            return {f"{name}__groups": rows, **params}
        if get_routing_for_object(classifier).fit.requests.get("groups") is False:
            return params
        return {"groups": rows, **params}
