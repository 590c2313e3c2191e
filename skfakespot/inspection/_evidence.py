# SPDX-License-Identifier: BSD-3-Clause
"""What in an image speaks for "fake" to a detector."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.utils import check_scalar

from .._sklearn_compat import InvalidParameterError
from ._activation_maps import frame_or_error
from ._judge import Judge, pixels_of
from ._occlusion import occlusion_map
from ._parts import find_detector
from ._views import Frame, frame_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._typing import Estimator, Images, Label

_METHODS = ("auto", "linear", "occlusion")


@dataclass(frozen=True, eq=False, repr=False)
class EvidenceMaps:
    """What in each image speaks for "fake", as `evidence_map` returns it.

    .. versionadded:: 0.1

    Parameters
    ----------
    maps : ndarray of shape (n_images, rows, columns), float32
        What each place adds to the decision value: above 0 it speaks for "fake", below 0 for
        "real". With "linear" in the resolution of the network's input, with "occlusion" in that of
        the grid. NaN for an image that cannot be read.
    method : {"linear", "occlusion"}
        How the maps were computed.
    decision_values : ndarray of shape (n_images,), float64
        The decision values, above 0 for "fake". NaN for an image that cannot be read.
    intercept : float
        With "linear", the decision value of an image whose counts are the means of the training
        images: each map adds up to the decision value less this. NaN with "occlusion".
    layer_names : list of str or None
        The layers, in the order of the forward pass; None if the contributions are unknown.
    contributions : ndarray of shape (n_images, n_layers), float64, or None
        How much the decision value falls if the features of a layer are replaced by their means
        over the training images: above 0, the layer speaks for "fake". For a linear classifier
        they add up to the decision value less its intercept. None if the detector is not a
        Pipeline of `NeuronCoverageTransformer`, a scaler that subtracts means, and a classifier.
    frames : list of Frame or None
        Of each image the height and width, and the square of it that the network saw; None for an
        image that cannot be read.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skfakespot import NeuronCoverageTransformer
    >>> from skfakespot.inspection import evidence_map
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    >>> layers = keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3, name="conv")
    >>> network = keras.Sequential(layers)
    >>> steps = NeuronCoverageTransformer(network), StandardScaler(), LogisticRegression()
    >>> detector = make_pipeline(*steps).fit(images, ["real", "fake", "real", "fake"])
    >>> evidence = evidence_map(detector, images)
    >>> evidence
    EvidenceMaps of 4 images by linear
    >>> evidence.maps.shape, evidence.contributions.shape, evidence.layer_names
    ((4, 16, 16), (4, 1), ['conv'])
    """

    maps: NDArray[np.float32]
    method: Literal["linear", "occlusion"]
    decision_values: NDArray[np.float64]
    intercept: float
    layer_names: list[str] | None
    contributions: NDArray[np.float64] | None
    frames: list[Frame | None]

    def __repr__(self):
        return f"EvidenceMaps of {len(self.frames)} images by {self.method}"

    def on_image(self, image: int) -> NDArray[np.float32]:
        """Bring the map of an image onto it, by bilinear interpolation.

        Parameters
        ----------
        image : int
            Position of the image in X.

        Returns
        -------
        map : ndarray of shape (height, width), float32
            A value for each pixel. NaN outside of the face, if the network saw only a crop of it.

        Raises
        ------
        ValueError
            If the image could not be read.

        Examples
        --------
        >>> import keras
        >>> import numpy as np
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from skfakespot import NeuronCoverageTransformer
        >>> from skfakespot.inspection import evidence_map
        >>> images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
        >>> layers = keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3, name="conv")
        >>> network = keras.Sequential(layers)
        >>> steps = NeuronCoverageTransformer(network), StandardScaler(), LogisticRegression()
        >>> detector = make_pipeline(*steps).fit(images, ["real", "fake", "real", "fake"])
        >>> evidence = evidence_map(detector, images)
        >>> evidence.on_image(0).shape
        (16, 16)
        """
        return frame_or_error(self.frames, image).place(self.maps[image])


def evidence_map(
    detector: Estimator,
    X: Images,
    *,
    method: Literal["auto", "linear", "occlusion"] = "auto",
    grid_size: int = 8,
    pos_label: Label | None = None,
) -> EvidenceMaps:
    """Map what in each image speaks for "fake" to a fitted detector.

    .. versionadded:: 0.1

    Parameters
    ----------
    detector : classifier
        A fitted detector: a Pipeline of `make_fakespotter`, a search of one, or any other
        classifier of images with decision values or probabilities. If a Pipeline finds faces, the
        maps are those of the largest face.
    X : array-like
        Images; see `NeuronCoverageTransformer.fit`.
    method : {"auto", "linear", "occlusion"}, default="auto"
        How the evidence is computed:

        - "occlusion": the image is divided into a grid, and one part after the other is strongly
          blurred. The evidence of a part is how much the decision value falls without it. It takes
          a pass through the network for each part, and any classifier will do.
        - "linear": each active neuron adds the weight of its feature to the decision value, at its
          place in the image. This is exact, and takes one pass, but is possible only if a linear
          classifier follows counts of neurons (``statistics=("coverage",)``), with a
          `StandardScaler` at most in between.
        - "auto": "linear" where it is possible, otherwise "occlusion".
    grid_size : int, default=8
        Number of rows and of columns of the grid of "occlusion".
    pos_label : int, float, bool or str, default=None
        The detector's label of fake; see `fake_probability`.

    Returns
    -------
    evidence : EvidenceMaps
        Its ``maps`` of shape (n_images, rows, columns), the decision values, and the contribution
        of each layer. ``evidence.on_image(0)`` brings the first map onto its image.

    Raises
    ------
    ImageError
        A ValueError: an image cannot be read, and the detector has ``on_error="raise"``.
    ValueError
        If `detector` is no fitted classifier, X holds rows of numbers, or ``method="linear"`` is
        not possible.

    Warns
    -----
    UnreadableImageWarning
        If an image cannot be read, and the detector has ``on_error="nan"``. Its map is NaN.

    See Also
    --------
    ExplanationDisplay : Draw the evidence.
    faithfulness : Measure whether the evidence is what the detector looks at.
    activation_map : Map where neurons are active, whatever the classifier makes of it.

    Notes
    -----
    Decision values are the classifier's, with the sign that is positive for "fake", or the log-odds
    of its probability if it has none. With several networks, "occlusion" blurs the image in the
    largest of their sizes, from which the others are scaled.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skfakespot import make_fakespotter
    >>> from skfakespot.inspection import evidence_map
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    >>> detector = make_fakespotter(classifier=LogisticRegression())
    >>> detector = detector.set_params(coverage__weights="random").fit(images, [0, 1, 0, 1])
    >>> evidence = evidence_map(detector, images[:1])
    >>> evidence.method, evidence.maps.shape
    ('linear', (1, 150, 150))
    >>> total = evidence.maps.sum() + evidence.intercept
    >>> bool(np.isclose(total, detector.decision_function(images[:1])[0], rtol=1e-4))
    True
    """
    check_method(method, grid_size)
    judge = Judge(find_detector(detector), pos_label)
    return compute_evidence(judge, judge.see(X), method, grid_size)


def check_method(method, grid_size):
    """Check parameters of `evidence_map`."""
    if method not in _METHODS:
        raise InvalidParameterError(
            f"method={method!r}; accepted are 'auto', 'linear' and 'occlusion'."
        )
    check_scalar(grid_size, "grid_size", Integral, min_val=1)


def compute_evidence(judge, samples, method, grid_size, on_error=None):
    """Compute the evidence of images; None is the `on_error` of the detector."""
    linear = None if method == "occlusion" else judge.linear
    if method == "linear" and linear is None:
        raise ValueError(
            "method='linear' needs a Pipeline of NeuronCoverageTransformer with counts of neurons "
            "(statistics=('coverage',), neuron='unit', one threshold for each layer or map), a "
            "StandardScaler at most, and a linear classifier of two classes. Use "
            "method='occlusion'."
        )
    n_images = len(samples)
    shape = (grid_size, grid_size) if linear is None else linear.grid
    maps = np.full((n_images, *shape), np.nan, dtype=np.float32)
    values, frames = np.full(n_images, np.nan), [None] * n_images
    names = contributions = None
    if linear is not None or judge.knows_means:
        names = judge.layer_names
        contributions = np.full((n_images, len(names)), np.nan)
    for row, view in judge.views(samples, on_error):
        frames[row] = frame_of(samples, row)
        if linear is not None:
            ((maps[row], own),) = linear.read(view)
            values[row] = own.sum() + linear.intercept
        else:
            pixels = pixels_of(view)
            (values[row],) = judge.decide(pixels)
            maps[row] = occlusion_map(pixels[0], judge.decide, values[row], grid_size)
            own = judge.contributions(pixels) if judge.knows_means else None
        if own is not None:
            contributions[row] = own
    method, intercept = "occlusion", np.nan
    if linear is not None:
        method, intercept = "linear", linear.intercept
    return EvidenceMaps(maps, method, values, intercept, names, contributions, frames)
