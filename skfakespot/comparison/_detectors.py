# SPDX-License-Identifier: BSD-3-Clause
"""The detectors that are compared if no others are given: FakeSpotter's recipes and the rivals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .._perturbations import did_you_mean
from ..pipeline import make_fakespotter
from ..rivals import list_rivals, make_rival

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.pipeline import Pipeline

    from .._typing import RandomState

_FAKESPOTTERS = {
    "fakespotter-layer": {},
    "fakespotter-channel": {"output": "channel"},
    "fakespotter-statistics": {"recipe": "statistics"},
}


def list_detectors() -> list[str]:
    """List the names of the detectors that `make_detectors` makes.

    .. versionadded:: 0.1

    Returns
    -------
    names : list of str
        FakeSpotter's, then those of `skfakespot.rivals.list_rivals`.

    Examples
    --------
    >>> from skfakespot.comparison import list_detectors
    >>> list_detectors()[:3]
    ['fakespotter-layer', 'fakespotter-channel', 'fakespotter-statistics']
    """
    return list(_makers())


def make_detectors(
    names: Sequence[str] | None = None, *, random_state: RandomState = None
) -> dict[str, Pipeline]:
    """Make the unfitted detectors that FakeSpotter is compared with, and FakeSpotter itself.

    .. versionadded:: 0.1

    Parameters
    ----------
    names : None or sequence of str, default=None
        Names in `list_detectors`; None for all of them.

        - "fakespotter-layer": the paper's detector, ``make_fakespotter()``.
        - "fakespotter-channel": counts of each feature map, ``make_fakespotter(output="channel")``.
        - "fakespotter-statistics": the most accurate, ``make_fakespotter(recipe="statistics")``.
        - the others are rivals; see `skfakespot.rivals.make_rival`.
    random_state : None, int or RandomState, default=None
        Seed of the classifiers.

    Returns
    -------
    detectors : dict of str to Pipeline
        In the order of `names`.

    Raises
    ------
    ValueError
        If a name is unknown or given twice, or there is none.

    See Also
    --------
    compare_detectors : Train and test them on the same folds.

    Examples
    --------
    >>> from skfakespot.comparison import make_detectors
    >>> detectors = make_detectors(["fakespotter-layer", "log-dct"], random_state=0)
    >>> list(detectors["log-dct"].named_steps)
    ['features', 'scale', 'classify']
    """
    makers = _makers()
    names = list(makers) if names is None else list(names)
    for name in names:
        if name not in makers:
            raise ValueError(
                f"There is no detector {name!r}{did_you_mean(name, makers)}; accepted are "
                f"{', '.join(makers)}."
            )
    if not names or len(set(names)) < len(names):
        raise ValueError(f"names={names!r}; give at least one name, and each at most once.")
    return {name: makers[name](random_state=random_state) for name in names}


def _makers():
    makers = {name: partial(make_fakespotter, **kw) for name, kw in _FAKESPOTTERS.items()}
    return makers | {card.name: partial(make_rival, card.name) for card in list_rivals()}
