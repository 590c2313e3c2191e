# SPDX-License-Identifier: BSD-3-Clause
"""The sampler that makes fakes of real faces by warping, after Li and Lyu (2019)."""

from __future__ import annotations

import warnings
from numbers import Real
from os import PathLike
from typing import TYPE_CHECKING

import joblib
import numpy as np

from .._crops import FaceCrop, MissingFace
from .._sklearn_compat import Interval, InvalidParameterError
from ..faces import FaceCropper
from ._face_warping import FaceWarping
from ._fake_simulator import FakeSimulator

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .._typing import Memory, RandomState


class FaceWarpingSampler(FakeSimulator):
    """Make fakes of the real training images by warping their faces: an imbalanced-learn sampler.

    A face that was made by a network and pasted into a photograph was shrunk or enlarged, turned
    and smoothed, and differs from its surroundings in sharpness. Li and Lyu make these traces
    in real photographs, so that their detector needs no image of any generator. Here, the largest
    face of each real image is found by its landmarks, turned upright, shrunk to one of several
    scales that is drawn at random, blurred, and warped back into its place; see `FaceWarping`.

    Each image is read once, to find its face. The fake of a file is a small object that is made
    when the image is read. A real image in which no face is found is left out, with one warning for
    all of them: without a fake of it, the detector would learn that images without a face are
    real. An image that cannot be read stays, without a fake, so that the next step decides.

    .. versionadded:: 0.1

    Parameters
    ----------
    scales : sequence of float, default=(0.25, 0.5, 0.75, 1.0)
        The scales to draw from, all with the same probability: sizes of the face before it is
        warped back, as shares of its size in the image, above 0 and up to 1.
    sigma : float, default=1.1
        Standard deviation of the 5 x 5 Gaussian blur of the shrunk face, in its pixels, from 0 to
        100.
    jitter : float, default=0.05
        How far each corner of the pasted polygon is moved at random, as a share of the side of
        the face, from 0 to 0.25.
    min_size : float, default=80
        Side of the smallest face that is looked for, in pixels, at least 1; see
        `skfakespot.faces.detect_faces`.
    keep_fakes : bool, default=False
        Whether the result also holds the fakes in X. With False they are left out, so that a
        Pipeline in a cross-validation is trained without any fake, and tested on fakes.
    memory : None, str, path-like or joblib.Memory, default=None
        Folder in which the places of faces are kept; see `skfakespot.faces.FaceCropper`. With
        None, only this process keeps them.
    random_state : None, int or RandomState, default=None
        Draws the scales and the jitter.
    n_jobs : None or int, default=None
        Number of threads that make the fakes of an array; None for 1.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_samples_new,)
        Row in X of the image of each row of the result.
    perturbations_ : ndarray of shape (n_samples_new,), object
        The `FaceWarping` that made each row; None for the images of X.
    n_features_in_ : int
        Number of values of one sample: pixels and colours of an array, and 1 for a path or an
        image of its own size.
    feature_names_in_ : ndarray of shape (n_features,), object
        Names of the columns, where X was a DataFrame with string names.

    See Also
    --------
    make_rival : ``make_rival("fwa")`` is a detector that is trained with this sampler.
    UpsamplingSimulator : Makes fakes with the traces of up-sampling.

    Notes
    -----
    `fit_resample` raises a ValueError if no face is found in any real image, and warns with a
    UserWarning if none is found in some.

    References
    ----------
    Li, Y. and Lyu, S. (2019). Exposing DeepFake videos by detecting face warping artifacts. CVPR
    Workshops. https://arxiv.org/abs/1811.00656

    Examples
    --------
    >>> from skfakespot.rivals import FaceWarpingSampler, make_rival
    >>> make_rival("fwa")["simulate"]
    FaceWarpingSampler()
    """

    _parameter_constraints = {
        "scales": ["array-like"],
        "sigma": [Interval(Real, 0, 100, closed="both")],
        "jitter": [Interval(Real, 0, 0.25, closed="both")],
        "min_size": [Interval(Real, 1, None, closed="left")],
        "memory": [None, str, PathLike, joblib.Memory],
        **FakeSimulator._parameter_constraints,
    }

    def __init__(
        self,
        scales: ArrayLike = (0.25, 0.5, 0.75, 1.0),
        *,
        sigma: float = 1.1,
        jitter: float = 0.05,
        min_size: float = 80,
        keep_fakes: bool = False,
        memory: Memory = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.scales = scales
        self.sigma = sigma
        self.jitter = jitter
        self.min_size = min_size
        self.keep_fakes = keep_fakes
        self.memory = memory
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _plan(self, samples, rows, random):
        cropper = FaceCropper(margin=0.0, min_size=self.min_size, memory=self.memory)
        crops = cropper.transform(samples.subset(rows))
        has_face = np.array([isinstance(crop, FaceCrop) for crop in crops])
        is_missing = np.array([isinstance(crop, MissingFace) for crop in crops])
        self._warn_of_missing(samples, rows, crops, is_missing)
        if not has_face.any():
            raise ValueError(
                f"No face was found in any of the {len(rows)} real images, so that none can be "
                "warped. Give photographs of faces, or set a smaller min_size."
            )
        # Drawn for all real images, so that one without a face does not change the others.
        scales = np.asarray(self.scales)[random.randint(len(self.scales), size=len(rows))]
        warpings = [
            FaceWarping(*crop.square, float(scale), self.sigma, self.jitter)
            for crop, scale in zip(crops[has_face], scales[has_face], strict=True)
        ]
        return rows[~is_missing], rows[has_face], warpings

    def _warn_of_missing(self, samples, rows, crops, is_missing):
        if not is_missing.any() or is_missing.all():
            return
        first = int(np.argmax(is_missing))
        warnings.warn(
            f"{is_missing.sum()} of {len(rows)} real images are left out of the training, because "
            f"they cannot be warped. The first is {samples.name(rows[first])}: "
            f"{crops[first].reason}. Set a smaller min_size if the faces are small.",
            UserWarning,
            stacklevel=5,
        )

    def _check_parameters(self):
        scales = np.asarray(self.scales)
        is_numeric = scales.ndim == 1 and scales.size > 0 and scales.dtype.kind in "iuf"
        if not is_numeric or not ((scales > 0) & (scales <= 1)).all():
            raise InvalidParameterError(
                f"scales={self.scales!r}; accepted are one or more numbers above 0 and up to 1."
            )
