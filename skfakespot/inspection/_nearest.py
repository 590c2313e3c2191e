# SPDX-License-Identifier: BSD-3-Clause
"""The training images whose features are nearest to those of an image."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_consistent_length, check_scalar, column_or_1d

from ..images import as_samples
from ._detector_parts import split_detector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from .._typing import Estimator, Images


class TrainingNeighbor(NamedTuple):
    """A training image that is near to an image.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        Path of the training image; for images in memory, such as ``"image 3 of X"``.
    label : object
        Its label.
    distance : float
        Root mean square difference of the features, in standard deviations if the detector
        standardises them: 0 for the same image, and in theory about 1.4 for two unrelated images.
    index : int
        Its position among the training images.

    Examples
    --------
    >>> from skfakespot.inspection import TrainingNeighbor
    >>> neighbor = TrainingNeighbor("face.png", "fake", 0.25, index=7)
    >>> neighbor.label, neighbor.distance
    ('fake', 0.25)
    """

    name: str
    label: Any
    distance: float
    index: int  # type: ignore[assignment]  # in place of the method of tuples


class TrainingImageIndex:
    """The features of a detector's training images, for `nearest_training_images`.

    A detector keeps no training images and no features of them, so that it stays small, and so
    that whoever gets it does not get these. Make the index with `from_estimator` and save it beside
    the detector, for example by joblib. It keeps the features in float32, 4 bytes each: 120 bytes
    for an image with the 30 counts of the recipe "paper", and 147 kB with the 36,800 columns of the
    recipe "statistics", which is 1.5 GB for 10,000 images.

    .. versionadded:: 0.1

    Parameters
    ----------
    detector : Pipeline
        The fitted detector.
    features : ndarray of shape (n_images, n_features), float32
        What its classifier is given for the training images.
    names : list of str
        Paths of these images, or other names.
    labels : ndarray of shape (n_images,)
        Their labels.
    indices : ndarray of shape (n_images,), int
        Their positions among all training images.
    n_missing : int, default=0
        Number of training images that were left out, because they cannot be read or show no face.
        This happens with ``on_error="nan"`` only.

    See Also
    --------
    nearest_training_images : Find the nearest of the images.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skfakespot import NeuronCoverageTransformer
    >>> from skfakespot.inspection import TrainingImageIndex
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    >>> layers = keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3, name="conv")
    >>> network = keras.Sequential(layers)
    >>> steps = NeuronCoverageTransformer(network), StandardScaler(), LogisticRegression()
    >>> detector = make_pipeline(*steps).fit(images, ["real", "fake", "real", "fake"])
    >>> labels = ["real", "fake", "real", "fake"]
    >>> index = TrainingImageIndex.from_estimator(detector, images, labels)
    >>> index
    TrainingImageIndex of 4 images with 1 features
    >>> index.names[0], str(index.labels[0])
    ('image 0 of X', 'real')
    """

    def __init__(
        self,
        detector: Estimator,
        features: NDArray[np.float32],
        names: Sequence[str],
        labels: NDArray[Any],
        indices: NDArray[np.integer[Any]],
        *,
        n_missing: int = 0,
    ) -> None:
        self.detector, self.features, self.names = detector, features, names
        self.labels, self.indices, self.n_missing = labels, indices, n_missing

    @classmethod
    def from_estimator(cls, detector: Estimator, X: Images, y: ArrayLike) -> Self:
        """Read the training images of a detector again, and keep their features.

        Parameters
        ----------
        detector : Pipeline
            A fitted detector, such as one made by `make_fakespotter`, or a fitted search of one.
            With ``memory``, or in the process that has fitted it, the images need not pass through
            the network again.
        X : array-like
            The images that the detector was trained on, or some of them; see
            `NeuronCoverageTransformer.fit`.
        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        index : TrainingImageIndex
            The index.

        Raises
        ------
        ValueError
            If `detector` is not accepted, lengths differ, or no image can be read.
        """
        samples, y = as_samples(X), column_or_1d(y)
        check_consistent_length(range(len(samples)), y)
        features, missing = _classifier_input(detector, X)
        indices = np.flatnonzero(~missing)
        if not len(indices):
            raise ValueError("None of the training images has features. Give images that have.")
        names = [samples.name(index) for index in indices]
        n_missing = int(missing.sum())
        return cls(detector, features, names, y[indices], indices, n_missing=n_missing)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self):
        n_images, n_features = self.features.shape
        return f"TrainingImageIndex of {n_images} images with {n_features} features"


def nearest_training_images(
    index: TrainingImageIndex, X: Images, n: int = 5
) -> list[list[TrainingNeighbor]]:
    """Find the training images that a detector sees as most similar to an image.

    They help to judge a score: if the nearest faces are of both labels, or if all of them are far
    away, the detector has learnt little about such a face. Similar here means similar in the
    features that the classifier is given, which are not those that a person looks at.

    .. versionadded:: 0.1

    Parameters
    ----------
    index : TrainingImageIndex
        The training images.
    X : array-like
        The images; see `NeuronCoverageTransformer.fit`. One image is a list of one.
    n : int, default=5
        Number of training images.

    Returns
    -------
    neighbors : list of list of TrainingNeighbor
        For each image its `n` nearest training images, the nearest first. An image without
        features, because it cannot be read or shows no face, has an empty list; this happens with
        ``on_error="nan"`` only, and a warning names the image.

    Raises
    ------
    ValueError
        If `n` is larger than the number of training images.

    See Also
    --------
    layer_importance : Measure how much a detector depends on each layer.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot import make_fakespotter
    >>> from skfakespot.inspection import TrainingImageIndex, nearest_training_images
    >>> images = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)
    >>> labels = ["real", "fake"] * 6
    >>> detector = make_fakespotter(random_state=0).fit(images, labels)
    >>> index = TrainingImageIndex.from_estimator(detector, images, labels)
    >>> index
    TrainingImageIndex of 12 images with 30 features
    >>> (neighbors,) = nearest_training_images(index, images[[3]], n=2)
    >>> neighbors[0]
    TrainingNeighbor(name='image 3 of X', label='fake', distance=0.0, index=3)
    """
    check_scalar(n, "n", Integral, min_val=1, max_val=len(index))
    features, missing = _classifier_input(index.detector, X)
    neighbors = [[] for _ in missing]
    if missing.all():
        return neighbors
    search = NearestNeighbors(n_neighbors=n, algorithm="brute").fit(index.features)
    distances, nearest = search.kneighbors(features)
    distances /= np.sqrt(features.shape[1])
    for row, own_distances, own in zip(np.flatnonzero(~missing), distances, nearest, strict=True):
        neighbors[row] = [
            TrainingNeighbor(
                index.names[near],
                index.labels[near : near + 1].tolist()[0],
                distance,
                int(index.indices[near]),
            )
            for near, distance in zip(own, own_distances.tolist(), strict=True)
        ]
    return neighbors


def _classifier_input(detector, X):
    """Return what the last step of a detector is given for images, and which have no features.

    The first array has no rows for these, and is float32.
    """
    parts = split_detector(detector)
    features = parts.read(X)
    values = features.values
    if len(values) and len(parts.classifier) > 1:
        values = parts.classifier[:-1].transform(features.in_frame(values))
    return np.asarray(values, dtype=np.float32), features.missing
