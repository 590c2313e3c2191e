# SPDX-License-Identifier: BSD-3-Clause
"""dlib's face detector on images of any size."""

from ..backbones._backbone import Preprocessing
from ..images import ImageError
from ._boxes import find_boxes, suppress_overlaps
from ._network import STRIP_SIZE, DetectorNetwork
from ._pyramid import draw_sheets, lay_out
from ._scaling import Scaling

# The pyramid takes about 50 bytes for each of them.
MAX_PIXELS = 1 << 25


class FaceDetector:
    """Finds the boxes of faces.

    Parameters
    ----------
    model : DetectorModel
    """

    def __init__(self, model):
        self._model = model
        self._preprocess = Preprocessing(mean=model.mean, scale=1 / 256)
        self._network = DetectorNetwork(model.kernels, model.biases)

    def check_size(self, shape, name, min_size):
        """Raise an `ImageError` if an image of this shape would take too much memory."""
        height, width = self._scaling(min_size).size(*shape[:2])
        if height * width > MAX_PIXELS:
            raise ImageError(
                name,
                f"with min_size={min_size!r} faces are looked for in {width} x {height} pixels, "
                f"but at most {MAX_PIXELS:,} pixels are accepted. Give a smaller image, or a "
                "larger min_size: from 80 on the image is not enlarged, from 160 on its sides are "
                "halved, from 320 on quartered",
            )

    def detect(self, images, min_size, threshold):
        """Find the faces in images of one size, several of which pass through the network at once.

        Parameters
        ----------
        images : sequence of ndarray of shape (height, width, 3), uint8
        min_size, threshold : float
            See `detect_faces`.

        Returns
        -------
        found : list of tuple
            For each image, boxes of shape (n_faces, 4), int64, as in `_boxes`, and their scores
            (n_faces,), float64; the highest score first.
        """
        scaling = self._scaling(min_size)
        layout = lay_out(*scaling.size(*images[0].shape[:2]))
        n_together = max(1, STRIP_SIZE // (layout.height * layout.width))
        found = []
        for first in range(0, len(images), n_together):
            some = [scaling.scale(image) for image in images[first : first + n_together]]
            for scores in self._network.score(draw_sheets(some, layout, self._preprocess)):
                boxes, scores = find_boxes(scores, layout, self._model.window, threshold)
                found.append(self._select(boxes, scores, scaling, min_size))
        return found

    def _select(self, boxes, scores, scaling, min_size):
        unscaled = scaling.unscale(boxes)
        is_large = (unscaled[:, 2:] - unscaled[:, :2] + 1 >= min_size).all(axis=1)
        boxes, unscaled, scores = boxes[is_large], unscaled[is_large], scores[is_large]
        kept = suppress_overlaps(boxes, self._model.max_overlap)
        return unscaled[kept], scores[kept]

    def _scaling(self, min_size):
        return Scaling(min_size, self._model.window)
