# SPDX-License-Identifier: BSD-3-Clause
"""A detector that is asked about pixels, as its network sees them."""

from functools import cached_property

import numpy as np

from ..images import ImageError
from ._detector_parts import Features
from ._linear_evidence import linear_evidence
from ._parts import decision_values, take_apart
from ._views import read_views, see_images


class Judge:
    """A fitted detector that decides on pixels as its network sees them.

    Parameters
    ----------
    detector : classifier
        A fitted classifier of images.
    pos_label : int, float, bool or str, default=None
        Its label of fake.

    Attributes
    ----------
    parts : Parts or None
        The steps of a Pipeline that reads a network. None for any other classifier: it is asked
        about images at their own sizes.
    """

    def __init__(self, detector, pos_label=None):
        self.parts = take_apart(detector)
        is_classifier = hasattr(detector, "classes_")
        if not is_classifier or (self.parts is not None and not self.parts.after):
            raise ValueError(
                f"{type(detector).__name__} is no fitted classifier of images. Give a fitted "
                "detector, such as a Pipeline of make_fakespotter."
            )
        self._detector, self._pos_label = detector, pos_label

    @cached_property
    def linear(self):
        """The `LinearEvidence` of the detector, or None."""
        return self.parts and linear_evidence(self.parts, self._pos_label)

    @property
    def layer_names(self):
        """List of the layers that the detector reads."""
        return self.parts.coverage.layer_names_.tolist()

    @property
    def knows_means(self):
        """Whether the mean features of the training images are known."""
        return self.parts is not None and self.parts.mean_features() is not None

    def see(self, X):
        """Return the images that are to be read, as `Samples`."""
        return see_images(self.parts.before if self.parts else [], X)

    def views(self, samples, on_error=None):
        """Yield the position of each image and its view, what the network is given of it.

        A view is an array (1, H, W, 3), or a tuple of these for several networks. None is the
        `on_error` of the detector.
        """
        if self.parts is None:
            yield from _whole_images(samples)
            return
        coverage = self.parts.coverage
        on_error = on_error or coverage.on_error
        image_size = coverage._network_spec().open().image_size
        for batch in read_views(samples, image_size, batch_size=1, on_error=on_error):
            yield int(batch.indices[0]), batch.data

    def decide(self, pixels):
        """Compute the decision values (n_images,) of an array of images."""
        if self.parts is None:
            return decision_values(self._detector, pixels, self._pos_label)
        return self._decide_on_features(self.parts.coverage.transform(pixels))

    def contributions(self, pixels):
        """Compute what each layer adds to the decision value of one image (1, H, W, 3).

        It is how much the decision value falls if the features of the layer are replaced by their
        means over the training images.
        """
        means, layers = self.parts.mean_features(), self.parts.coverage._feature_layers()
        n_layers = len(self.layer_names)
        features = self.parts.coverage.transform(pixels)
        rows = np.repeat(np.asarray(features), n_layers + 1, axis=0)
        for layer in range(n_layers):
            rows[layer, layers == layer] = means[layers == layer]
        rows = Features(rows, np.zeros(len(rows), dtype=bool), features).in_frame(rows)
        values = self._decide_on_features(rows)
        return values[-1] - values[:-1]

    def _decide_on_features(self, features):
        standardised = self.parts.standardised(features)
        return decision_values(self.parts.after[-1], standardised, self._pos_label)


def _whole_images(samples):
    """Yield the position and the pixels (1, H, W, 3) of each image, at its own size."""
    for row, pixels in samples.images():
        if isinstance(pixels, ImageError):
            raise pixels
        yield row, pixels[None]


def pixels_of(view):
    """Return the pixels (1, H, W, 3) of a view; the largest if there are several networks."""
    return max(view, key=np.size) if isinstance(view, tuple) else view
