"""The sampler that makes fakes of real images, after the GAN simulator of Zhang et al. (2019)."""

import math
from numbers import Integral, Real

import numpy as np
from imblearn.base import BaseSampler
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import column_or_1d

from .._documentation import DocumentationLinkMixin
from .._labels import fake_label, is_real
from .._perturbations import UPSAMPLING_STAGES, Upsampling
from .._perturbed_samples import (
    draw_seeds,
    object_array,
    perturb_array,
    perturb_elements,
    put_into_container_of,
)
from .._sklearn_compat import (
    Interval,
    InvalidParameterError,
    StrOptions,
    _check_feature_names,
    validate_parameters,
)
from ..images import as_samples


class UpsamplingSimulator(DocumentationLinkMixin, BaseSampler):
    """Make fakes of the real training images: an imbalanced-learn sampler.

    A generator enlarges small feature maps step by step, and these steps leave traces in the
    spectrum of its images. Zhang et al. trained a network to copy real images, and took the copies
    for fakes, so that their detector needs no image of any generator. Here no network is trained:
    each real image is shrunk to half its size and doubled again as in the last step of a
    generator, in one of three ways that is drawn at random. Files are not read: a fake of a file is
    a small object that is made when the image is read.

    Parameters
    ----------
    stages : str or sequence of str, default=("zero-insertion", "nearest", "bilinear")
        The ways to draw from, all with the same probability; see `Upsampling`.
    share : float, default=0.5
        Share of the doubled image in its mean with the real image, above 0 and up to 1. With 1,
        a fake has lost all the finest detail, by which it is told from a real image too easily.
    keep_fakes : bool, default=False
        Whether the result also holds the fakes in X. With False they are left out, so that a
        Pipeline in a cross-validation is trained without any fake, and tested on fakes.
    random_state : None, int or RandomState, default=None
        Draws the ways and the kernels.
    n_jobs : None or int, default=None
        Number of threads that make the fakes of an array; None for 1.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_samples_new,)
        Row in X of the image of each row of the result.
    stages_ : ndarray of shape (n_samples_new,), object
        The way in which each row was made; None for the images of X.
    n_features_in_ : int
        Number of values of one sample: pixels and colours of an array, and 1 for a path or an
        image of its own size.
    feature_names_in_ : ndarray of shape (n_features,), object
        Names of the columns, where X was a DataFrame with string names.

    See Also
    --------
    skfakespot.pipeline.AugmentedPipeline : Keeps a real image and its fake together where a
        classifier leaves images out.
    LogSpectrumTransformer : The features that Zhang et al. use it with.

    Notes
    -----
    The demonstration's fakes (`skfakespot.datasets.load_demo_faces`) are made by the same
    "zero-insertion", twice.

    References
    ----------
    Zhang, X., Karaman, S. and Chang, S.-F. (2019). Detecting and simulating artifacts in GAN fake
    images. WIFS 2019. https://arxiv.org/abs/1907.06515

    Examples
    --------
    >>> from skfakespot.rivals import UpsamplingSimulator
    >>> simulator = UpsamplingSimulator(random_state=0)
    >>> X, y = simulator.fit_resample(["a.png", "b.png", "fake.png"], [0, 0, 1])
    >>> len(X), y, simulator.sample_indices_
    (4, array([0, 0, 1, 1]), array([0, 1, 0, 1]))
    >>> print(X[0], simulator.stages_[2], sep=", ")
    a.png, zero-insertion
    """

    _sampling_type = "bypass"

    _parameter_constraints = {
        "stages": ["array-like", StrOptions(set(UPSAMPLING_STAGES))],
        "share": [Interval(Real, 0, 1, closed="right")],
        "keep_fakes": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        stages=UPSAMPLING_STAGES,
        *,
        share=0.5,
        keep_fakes=False,
        random_state=None,
        n_jobs=None,
    ):
        self.stages = stages
        self.share = share
        self.keep_fakes = keep_fakes
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X, y):
        """Check the parameters, the type of X and the labels; nothing is learnt.

        Parameters
        ----------
        X : array-like
            Images; see `fit_resample`.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self : UpsamplingSimulator
            This object.
        """
        self._check(X, y)
        return self

    def fit_resample(self, X, y):
        """Add a fake of each real image.

        Parameters
        ----------
        X : array-like
            Images; see `skfakespot.NeuronCoverageTransformer.fit`. Rows of numbers are refused.
        y : array-like of shape (n_samples,)
            Labels, 0 or "real" and 1 or "fake". All may be real.

        Returns
        -------
        X_resampled : array-like
            The real images (with ``keep_fakes=True``, all images), then their fakes, in the type of
            container that X is. Arrays have the same dtype; the fakes of paths or images in a
            sequence are `skfakespot.images.PerturbedImage`.
        y_resampled : ndarray of shape (n_samples_new,)
            Their labels.

        Raises
        ------
        ValueError
            If a parameter is not accepted, no image is real, or X holds rows of numbers.
        """
        samples, y = self._check(X, y)
        resampled, y_resampled = self._fit_resample(samples, y)
        if samples.kind == "sequence":
            resampled = put_into_container_of(X, resampled)
        return resampled, y_resampled

    def _fit_resample(self, X, y):
        samples, sources = X, np.flatnonzero(is_real(y))
        random = check_random_state(self.random_state)
        choices = self._upsamplings()
        made_by = [choices[number] for number in random.randint(len(choices), size=len(sources))]
        seeds = draw_seeds(random, len(sources))
        kept = np.arange(len(samples)) if self.keep_fakes else sources
        self.sample_indices_ = np.concatenate([kept, sources])
        stages = [upsampling.stage for upsampling in made_by]
        self.stages_ = object_array([*[None] * len(kept), *stages])
        if samples.kind == "sequence":
            fakes = perturb_elements(samples, sources, made_by, seeds)
            resampled = object_array([*(samples[row] for row in kept), *fakes])
        else:
            resampled = np.empty((len(self.sample_indices_), *samples[0].shape), samples[:1].dtype)
            resampled[: len(kept)] = samples[kept]
            out = resampled[len(kept) :]
            perturb_array(samples, sources, made_by, seeds, self.n_jobs, out=out)
        return resampled, np.concatenate([y[kept], np.full(len(sources), _label_of_fakes(y))])

    def _check(self, X, y):
        """Return X as samples, and the labels as an array."""
        validate_parameters(self)
        self._upsamplings()
        samples = as_samples(X)
        if samples.kind == "vector":
            raise ValueError(
                f"X holds {len(samples)} rows of numbers, and only images can be up-sampled. Give "
                "an array of shape (n, height, width, 3), or a list of paths or images."
            )
        y = column_or_1d(y)
        check_consistent_length(range(len(samples)), y)
        is_real(y)  # refuses labels that do not tell which images are real
        _check_feature_names(self, X, reset=True)
        self.n_features_in_ = 1 if samples.shape is None else math.prod(samples.shape)
        return samples, y

    def _upsamplings(self):
        stages = [self.stages] if isinstance(self.stages, str) else list(self.stages)
        unknown = [stage for stage in stages if stage not in UPSAMPLING_STAGES]
        if unknown or not stages:
            raise InvalidParameterError(
                f"stages={self.stages!r}; accepted are one or more of "
                f"{', '.join(map(repr, UPSAMPLING_STAGES))}."
            )
        return [Upsampling(stage, float(self.share)) for stage in stages]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.sampler_tags.sample_indices = True
        return tags


def _label_of_fakes(y):
    """Return the label of fakes that goes with the labels of y, which may all be real."""
    if len(np.unique(y)) == 2:
        return fake_label(y)
    return "fake" if isinstance(y[0], str) else type(y[0])(1)
