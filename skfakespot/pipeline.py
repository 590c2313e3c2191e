"""The whole detector as one scikit-learn Pipeline."""

import imblearn.pipeline
import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from ._documentation import DocumentationLinkMixin
from .augmentation import PerturbationAugmenter
from .classifier import FakeSpotterClassifier
from .coverage import NeuronCoverageTransformer


def make_fakespotter(
    backbone="dlib-resnet29",
    *,
    augment=None,
    output="layer",
    classifier=None,
    memory=None,
    random_state=None,
    verbose=0,
):
    """Make an unfitted detector: neuron coverage, standardisation, the paper's classifier.

    Parameters
    ----------
    backbone : str, path-like, keras.Model, Backbone or callable, default="dlib-resnet29"
        The network that is watched; see `NeuronCoverageTransformer`.
    augment : None, True or imbalanced-learn sampler, default=None
        Resamples the training images first; True for a `PerturbationAugmenter` of its defaults
        and this `random_state`. The detector is then an `AugmentedPipeline`, which does so in
        `fit` only. A sampler that is given is cloned.
    output : {"layer", "channel"}, default="layer"
        One feature for each layer (the paper), or for each feature map. Feature maps are read
        after the activation and, of ``"dlib-resnet29"``, on images of 224 x 224 pixels, which
        keep more of what a generator leaves behind than its own 150 x 150.
    classifier : None or classifier, default=None
        A classifier that is given is cloned. None for `FakeSpotterClassifier`, the paper's, or
        with ``output="channel"`` for a support-vector machine with a radial kernel, which does
        better where there are more features than faces; its probabilities are calibrated on five
        folds, so at least five faces of each class are needed. With `augment`, copies of an image
        lie in several of these folds: the ranking is as good, the probabilities may be too sure.
    memory : None, str, path-like or joblib.Memory, default=None
        Folder of the transformer's profiles: with it, a cross-validation looks at each image once.
    random_state : None, int or RandomState, default=None
        Seeds the classifier and the augmenter, where they are not given.
    verbose : int, default=0
        With 1, the transformer shows progress bars.

    Returns
    -------
    detector : sklearn.pipeline.Pipeline or AugmentedPipeline
        Steps ``coverage``, ``scale`` and ``classify``, and ``augment`` first where it was asked
        for.

    Examples
    --------
    >>> from skfakespot import make_fakespotter
    >>> detector = make_fakespotter(random_state=0)
    >>> list(detector.named_steps)
    ['coverage', 'scale', 'classify']
    """
    coverage = NeuronCoverageTransformer(backbone, output=output, memory=memory, verbose=verbose)
    if output == "channel":
        coverage.set_params(tap="activation")
        if backbone == "dlib-resnet29":
            coverage.set_params(image_size=(224, 224))
    if classifier is not None:
        classifier = clone(classifier)
    elif output == "channel":
        classifier = CalibratedClassifierCV(SVC(C=3.0), ensemble=False)
    else:
        classifier = FakeSpotterClassifier(random_state=random_state)
    # Raw counts reach the hundreds of thousands, from which gradient descent cannot learn.
    steps = [("coverage", coverage), ("scale", StandardScaler()), ("classify", classifier)]
    if augment is None:
        return Pipeline(steps)
    if augment is True:
        augment = PerturbationAugmenter(random_state=random_state)
    return AugmentedPipeline([("augment", clone(augment)), *steps])


class AugmentedPipeline(DocumentationLinkMixin, imblearn.pipeline.Pipeline):
    """imbalanced-learn's Pipeline, in which the copies of an image know their source.

    A classifier that sets training data aside for early stopping must not have a copy of an image
    on either side, or it is tested on what it was trained on. Where the first step is a sampler
    that tells which row each row of its result comes from (`sample_indices_`), and `fit` of the
    last step takes ``groups``, they are passed: the row that a copy comes from, or the group of
    that row if groups are given to `fit`. Sample weights that are given follow the copies too.

    Parameters
    ----------
    steps : list of tuple of (str, estimator)
        Names and steps, as in :class:`imblearn.pipeline.Pipeline`.
    transform_input : None or list of str, default=None
        As in :class:`imblearn.pipeline.Pipeline`.
    memory : None, str or joblib.Memory, default=None
        Where fitted transformers are kept. The first step, if it is a sampler, is not.
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

    def fit(self, X, y=None, **params):
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
        name, sampler = self.steps[0]
        if not hasattr(sampler, "fit_resample"):
            return super().fit(X, y, **params)
        prefix = f"{name}__"
        of_sampler = {key: params.pop(key) for key in list(params) if key.startswith(prefix)}
        of_sampler = {key.removeprefix(prefix): value for key, value in of_sampler.items()}
        X, y = sampler.fit_resample(X, y, **of_sampler)
        if hasattr(sampler, "sample_indices_"):
            params = self._follow(params, sampler.sample_indices_)
        rest = self[1:].fit(X, y, **params)
        self.steps = [self.steps[0], *rest.steps]
        return self

    def _follow(self, params, rows):
        """Give each copy the weight and the group of its source."""
        followed = {
            key: np.asarray(value)[rows]
            if value is not None and key.split("__")[-1] in ("sample_weight", "groups")
            else value
            for key, value in params.items()
        }
        name, last = self.steps[-1]
        if not has_fit_parameter(last, "groups"):
            return followed
        if not get_config()["enable_metadata_routing"]:
            return {f"{name}__groups": rows, **followed}
        if get_routing_for_object(last).fit.requests.get("groups") is False:
            return followed
        return {"groups": rows, **followed}
