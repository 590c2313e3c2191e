# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration faces: real ones, and simulated fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from sklearn.utils import Bunch, check_random_state

from .._perturbations import double_size, draw_kernel

if TYPE_CHECKING:
    from .._typing import RandomState

_STAGE, _N_STAGES = "zero-insertion", 2


def load_demo_faces(*, random_state: RandomState = 0) -> Bunch:
    """Load 100 real faces, and the same faces after a simulated GAN up-sampling stage.

    The real faces are the 100 of scikit-image's ``lfw_subset`` (25 x 25 pixels, grey, from Labeled
    Faces in the Wild), enlarged four-fold by bilinear interpolation. The simulated fakes are the
    same 100 faces, enlarged four-fold as in the decoder of a GAN: by two transposed convolutions
    (zero insertion, then a 4 x 4 kernel). The kernels are those of bilinear interpolation with
    small random changes, because the kernels that a GAN learns are not perfectly even either.
    Zhang et al. (2019) showed that such stages leave the artefacts by which GAN images are
    detected. No image was made by a GAN: scores on this set show that an installation works, and
    nothing more.

    .. versionadded:: 0.1

    Parameters
    ----------
    random_state : int or RandomState, default=0
        Seeds the random changes of the two kernels.

    Returns
    -------
    faces : sklearn.utils.Bunch
        ``data`` : ndarray of shape (200, 100, 100, 3), uint8
            The real faces, then the simulated fakes.
        ``target`` : ndarray of shape (200,), int64
            0 for real, 1 for simulated fake.
        ``groups`` : ndarray of shape (200,), int64
            Number of the source face. Split by groups, or a face is on both sides.
        ``target_names`` : list of str
            ``["real", "fake"]``.

    Raises
    ------
    ImportError
        If scikit-image (extra ``demo``) is not installed.

    See Also
    --------
    skfakespot.rivals.UpsamplingSimulator : Makes such fakes of any real images.

    References
    ----------
    Zhang, X., Karaman, S. and Chang, S.-F. (2019). Detecting and simulating artifacts in GAN fake
    images. WIFS 2019. https://arxiv.org/abs/1907.06515

    Examples
    --------
    >>> from skfakespot.datasets import load_demo_faces
    >>> load_demo_faces().data.shape
    (200, 100, 100, 3)
    """
    faces = _lfw_faces()
    random_state = check_random_state(random_state)
    size = faces.shape[1] * 2**_N_STAGES
    images = [Image.fromarray(face.astype(np.float32)) for face in faces]
    real = np.stack([image.resize((size, size), Image.Resampling.BILINEAR) for image in images])
    fake = faces
    for _ in range(_N_STAGES):
        fake = double_size(fake, _STAGE, draw_kernel(_STAGE, random_state))
    grey = np.clip(np.rint(255 * np.concatenate([real, fake])), 0, 255).astype(np.uint8)
    return Bunch(
        data=np.repeat(grey[..., np.newaxis], 3, axis=-1),
        target=np.repeat(np.arange(2, dtype=np.int64), len(faces)),
        groups=np.tile(np.arange(len(faces), dtype=np.int64), 2),
        target_names=["real", "fake"],
    )


def _lfw_faces():
    try:
        from skimage.data import lfw_subset
    except ImportError as error:
        raise ImportError(
            "The demo's faces come with scikit-image. Install it with: "
            "pip install 'skfakespot[demo]'"
        ) from error
    # The first half are faces, the second half are background.
    return lfw_subset()[:100].astype(np.float64)
