# SPDX-License-Identifier: BSD-3-Clause
"""The drawing of the importances of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._matplotlib import import_pyplot
from ._layer_importance import layer_importance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike
    from sklearn.utils import Bunch

    from .._typing import Estimator, Images

_SCORE_NAMES = {"roc_auc": "AUC"}
# More names than this would run into each other.
_MOST_NAMES = 60
_INCHES_PER_LAYER = 0.2


class LayerImportanceDisplay:
    """Draw how much a detector depends on each layer: a bar for each, in the network's order.

    Make it with `from_estimator` or `from_importances`. It needs matplotlib.

    .. versionadded:: 0.1

    Parameters
    ----------
    importances : Bunch
        What `layer_importance` returned.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    ax_ : matplotlib.axes.Axes
        The axes.
    bars_ : matplotlib.container.BarContainer
        The bars, the first layer at the top.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from skfakespot.inspection import LayerImportanceDisplay
    >>> importances = Bunch(
    ...     importances_mean=np.array([0.02, 0.1]), importances_low=np.array([0.01, 0.06]),
    ...     importances_high=np.array([0.03, 0.15]), layer_names=["conv", "dense"],
    ...     baseline_score=0.9, scoring="roc_auc",
    ... )
    >>> display = LayerImportanceDisplay.from_importances(importances)
    >>> display.ax_.get_xlabel()
    'drop of the AUC (0.900) when the layer is permuted'
    """

    def __init__(self, *, importances: Bunch) -> None:
        self.importances = importances

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Images,
        y: ArrayLike,
        *,
        ax: Axes | None = None,
        bar_kw: dict[str, Any] | None = None,
        **parameters: Any,
    ) -> Self:
        """Measure the importance of the layers of a detector and draw it.

        Parameters
        ----------
        estimator : Pipeline
            A fitted detector; see `layer_importance`.
        X : array-like
            Images that the detector was not trained on.
        y : array-like of shape (n_samples,)
            Labels of the images.
        ax, bar_kw : default=None
            See `plot`.
        **parameters : dict
            Parameters of `layer_importance`.

        Returns
        -------
        display : LayerImportanceDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            As in `layer_importance`.
        """
        import_pyplot("LayerImportanceDisplay")
        importances = layer_importance(estimator, X, y, **parameters)
        return cls(importances=importances).plot(ax, bar_kw=bar_kw)

    @classmethod
    def from_importances(
        cls, importances: Bunch, *, ax: Axes | None = None, bar_kw: dict[str, Any] | None = None
    ) -> Self:
        """Draw importances that `layer_importance` measured before.

        Parameters
        ----------
        importances : Bunch
            What `layer_importance` returned.
        ax, bar_kw : default=None
            See `plot`.

        Returns
        -------
        display : LayerImportanceDisplay
            The display, drawn.
        """
        return cls(importances=importances).plot(ax, bar_kw=bar_kw)

    def plot(self, ax: Axes | None = None, *, bar_kw: dict[str, Any] | None = None) -> Self:
        """Draw the importances: bars for the means, and lines for their intervals if there are any.

        Parameters
        ----------
        ax : None or matplotlib.axes.Axes, default=None
            Where to draw; None for a new figure, whose height grows with the number of layers.
        bar_kw : None or dict, default=None
            Passed to `matplotlib.axes.Axes.barh`.

        Returns
        -------
        display : LayerImportanceDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        means = np.asarray(self.importances.importances_mean)
        low = np.asarray(self.importances.importances_low)
        high = np.asarray(self.importances.importances_high)
        self.ax_ = ax = _new_axes(len(means)) if ax is None else ax
        self.figure_ = ax.figure
        places = np.arange(len(means))
        self.bars_ = ax.barh(places, means, **(bar_kw or {}))
        if np.isfinite([low, high]).all():
            ax.hlines(places, low, high, color="black", linewidth=1)
        ax.axvline(0, color="black", linewidth=0.8)
        step = -(-len(means) // _MOST_NAMES)
        ax.set_yticks(places[::step], list(self.importances.layer_names)[::step], fontsize="small")
        # The first layer is at the top, and no room is left above and below the bars.
        ax.set_ylim(len(means) - 0.4, -0.6)
        ax.grid(axis="x", alpha=0.3)
        ax.set_axisbelow(True)
        scoring = self.importances.scoring
        ax.set_xlabel(
            f"drop of the {_SCORE_NAMES.get(scoring, scoring)} "
            f"({self.importances.baseline_score:.3f}) when the layer is permuted"
        )
        return self


def _new_axes(n_layers):
    height = 1.2 + _INCHES_PER_LAYER * min(n_layers, 2 * _MOST_NAMES)
    return (
        import_pyplot("LayerImportanceDisplay")
        .figure(figsize=(6.4, height), layout="constrained")
        .subplots()
    )
