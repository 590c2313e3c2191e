# SPDX-License-Identifier: BSD-3-Clause
"""The drawing of an explanation: the photograph, what speaks for "fake" in it, and the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from .._crops import FaceCrop
from .._labels import check_scores
from .._matplotlib import import_pyplot
from .._probability import fake_probability
from ..images import load_image
from ._calibration_bin import calibration_bin
from ._evidence import check_method, compute_evidence
from ._judge import Judge
from ._parts import find_detector
from ._views import source_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Bunch

    from .._typing import Estimator, ImageLike, Label
    from ._evidence import EvidenceMaps

_N_LAYERS = 10
_FAKE, _REAL = "tab:red", "tab:blue"
_LONGEST_NAME = 34
_OPACITY = 0.75


class ExplanationDisplay:
    """Draw why a detector calls a face fake or real.

    The picture shows the photograph; what in it speaks for "fake" (red) and for "real" (blue); the
    ten layers that speak most for "fake", and the ten that speak most for "real"; and the
    probability. Make it with `from_estimator`. It needs matplotlib.

    .. versionadded:: 0.1

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        The photograph.
    evidence : EvidenceMaps
        What `evidence_map` returned for this image alone.
    probability : float or None
        Probability of fake; None if the detector has none.
    calibration : Bunch or None, default=None
        How many calibration images of such a probability are fake: ``low``, ``high``, ``n_images``
        and ``n_fake``.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    axes_ : ndarray of matplotlib.axes.Axes
        The panels: the photograph, the evidence and, if the layers' contributions are known, the
        layers.

    See Also
    --------
    evidence_map : The evidence as numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skfakespot import make_fakespotter
    >>> from skfakespot.inspection import ExplanationDisplay
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    >>> detector = make_fakespotter(classifier=LogisticRegression())
    >>> detector = detector.set_params(coverage__weights="random").fit(images, [0, 1, 0, 1])
    >>> display = ExplanationDisplay.from_estimator(detector, images[0])
    >>> [axes.get_title() for axes in display.axes_[:2]]
    ['the image', 'speaks for fake (red), for real (blue)']
    """

    def __init__(
        self,
        *,
        image: NDArray[np.uint8],
        evidence: EvidenceMaps,
        probability: float | None,
        calibration: Bunch | None = None,
    ) -> None:
        self.image = image
        self.evidence = evidence
        self.probability = probability
        self.calibration = calibration

    @classmethod
    def from_estimator(
        cls,
        detector: Estimator,
        image: ImageLike,
        *,
        method: Literal["auto", "linear", "occlusion"] = "auto",
        grid_size: int = 8,
        calibration: tuple[ArrayLike, ArrayLike] | None = None,
        pos_label: Label | None = None,
        figure: Figure | None = None,
    ) -> Self:
        """Compute the explanation of one image and draw it.

        Parameters
        ----------
        detector : classifier
            A fitted detector; see `evidence_map`.
        image : str, os.PathLike, bytes, PIL.Image.Image or array-like of shape (H, W, 3)
            One image, as an element of a list that the detector takes.
        method : {"auto", "linear", "occlusion"}, default="auto"
            How the evidence is computed; see `evidence_map`.
        grid_size : int, default=8
            See `evidence_map`.
        calibration : None or tuple of (y_true, probabilities), default=None
            Labels of images that the detector was not fitted to, and its probabilities of fake for
            them. The picture then says how many of the images that got a similar probability are
            fake: one of the ten bins [0, 0.1), [0.1, 0.2) to [0.9, 1].
        pos_label : int, float, bool or str, default=None
            Label of the fakes; see `fake_probability`.
        figure : None or matplotlib.figure.Figure, default=None
            See `plot`.

        Returns
        -------
        display : ExplanationDisplay
            The display, drawn.

        Raises
        ------
        ImageError
            A ValueError: the image cannot be read, or holds no face.
        ImportError
            If matplotlib is not installed.
        ValueError
            If a parameter is not accepted.
        """
        if figure is None:
            import_pyplot("ExplanationDisplay")
        check_method(method, grid_size)
        detector = find_detector(detector)
        if calibration is not None:
            y_true, probabilities = calibration
            calibration = check_scores(y_true, probabilities, pos_label)
        judge = Judge(detector, pos_label)
        samples = judge.see([image])
        evidence = compute_evidence(judge, samples, method, grid_size, on_error="raise")
        probability = None
        if hasattr(detector, "predict_proba"):
            probability = float(fake_probability(detector, [image], pos_label=pos_label)[0])
        if calibration is not None and probability is not None:
            calibration = calibration_bin(*calibration, probability)
        display = cls(
            image=load_image(source_of(samples[0])),
            evidence=evidence,
            probability=probability,
            calibration=None if probability is None else calibration,
        )
        return display.plot(figure)

    def plot(self, figure: Figure | None = None) -> Self:
        """Draw the explanation.

        Parameters
        ----------
        figure : None or matplotlib.figure.Figure, default=None
            An empty figure; its size is set. None for a new one. At 100 dots per inch it is 600
            pixels wide.

        Returns
        -------
        display : ExplanationDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        if figure is None:
            figure = import_pyplot("ExplanationDisplay").figure(layout="constrained")
        layers = self._strongest_layers()
        heights = [3.1] if layers is None else [3.1, 0.8 + 0.17 * len(layers[0])]
        figure.set_size_inches(6, 0.7 + sum(heights))
        above, *below = figure.subfigures(len(heights), height_ratios=heights, squeeze=False).flat
        panels = list(above.subplots(1, 2))
        frame = self.evidence.frames[0]
        _draw_photograph(panels[0], self.image, frame)
        _draw_evidence(panels[1], self.image, self.evidence.maps[0], frame)
        if layers is not None:
            panels.append(below[0].subplots())
            _draw_layers(panels[2], *layers)
        figure.suptitle(self._title(), fontsize=11)
        self.figure_, self.axes_ = figure, np.array(panels, dtype=object)
        return self

    def _strongest_layers(self):
        """Names and contributions of the layers that are drawn, from fake to real, or None."""
        if self.evidence.contributions is None:
            return None
        values = self.evidence.contributions[0]
        order = np.argsort(-values, kind="stable")
        for_fake = [layer for layer in order[:_N_LAYERS] if values[layer] > 0]
        for_real = [layer for layer in order[-_N_LAYERS:] if values[layer] < 0]
        chosen = [*for_fake, *for_real]
        if not chosen:
            return None
        return [self.evidence.layer_names[layer] for layer in chosen], values[chosen]

    def _title(self):
        if self.probability is None:
            return f"decision value: {self.evidence.decision_values[0]:.2f} (above 0: fake)"
        lines = [f"probability of fake: {self.probability:.2f}"]
        if self.calibration is not None:
            lines.append(_describe_bin(self.calibration))
        return "\n".join(lines)


def _describe_bin(own):
    scored = f"scored {own.low:.1f} to {own.high:.1f}"
    if own.n_images == 0:
        return f"no calibration image is {scored}"
    return f"{own.n_fake} of the {own.n_images} calibration images {scored} are fake"


def _draw_photograph(panel, image, frame):
    small, frame = frame.scaled(image)
    panel.imshow(small)
    if frame.square is not None:
        corners = FaceCrop(None, *frame.square).corners
        panel.plot(*np.concatenate([corners, corners[:1]]).T, color="tab:cyan")
    _set_limits(panel, small)
    panel.set_title("the image" if frame.square is None else "the face that was found", fontsize=10)


def _draw_evidence(panel, image, values, frame):
    """Draw what the network saw in grey, and the evidence over it in colours."""
    part, frame = frame.around_square(image)
    small, frame = frame.scaled(part)
    panel.imshow(small.mean(axis=-1), cmap="gray", vmin=0, vmax=255)
    heat = frame.place(values)
    limit = max(float(np.nanpercentile(np.abs(heat), 99)), np.finfo(np.float32).tiny)
    # Where there is little evidence, the image itself is seen.
    opacity = _OPACITY * np.clip(np.nan_to_num(np.abs(heat)) / limit, 0, 1)
    panel.imshow(heat, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=opacity)
    _set_limits(panel, small)
    panel.set_title("speaks for fake (red), for real (blue)", fontsize=10)


def _set_limits(panel, image):
    height, width, _ = image.shape
    panel.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    panel.set_axis_off()


def _draw_layers(panel, names, values):
    places = np.arange(len(names))
    panel.barh(places, values, color=[_FAKE if value > 0 else _REAL for value in values])
    panel.set_ylim(len(names) - 0.4, -0.6)
    labels = [_shortened(name) for name in names]
    panel.set_yticks(places, labels=labels, fontsize=8, parse_math=False)
    panel.tick_params(axis="x", labelsize=8)
    panel.axvline(0, color="black", linewidth=0.8)
    panel.grid(axis="x", alpha=0.3)
    panel.set_title("layers that speak most for fake (red) and for real (blue)", fontsize=10)
    panel.set_xlabel("what the layer adds to the decision value", fontsize=9)


def _shortened(name):
    # The end tells the layers of a network apart.
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:8]}…{name[9 - _LONGEST_NAME :]}"
