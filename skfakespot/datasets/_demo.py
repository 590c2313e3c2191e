"""The demonstration faces: real ones, and simulated fakes."""

import numpy as np
from PIL import Image
from scipy.ndimage import convolve
from sklearn.utils import Bunch, check_random_state

_UPSAMPLING_STAGES = 2


def load_demo_faces(*, random_state=0):
    """Load 100 real faces, and the same faces after a simulated GAN up-sampling stage.

    The real faces are the 100 of scikit-image's ``lfw_subset`` (25 x 25 pixels, grey, from Labeled
    Faces in the Wild), enlarged four-fold by bilinear interpolation. The simulated fakes are the
    same 100 faces, enlarged four-fold as in the decoder of a GAN: by two transposed convolutions
    (zero insertion, then a 4 x 4 kernel). The kernels are those of bilinear interpolation with
    small random changes, because the kernels that a GAN learns are not perfectly even either.
    Zhang et al. (2019) showed that such stages leave the artefacts by which GAN images are
    detected. No image was made by a GAN: scores on this set show that an installation works, and
    nothing more.

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
    size = faces.shape[1] * 2**_UPSAMPLING_STAGES
    images = [Image.fromarray(face.astype(np.float32)) for face in faces]
    real = np.stack([image.resize((size, size), Image.Resampling.BILINEAR) for image in images])
    fake = faces
    for _ in range(_UPSAMPLING_STAGES):
        fake = _transposed_convolution(fake, _uneven_kernel(random_state))
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


def _uneven_kernel(random_state):
    """Make a bilinear up-sampling kernel of mean gain 1 whose weights vary by a twentieth."""
    line = np.array([1.0, 3.0, 3.0, 1.0]) / 4
    kernel = np.outer(line, line)
    kernel *= 1 + 0.05 * random_state.standard_normal(kernel.shape)
    return kernel * 4 / kernel.sum()


def _transposed_convolution(faces, kernel):
    """Double the size of faces: insert zeros between the pixels, then convolve."""
    n_faces, height, width = faces.shape
    # Without repeated borders, the edge would be darker than the rest.
    padded = np.pad(faces, ((0, 0), (1, 1), (1, 1)), mode="edge")
    inserted = np.zeros((n_faces, 2 * height + 4, 2 * width + 4))
    inserted[:, ::2, ::2] = padded
    full = convolve(inserted, kernel[np.newaxis], mode="constant")
    return full[:, 1:-3, 1:-3]
