# SPDX-License-Identifier: BSD-3-Clause
"""The drawing of images with their faces, and of what a `FaceCropper` cuts out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._matplotlib import import_pyplot
from ..images import as_samples, load_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sklearn.utils import Bunch

    from .._typing import Images, Panels
    from ._cropper import FaceCropper

_COLUMNS = 4


class FaceDisplay:
    """Draw images with the boxes, scores and landmarks of their faces, and the largest one's crop.

    Make it with `from_estimator`. It needs matplotlib.

    .. versionadded:: 0.1

    Parameters
    ----------
    images : list of ndarray of shape (H, W, 3), uint8
        The images.
    faces : list of Bunch
        What `FaceCropper.get_faces` returned for them.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    axes_ : ndarray of matplotlib.axes.Axes
        A panel for each image.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.faces import FaceCropper, FaceDisplay
    >>> images = np.zeros((2, 100, 120, 3), dtype="uint8")
    >>> display = FaceDisplay.from_estimator(FaceCropper(), images)
    >>> [axes.get_title() for axes in display.axes_]
    ['no face', 'no face']
    """

    def __init__(self, *, images: Sequence[NDArray[np.uint8]], faces: Sequence[Bunch]) -> None:
        self.images = images
        self.faces = faces

    @classmethod
    def from_estimator(
        cls,
        estimator: FaceCropper,
        X: Images,
        *,
        axes: Panels | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Find the faces of images and draw them.

        Parameters
        ----------
        estimator : FaceCropper
            What finds the faces.
        X : array-like
            Images; see `FaceCropper.fit`. All of them are read into memory.
        axes, line_kw : default=None
            See `plot`.

        Returns
        -------
        display : FaceDisplay
            The display, drawn.
        """
        import_pyplot("FaceDisplay")
        samples = as_samples(X)
        faces = estimator.get_faces(X)
        images = [load_image(samples[row], name=samples.name(row)) for row in range(len(samples))]
        return cls(images=images, faces=faces).plot(axes, line_kw=line_kw)

    def plot(self, axes: Panels | None = None, *, line_kw: dict[str, Any] | None = None) -> Self:
        """Draw the images.

        Boxes are solid lines, landmarks are dots, and what is cut out is a dashed line.

        Parameters
        ----------
        axes : None or sequence of matplotlib.axes.Axes, default=None
            One panel for each image; None for a new figure.
        line_kw : None or dict, default=None
            Passed to `matplotlib.axes.Axes.plot`, for all lines.

        Returns
        -------
        display : FaceDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `axes` does not hold one panel for each image.
        """
        self.axes_ = _panels(axes, len(self.images))
        self.figure_ = self.axes_[0].figure
        for panel, image, faces in zip(self.axes_, self.images, self.faces, strict=True):
            _draw_image(panel, image, faces, line_kw or {})
        return self


def _panels(axes, n_panels):
    """Return the axes as a flat array of one panel for each image; make them if there are none."""
    if axes is None:
        columns = min(n_panels, _COLUMNS)
        rows = math.ceil(n_panels / columns)
        size = 3 * columns, 3.2 * rows
        figure = import_pyplot("FaceDisplay").figure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).reshape(-1)
        for unused in grid[n_panels:]:
            unused.remove()
        axes = grid[:n_panels]
    panels = np.asarray(axes, dtype=object).reshape(-1)
    if len(panels) != n_panels:
        raise ValueError(f"axes holds {len(panels)} panels; {n_panels} are needed.")
    return panels


def _draw_image(panel, image, faces, line_kw):
    panel.imshow(image)
    # Parts of boxes and crops that reach beyond the image are not drawn.
    panel.set(xlim=(-0.5, image.shape[1] - 0.5), ylim=(image.shape[0] - 0.5, -0.5))
    panel.set_axis_off()
    for (x0, y0, x1, y1), score in zip(faces.boxes, faces.scores, strict=True):
        # The edges of pixels; their centres are whole numbers.
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) - 0.5
        _draw_outline(panel, corners, {"color": "tab:orange", **line_kw})
        panel.annotate(
            f"{score:.2f}",
            np.clip(corners[0], 0, None),
            xytext=(2, -2),
            textcoords="offset points",
            va="top",
            color="white",
            bbox={"facecolor": "tab:orange", "edgecolor": "none", "pad": 1.5},
        )
    for crop in faces.crops[:1]:
        _draw_outline(panel, crop.corners, {"color": "tab:cyan", "linestyle": "--", **line_kw})
    panel.plot(*faces.landmarks.reshape(-1, 2).T, ".", color="tab:cyan", markersize=4)
    n_faces = len(faces.boxes)
    panel.set_title("no face" if n_faces == 0 else f"{n_faces} face{'s' * (n_faces > 1)}")


def _draw_outline(panel, corners, line_kw):
    panel.plot(*np.concatenate([corners, corners[:1]]).T, **line_kw)
