# SPDX-License-Identifier: BSD-3-Clause
"""The sampler that makes fakes of real images, after the GAN simulator of Zhang et al. (2019)."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

from .._perturbations import UPSAMPLING_STAGES, Upsampling
from .._perturbed_samples import object_array
from .._sklearn_compat import Interval, InvalidParameterError, StrOptions
from ._fake_simulator import FakeSimulator

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .._typing import RandomState, UpsamplingStage


class UpsamplingSimulator(FakeSimulator):
    """Make fakes of the real training images: an imbalanced-learn sampler.

    A generator enlarges small feature maps step by step, and these steps leave traces in the
    spectrum of its images. Zhang et al. trained a network to copy real images, and took the copies
    for fakes, so that their detector needs no image of any generator. Here no network is trained:
    each real image is shrunk to half its size and doubled again as in the last step of a
    generator, in one of three ways that is drawn at random. Files are not read: a fake of a file is
    a small object that is made when the image is read.

    .. versionadded:: 0.1

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
    perturbations_ : ndarray of shape (n_samples_new,), object
        The `Upsampling` that made each row; None for the images of X.
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

    _parameter_constraints = {
        "stages": ["array-like", StrOptions(set(UPSAMPLING_STAGES))],
        "share": [Interval(Real, 0, 1, closed="right")],
        **FakeSimulator._parameter_constraints,
    }

    def __init__(
        self,
        stages: UpsamplingStage | Sequence[UpsamplingStage] = UPSAMPLING_STAGES,
        *,
        share: float = 0.5,
        keep_fakes: bool = False,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.stages = stages
        self.share = share
        self.keep_fakes = keep_fakes
        self.random_state = random_state
        self.n_jobs = n_jobs

    @property
    def stages_(self) -> NDArray[np.object_]:
        """The way in which each row was made; None for the images of X."""
        return object_array([made_by and made_by.stage for made_by in self.perturbations_])

    def _plan(self, _samples, rows, random):
        choices = self._upsamplings()
        made_by = [choices[number] for number in random.randint(len(choices), size=len(rows))]
        return rows, rows, made_by

    def _check_parameters(self):
        self._upsamplings()

    def _upsamplings(self):
        stages = [self.stages] if isinstance(self.stages, str) else list(self.stages)
        unknown = [stage for stage in stages if stage not in UPSAMPLING_STAGES]
        if unknown or not stages:
            raise InvalidParameterError(
                f"stages={self.stages!r}; accepted are one or more of "
                f"{', '.join(map(repr, UPSAMPLING_STAGES))}."
            )
        return [Upsampling(stage, float(self.share)) for stage in stages]
