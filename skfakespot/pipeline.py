"""The whole detector as one scikit-learn Pipeline."""

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

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
    augment : None or imbalanced-learn sampler, default=None
        Resamples the training images first. The detector is then an imbalanced-learn Pipeline,
        which does so in `fit` only.
    output : {"layer", "channel"}, default="layer"
        One feature for each layer (the paper), or for each feature map.
    classifier : None or classifier, default=None
        None for `FakeSpotterClassifier`. A classifier that is given is cloned.
    memory : None, default=None
        Passed to the transformer's parameter of that name.
    random_state : None, int or RandomState, default=None
        Seeds the classifier, if it is `FakeSpotterClassifier`.
    verbose : int, default=0
        With 1, the transformer shows progress bars.

    Returns
    -------
    detector : sklearn.pipeline.Pipeline or imblearn.pipeline.Pipeline
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
    if classifier is None:
        classifier = FakeSpotterClassifier(random_state=random_state)
    else:
        classifier = clone(classifier)
    # Raw counts reach the hundreds of thousands, from which gradient descent cannot learn.
    steps = [("coverage", coverage), ("scale", StandardScaler()), ("classify", classifier)]
    if augment is None:
        return Pipeline(steps)
    from imblearn.pipeline import Pipeline as ResamplingPipeline

    return ResamplingPipeline([("augment", clone(augment)), *steps])
