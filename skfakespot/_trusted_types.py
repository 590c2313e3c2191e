# SPDX-License-Identifier: BSD-3-Clause
"""The types in files of detectors, for skops, which loads only types that it is told to trust."""

from __future__ import annotations

_TYPES = (
    "skfakespot._perturbations._perturbation.Perturbation",
    "skfakespot.augmentation.PerturbationAugmenter",
    "skfakespot.classifier.FakeSpotterClassifier",
    "skfakespot.coverage.NeuronCoverageTransformer",
    "skfakespot.faces._cropper.FaceCropper",
    "skfakespot.missing.SkipMissingClassifier",
    "skfakespot.pipeline._augmented.AugmentedPipeline",
    "skfakespot.pipeline._detector.DetectorPipeline",
    "skfakespot.preprocessing.BlockwiseStandardScaler",
    "skfakespot.ridge.DualRidgeClassifier",
    "skfakespot.video._classifier.VideoClassifier",
    # Parts of scikit-learn's classes that skops does not trust by itself.
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
)


def trusted_types() -> list[str]:
    """List the types of this package that a file of skops may hold without harm.

    skops trusts most of scikit-learn by itself. A file that needs other types than these runs
    code that you do not know when it is loaded: look at ``skops.io.get_untrusted_types`` first.

    .. versionadded:: 0.1

    Returns
    -------
    types : list of str
        Full names, for the parameter `trusted` of ``skops.io.load``.

    Examples
    --------
    >>> import skops.io
    >>> from skfakespot import make_fakespotter, trusted_types
    >>> data = skops.io.dumps(make_fakespotter())
    >>> skops.io.loads(data, trusted=trusted_types()).steps[0]
    ('coverage', NeuronCoverageTransformer())
    """
    return list(_TYPES)
