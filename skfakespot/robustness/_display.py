# SPDX-License-Identifier: BSD-3-Clause
"""The drawing of robustness curves, as in Figure 4 of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._matplotlib import import_pyplot
from ..augmentation import KINDS
from ._curve import as_records, clean_score, robustness_curve, rows_of_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from .._typing import Estimator, Images, Panels, RobustnessResults

_AXIS_LABELS = {
    "compression": "compression: JPEG quality",
    "resize": "resize: scale factor",
    "noise": "noise: variance",
    "blur": "blur: sigma (pixels)",
}
# Kinds of which the smaller level is the stronger perturbation.
_INVERTED_KINDS = ("compression", "resize")


class RobustnessCurveDisplay:
    """Draw the paper's Figure 4: a panel for each kind of perturbation, a line for each detector.

    Make it with `from_estimator` or `from_results`. It needs matplotlib.

    .. versionadded:: 0.1

    Parameters
    ----------
    results : dict of str to results
        What `robustness_curve` returned, by the name of its line.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    axes_ : ndarray of matplotlib.axes.Axes
        The panels.
    lines_ : dict of str to list of matplotlib.lines.Line2D
        The lines of each name, one for each panel that it is drawn in.

    Examples
    --------
    >>> from skfakespot.robustness import RobustnessCurveDisplay
    >>> results = [
    ...     {"kind": kind, "level": level, "scoring": "roc_auc", "score": score,
    ...      "score_low": score - 0.02, "score_high": score + 0.02}
    ...     for kind, level, score in [("clean", None, 0.8), ("blur", 1, 0.7), ("blur", 2, 0.6)]
    ... ]
    >>> display = RobustnessCurveDisplay.from_results({"detector": results})
    >>> [axes.get_xlabel() for axes in display.axes_]
    ['blur: sigma (pixels)']
    """

    def __init__(self, *, results: Mapping[str, RobustnessResults]) -> None:
        self.results = results

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Images,
        y: ArrayLike,
        *,
        name: str | None = None,
        axes: Panels | None = None,
        line_kw: dict[str, Any] | None = None,
        **parameters: Any,
    ) -> Self:
        """Compute the robustness curve of a detector and draw it.

        Parameters
        ----------
        estimator : classifier
            A fitted classifier; see `robustness_curve`.
        X : array-like
            The test images.
        y : array-like of shape (n_samples,)
            Their labels.
        name : None or str, default=None
            Name of the line; None for the name of the estimator's class.
        axes, line_kw : default=None
            See `plot`.
        **parameters : dict
            Parameters of `robustness_curve`.

        Returns
        -------
        display : RobustnessCurveDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            As in `robustness_curve`.
        """
        import_pyplot("RobustnessCurveDisplay")
        results = robustness_curve(estimator, X, y, **parameters)
        results = {name or type(estimator).__name__: results}
        return cls(results=results).plot(axes, line_kw=line_kw)

    @classmethod
    def from_results(
        cls,
        results: Mapping[str, RobustnessResults],
        *,
        axes: Panels | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw curves that `robustness_curve` computed before.

        Parameters
        ----------
        results : dict of str to results
            What `robustness_curve` returned, by the name of its line.
        axes, line_kw : default=None
            See `plot`.

        Returns
        -------
        display : RobustnessCurveDisplay
            The display, drawn.
        """
        return cls(results=results).plot(axes, line_kw=line_kw)

    def plot(self, axes: Panels | None = None, *, line_kw: dict[str, Any] | None = None) -> Self:
        """Draw the results.

        Parameters
        ----------
        axes : None or sequence of matplotlib.axes.Axes, default=None
            One panel for each kind; None for a new figure.
        line_kw : None or dict, default=None
            Passed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : RobustnessCurveDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `axes` does not hold one panel for each kind.
        """
        curves = {name: as_records(results) for name, results in self.results.items()}
        kinds = [kind for kind in KINDS if any(rows_of_kind(c, kind) for c in curves.values())]
        self.axes_ = _panels(axes, len(kinds))
        self.figure_ = self.axes_[0].figure
        self.lines_ = {name: [] for name in curves}
        for kind, panel in zip(kinds, self.axes_, strict=True):
            drawn = {name: rows_of_kind(curve, kind) for name, curve in curves.items()}
            for name, rows in drawn.items():
                if rows:
                    clean = clean_score(curves[name])
                    self.lines_[name].append(_draw_curve(panel, name, rows, clean, line_kw))
            _describe_levels(panel, kind, [row for rows in drawn.values() for row in rows])
        scoring = next(iter(curves.values()))[0]["scoring"]
        self.axes_[0].set_ylabel({"roc_auc": "AUC"}.get(scoring, scoring))
        self.axes_[-1].legend(
            title="dotted: unperturbed", loc="center left", bbox_to_anchor=(1.0, 0.5)
        )
        return self


def figure_size(n_panels: int) -> tuple[float, float]:
    """Compute the size of a figure that leaves room for the panels and the legend.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_panels : int
        Number of panels.

    Returns
    -------
    size : tuple of (float, float)
        Width and height in inches.

    Examples
    --------
    >>> from skfakespot.robustness import figure_size
    >>> figure_size(4)
    (13.5, 3.2)
    """
    return 2.8 * n_panels + 2.3, 3.2


def _panels(axes, n_panels):
    """Return the axes as a flat array of one panel for each kind; make them if there are none."""
    if axes is None:
        figure = import_pyplot("RobustnessCurveDisplay").figure(
            figsize=figure_size(n_panels), layout="constrained"
        )
        axes = figure.subplots(1, n_panels, sharey=True)
    panels = np.asarray(axes, dtype=object).reshape(-1)
    if len(panels) != n_panels:
        raise ValueError(f"axes holds {len(panels)} panels; {n_panels} are needed.")
    return panels


def _draw_curve(panel, name, rows, clean, line_kw):
    """Draw a line of scores over levels, its interval, and the score of unperturbed images."""
    levels = [row["level"] for row in rows]
    scores = [row["score"] for row in rows]
    low, high = ([row[f"score_{end}"] for row in rows] for end in ("low", "high"))
    (line,) = panel.plot(levels, scores, **{"marker": "o", "label": name, **(line_kw or {})})
    panel.fill_between(levels, low, high, color=line.get_color(), alpha=0.08, linewidth=0)
    panel.axhline(clean, color=line.get_color(), linestyle=":", linewidth=1)
    return line


def _describe_levels(panel, kind, rows):
    """Label the axis of the levels; the stronger perturbation is on the right."""
    label = _AXIS_LABELS[kind]
    if any("unit=std" in row.get("perturbation", "") for row in rows):
        label = "noise: standard deviation (0 to 255)"
    panel.set_xlabel(label)
    panel.xaxis.set_inverted(kind in _INVERTED_KINDS)
    panel.grid(alpha=0.3)
