# SPDX-License-Identifier: BSD-3-Clause
"""`make_fakespotter`: the whole detector from a few choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sklearn import config_context
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from .._sklearn_compat import name_owner_of_requests, unset_requests, validate_parameters
from ..augmentation import PerturbationAugmenter
from ..classifier import FakeSpotterClassifier
from ..coverage import NeuronCoverageTransformer
from ..faces import FaceCropper
from ..missing import SkipMissingClassifier
from ..preprocessing import BlockwiseStandardScaler
from ..ridge import DualRidgeClassifier
from ._augmented import AugmentedPipeline
from ._checks import check_parameters
from ._detector import DetectorPipeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import BackboneLike, Estimator, Memory, OnError, RandomState, Statistic

# Sizes at which the networks see more of a generator's traces than at their own sizes, by recipe.
_IMAGE_SIZES = {
    "paper": {"dlib-resnet29": (224, 224)},
    "statistics": {"dlib-resnet29": (256, 256)},
}
_STATISTICS = ("mean", "std", "skewness", "kurtosis", "autocorrelation")


def make_fakespotter(
    backbone: BackboneLike | Sequence[BackboneLike] = "dlib-resnet29",
    *,
    recipe: Literal["paper", "statistics"] = "paper",
    augment: Literal[True] | Estimator | None = None,
    output: Literal["layer", "channel"] | None = None,
    statistics: Sequence[Statistic] | None = None,
    faces: bool = False,
    on_error: OnError = "raise",
    classifier: Estimator | None = None,
    memory: Memory = None,
    random_state: RandomState = None,
    verbose: int = 0,
) -> DetectorPipeline | AugmentedPipeline:
    """Make an unfitted detector: features of a network's neurons, standardised, and a classifier.

    .. versionadded:: 0.1

    Parameters
    ----------
    backbone : str, path-like, keras.Model, Backbone, callable or list, default="dlib-resnet29"
        The network whose neurons are read, or a list of networks, which are read together; see
        `NeuronCoverageTransformer`.
    recipe : {"paper", "statistics"}, default="paper"
        What the detector is made of; `output`, `statistics` and `classifier` replace parts of it.

        - "paper": counts of active neurons, one for each layer, and the paper's classifier.
        - "statistics": mean, standard deviation, skewness, kurtosis and autocorrelation of each
          feature map, read before the activation, and a `DualRidgeClassifier`. It is the most
          accurate. ``"dlib-resnet29"`` then reads images of 256 x 256 pixels.
    augment : None, True or imbalanced-learn sampler, default=None
        Sampler that resamples the training images, or with `faces` their crops, before they are
        read. True is a `PerturbationAugmenter` with its default parameters and this
        `random_state`; a given sampler is cloned. The detector is then an `AugmentedPipeline`,
        which resamples in `fit` only.
    output : None, "layer" or "channel", default=None
        One feature for each layer, or features of each feature map. None is the recipe's: "layer"
        for "paper", "channel" for "statistics". With ``recipe="paper"``, feature maps are read
        after the activation, and ``"dlib-resnet29"`` reads images of 224 x 224 pixels.
    statistics : None or sequence of str, default=None
        What is taken of each feature map; see `NeuronCoverageTransformer`. None is the recipe's.
        With ``recipe="paper"``, any statistics but ``("coverage",)`` need ``output="channel"``.
    faces : bool, default=False
        Whether the largest face of each image is found and cut out first, by a
        `skfakespot.faces.FaceCropper`. False is for images that are crops of faces already.
    on_error : {"raise", "nan"}, default="raise"
        What an image does that cannot be read, or with `faces` holds no face: it raises an error,
        or a warning names it and the detector skips it. `fit` then leaves it out, `predict_proba`
        returns NaN for it, and `predict` the label "unknown" or -1; the classifier is in a
        `SkipMissingClassifier`, so that its parameters begin with ``classify__estimator__``. Score
        with `skfakespot.metrics.fake_detection_scorers`, which leave such images out;
        scikit-learn's own "roc_auc" does not accept NaN.
    classifier : None or classifier, default=None
        A given classifier is cloned. None is the recipe's: `DualRidgeClassifier` for "statistics",
        and the paper's `FakeSpotterClassifier` for "paper"; with ``recipe="paper"`` and
        ``output="channel"`` a support-vector machine with a radial kernel. Its probabilities are
        calibrated on five folds, so at least five faces of each class are needed. With `augment`,
        several folds hold copies of the same image: this does not harm the ranking of the images,
        but may move the probabilities too close to 0 and 1.
    memory : None, str, path-like or joblib.Memory, default=None
        Folder of the transformer's profiles, and with `faces` of the faces that were found. With
        it, cross-validation passes each image through the network only once.
    random_state : None, int or RandomState, default=None
        Seed of the classifier and of the augmenter; those that are given keep their own.
        `DualRidgeClassifier` needs none.
    verbose : int, default=0
        If 1, the transformer shows its progress; see `NeuronCoverageTransformer`.

    Returns
    -------
    detector : DetectorPipeline or AugmentedPipeline
        A :class:`sklearn.pipeline.Pipeline` with the steps ``coverage``, ``scale`` and
        ``classify``. Before them stand ``faces`` with `faces`, and ``augment`` with `augment`.

    Raises
    ------
    ValueError
        If a parameter is not accepted.

    Warns
    -----
    UserWarning
        If `backbone` is a function that cannot be pickled, such as a lambda.

    Examples
    --------
    >>> from skfakespot import make_fakespotter
    >>> detector = make_fakespotter(recipe="statistics")
    >>> list(detector.named_steps)
    ['coverage', 'scale', 'classify']
    """
    check_parameters(
        backbone,
        recipe=recipe,
        augment=augment,
        output=output,
        faces=faces,
        classifier=classifier,
        random_state=random_state,
    )
    coverage = NeuronCoverageTransformer(
        backbone,
        output=output or ("layer" if recipe == "paper" else "channel"),
        on_error=on_error,
        memory=memory,
        verbose=verbose,
    )
    by_map = coverage.output == "channel"
    if recipe == "statistics" and by_map:
        coverage.set_params(statistics=_STATISTICS)
    if statistics is not None:
        coverage.set_params(statistics=statistics)
    if by_map:
        tap = "activation" if recipe == "paper" else "layer"
        image_size = _image_size(backbone, _IMAGE_SIZES[recipe])
        coverage.set_params(tap=tap, image_size=image_size)
    validate_parameters(coverage)
    if classifier is None:
        classifier = _classifier(recipe, random_state, by_map=by_map)
    else:
        classifier = clone(classifier)
    if on_error == "nan":
        classifier = SkipMissingClassifier(classifier)
    # Raw counts reach hundreds of thousands, a scale on which gradient descent cannot learn.
    scale = StandardScaler()
    if recipe == "statistics":
        # The features belong to the Pipeline alone, so that they need not be copied.
        scale = BlockwiseStandardScaler(copy=False)
    _request_metadata(scale, classifier)
    steps = [("coverage", coverage), ("scale", scale), ("classify", classifier)]
    before = [("faces", FaceCropper(memory=memory, verbose=verbose))] if faces else []
    if augment is None:
        return DetectorPipeline([*before, *steps])
    if augment is True:
        augment = PerturbationAugmenter(random_state=random_state)
    return AugmentedPipeline([*before, ("augment", clone(augment)), *steps])


def _classifier(recipe, random_state, *, by_map):
    """The classifier of a recipe, for features of maps or of layers."""
    if recipe == "statistics":
        return DualRidgeClassifier()
    if by_map:
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.svm import SVC

        return CalibratedClassifierCV(SVC(C=3.0), ensemble=False)
    return FakeSpotterClassifier(random_state=random_state)


def _request_metadata(scale, classifier):
    """Let metadata routing give sample weights and groups to the classifier, and not to the scaler.

    Requests that are set already stay as they are.
    """
    with config_context(enable_metadata_routing=True):
        scale.set_fit_request(sample_weight=False)
        name_owner_of_requests(scale)
        for part in (classifier, *classifier.get_params().values()):
            for method in ("fit", "score"):
                unset = unset_requests(part, method) & {"sample_weight", "groups"}
                if unset:
                    getattr(part, f"set_{method}_request")(**dict.fromkeys(unset, True))
            name_owner_of_requests(part)


def _image_size(backbone, sizes):
    """The size for a backbone, or for each of a list; None for the network's own."""
    if isinstance(backbone, list | tuple):
        return [_image_size(each, sizes) for each in backbone]
    return sizes.get(backbone) if isinstance(backbone, str) else None
