# SPDX-License-Identifier: BSD-3-Clause
"""The drawing of a comparison: a bar for each detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from .._matplotlib import import_pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._results import DetectorComparison

_CHANCE = 0.5


class ComparisonDisplay:
    """Draw the AUC of each detector as a bar, with its standard deviation over the folds.

    Make it with `from_comparison`. It needs matplotlib.

    .. versionadded:: 0.1

    Parameters
    ----------
    comparison : DetectorComparison
        What `compare_detectors` returned.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    ax_ : matplotlib.axes.Axes
        The axes.
    bars_ : matplotlib.container.BarContainer
        The bars, from the highest AUC to the lowest. Each begins at .5, the AUC of a coin.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.comparison import ComparisonDisplay, DetectorComparison, DetectorResult
    >>> result = DetectorResult({"auc": np.array([0.75, 0.85])})
    >>> comparison = DetectorComparison({"mine": result}, n_real=20, n_fake=20, n_folds=2)
    >>> display = ComparisonDisplay.from_comparison(comparison)
    >>> display.ax_.get_xlabel()
    'AUC, mean of 2 folds ± standard deviation'
    """

    def __init__(self, *, comparison: DetectorComparison) -> None:
        self.comparison = comparison

    @classmethod
    def from_comparison(
        cls,
        comparison: DetectorComparison,
        *,
        ax: Axes | None = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw what `compare_detectors` has returned.

        Parameters
        ----------
        comparison : DetectorComparison
            The results.
        ax, bar_kw : default=None
            See `plot`.

        Returns
        -------
        display : ComparisonDisplay
            The display, drawn.
        """
        return cls(comparison=comparison).plot(ax, bar_kw=bar_kw)

    def plot(self, ax: Axes | None = None, *, bar_kw: dict[str, Any] | None = None) -> Self:
        """Draw the bars.

        Parameters
        ----------
        ax : None or matplotlib.axes.Axes, default=None
            Where they are drawn; None for a new figure.
        bar_kw : None or dict, default=None
            Passed to `matplotlib.axes.Axes.barh`.

        Returns
        -------
        display : ComparisonDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        rows = self.comparison.to_records()
        drawn = sorted((row for row in rows if row["error"] is None), key=lambda row: -row["auc"])
        failed = [row for row in rows if row["error"] is not None]
        if ax is None:
            pyplot = import_pyplot("ComparisonDisplay")
            ax = pyplot.figure(figsize=figure_size(len(rows)), layout="constrained").subplots()
        self.ax_, self.figure_ = ax, ax.figure
        aucs, spread = ([row[name] for row in drawn] for name in ("auc", "auc_std"))
        style = {"height": 0.65, "color": "tab:blue", "ecolor": "black", "capsize": 3}
        self.bars_ = ax.barh(
            range(len(drawn)),
            [auc - _CHANCE for auc in aucs],
            left=_CHANCE,
            xerr=spread,
            **{**style, **(bar_kw or {})},
        )
        for place, (auc, own) in enumerate(zip(aucs, spread, strict=True)):
            # Beyond the end of the bar and of its interval, or of the line of chance.
            ax.text(max(auc + own, _CHANCE) + 0.012, place, f"{auc:.3f} ± {own:.3f}", va="center")
        for place, _ in enumerate(failed, start=len(drawn)):
            ax.text(_CHANCE + 0.012, place, "failed", va="center", style="italic")
        ax.axvline(_CHANCE, color="grey", linestyle=":", linewidth=1)
        ax.set_yticks(range(len(rows)), [row["detector"] for row in drawn + failed])
        ax.set_ylim(len(rows) - 0.4, -0.6)
        lowest = min((auc - own for auc, own in zip(aucs, spread, strict=True)), default=_CHANCE)
        ax.set_xlim(min(_CHANCE, lowest) - 0.02, 1.14)
        ax.set_xticks([tick / 10 for tick in range(11) if tick / 10 >= ax.get_xlim()[0]])
        n_folds = self.comparison.n_folds
        ax.set_xlabel(f"AUC, mean of {n_folds} folds ± standard deviation")
        ax.spines[["top", "right"]].set_visible(False)
        return self


def figure_size(n_detectors: int) -> tuple[float, float]:
    """Compute the size of a figure, 800 pixels wide at 100 dots an inch.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_detectors : int
        Number of bars.

    Returns
    -------
    size : tuple of (float, float)
        Width and height in inches.

    Examples
    --------
    >>> from skfakespot.comparison import figure_size
    >>> figure_size(10)
    (8.0, 4.6)
    """
    return 8.0, 1.0 + 0.36 * n_detectors
