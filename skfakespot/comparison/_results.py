# SPDX-License-Identifier: BSD-3-Clause
"""The results of a comparison, as arrays, as a table and as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ._table import format_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from .._perturbations import Perturbation

MAX_FPRS = {"tpr_at_1_percent_fpr": 0.01, "tpr_at_5_percent_fpr": 0.05}
RANKS = ("auc", *MAX_FPRS)
_PAPER_METRICS = ("precision", "recall", "f1", "accuracy", "ap", "auc", "fpr", "fnr")
_RANK_HEADINGS = ("AUC", "TPR at 1 % FPR", "TPR at 5 % FPR")


@dataclass(frozen=True, eq=False)
class DetectorResult:
    """What one detector reaches in each fold.

    .. versionadded:: 0.1

    Parameters
    ----------
    of_folds : dict of str to ndarray of shape (n_folds,)
        The columns of `DetectorComparison.to_records` that have a standard deviation, and
        ``n_missing``. Empty after an error.
    drops : dict of str to ndarray of shape (n_folds,)
        The drop of the AUC at each perturbation.
    zero_shot : dict of str to dict of str to ndarray of shape (n_folds,)
        ``auc``, ``tpr_at_1_percent_fpr`` and ``tpr_at_5_percent_fpr`` on the images of each name.
    n_features : None or int
        Number of features that are computed of an image first; None if there are none.
    image_milliseconds : float
        Time that reading and scoring an image takes, in milliseconds.
    training_seconds : float
        Time that training on the first fold takes, in seconds.
    error : None or str
        Why the detector has no result.

    Examples
    --------
    >>> from skfakespot.comparison import DetectorResult
    >>> DetectorResult(error="ImageError: small.png: it has 2 x 2 pixels").of_folds
    {}
    """

    of_folds: dict[str, NDArray[Any]] = field(default_factory=dict)
    drops: dict[str, NDArray[Any]] = field(default_factory=dict)
    zero_shot: dict[str, dict[str, NDArray[Any]]] = field(default_factory=dict)
    n_features: int | None = None
    image_milliseconds: float = np.nan
    training_seconds: float = np.nan
    error: str | None = None

    def to_record(self, zero_shot: Sequence[str]) -> dict[str, Any]:
        """Make a row of the table, given the names of the further images.

        Parameters
        ----------
        zero_shot : sequence of str
            The names; after an error, the columns of each are NaN.

        Returns
        -------
        row : dict of str to value
            See `DetectorComparison.to_records`.

        Examples
        --------
        >>> import numpy as np
        >>> from skfakespot.comparison import DetectorResult
        >>> row = DetectorResult({"auc": np.array([0.75, 0.85])}).to_record(zero_shot=["others"])
        >>> round(row["auc"], 2), row["others_auc"]
        (0.8, nan)
        """
        row = {}
        for name in (*RANKS, "drop"):
            row |= _mean_and_std(name, self.of_folds.get(name))
        row |= {
            "image_milliseconds": self.image_milliseconds,
            "n_features": self.n_features,
            "training_seconds": self.training_seconds,
        }
        for name in _PAPER_METRICS:
            row |= _mean_and_std(f"paper_{name}", self.of_folds.get(f"paper_{name}"))
        for images in zero_shot:
            for name in RANKS:
                values = self.zero_shot.get(images, {}).get(name)
                row |= _mean_and_std(f"{images}_{name}", values)
        n_missing = self.of_folds.get("n_missing")
        row["n_missing"] = None if n_missing is None else int(n_missing.sum())
        return row | {"error": self.error}


@dataclass(frozen=True, eq=False)
class DetectorComparison:
    """The results of several detectors on the same folds, made by `compare_detectors`.

    ``print(comparison)`` prints the tables, which are simple tables of reStructuredText.

    .. versionadded:: 0.1

    Parameters
    ----------
    results : dict of str to DetectorResult
        The result of each detector.
    n_real, n_fake : int
        Numbers of images.
    n_folds : int
        Number of folds.
    perturbations : list of skfakespot.augmentation.Perturbation
        The perturbations that the drop is averaged over.
    zero_shot : list of str
        Names of the further images.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.comparison import DetectorComparison, DetectorResult
    >>> result = DetectorResult({"auc": np.array([0.75, 0.85])})
    >>> comparison = DetectorComparison({"mine": result}, n_real=20, n_fake=20, n_folds=2)
    >>> (row,) = comparison.to_records()
    >>> round(row["auc"], 2), round(row["auc_std"], 2)
    (0.8, 0.05)
    """

    results: dict[str, DetectorResult]
    n_real: int
    n_fake: int
    n_folds: int
    perturbations: list[Perturbation] = field(default_factory=list)
    zero_shot: list[str] = field(default_factory=list)

    def to_records(self) -> list[dict[str, Any]]:
        """List a row for each detector.

        Returns
        -------
        rows : list of dict
            ``detector``, its name, and then, each with the standard deviation over the folds in
            another column whose name ends in ``_std``:

            - ``auc``, ``tpr_at_1_percent_fpr``, ``tpr_at_5_percent_fpr``: means over the folds;
            - ``drop``: how much the AUC drops when the test images are perturbed;
            - ``paper_precision``, ``paper_recall``, ``paper_f1``, ``paper_accuracy``,
              ``paper_ap``, ``paper_auc``, ``paper_fpr`` and ``paper_fnr``: the convention of the
              paper's Table 2, see `skfakespot.metrics.fake_detection_report`;
            - ``NAME_auc``, ``NAME_tpr_at_1_percent_fpr`` and ``NAME_tpr_at_5_percent_fpr`` for
              each name of further images.

            Without a standard deviation: ``image_milliseconds``, ``n_features``,
            ``training_seconds``, ``n_missing`` (the number of test images without a score) and
            ``error``. Values that do not exist are NaN, or None for ``n_features``, ``n_missing``
            and ``error``.

        Examples
        --------
        >>> import numpy as np
        >>> from skfakespot.comparison import DetectorComparison, DetectorResult
        >>> results = {"mine": DetectorResult({"auc": np.array([0.75, 0.85])})}
        >>> (row,) = DetectorComparison(results, n_real=20, n_fake=20, n_folds=2).to_records()
        >>> row["detector"], round(row["auc"], 2), row["error"]
        ('mine', 0.8, None)
        """
        return [
            {"detector": name, **result.to_record(self.zero_shot)}
            for name, result in self.results.items()
        ]

    def to_frame(self) -> pd.DataFrame:
        """Make a DataFrame of `to_records`, with the names of the detectors as index.

        Returns
        -------
        table : pandas.DataFrame
            One row for each detector.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from skfakespot.comparison import DetectorComparison, DetectorResult
        >>> results = {"mine": DetectorResult({"auc": np.array([0.75, 0.85])})}
        >>> table = DetectorComparison(results, n_real=20, n_fake=20, n_folds=2).to_frame()
        >>> round(float(table.loc["mine", "auc"]), 2)
        0.8
        """
        import pandas as pd

        return pd.DataFrame.from_records(self.to_records(), index="detector")

    def __str__(self):
        rows = [row for row in self.to_records() if row["error"] is None]
        parts = [f"{self.n_real} real and {self.n_fake} fake images, {self.n_folds} folds."]
        if rows:
            parts += [_main_table(rows), self._legend(), _paper_table(rows), _PAPER_LEGEND]
        for name in self.zero_shot if rows else ():
            parts += [f"{name}, never trained on:", _zero_shot_table(rows, name)]
        missing = [f"{row['detector']}: {row['n_missing']}" for row in rows if row["n_missing"]]
        if missing:
            parts.append(f"Test images without a score, left out: {', '.join(missing)}.")
        failed = [f"{name} failed: {r.error}" for name, r in self.results.items() if r.error]
        return "\n\n".join(parts + failed)

    def _legend(self):
        text = (
            'Mean over the folds ± standard deviation. "An image": reading and scoring it.\n'
            '"Training": on the images of the first fold, with reading them.'
        )
        if self.perturbations:
            steps = ", ".join(map(str, self.perturbations))
            text += f"\nThe drop is that of the AUC, the mean over {steps}."
        return text


_PAPER_LEGEND = (
    "In the convention of the paper's Table 2: AP and AUC from the labels, FPR and FNR exchanged.\n"
    "Means over the folds."
)


def _mean_and_std(name, values):
    if values is None:
        return {name: np.nan, f"{name}_std": np.nan}
    return {name: float(np.mean(values)), f"{name}_std": float(np.std(values))}


def _with_spread(row, name):
    if np.isnan(row[name]):
        return "–"
    return f"{row[name]:.3f} ± {row[f'{name}_std']:.3f}"


def _main_table(rows):
    header = ["detector", *_RANK_HEADINGS, "drop", "features", "an image", "training"]
    return format_table(
        header,
        [
            [
                row["detector"],
                *(_with_spread(row, name) for name in (*RANKS, "drop")),
                "–" if row["n_features"] is None else f"{row['n_features']:,}",
                f"{row['image_milliseconds']:.1f} ms",
                f"{row['training_seconds']:.1f} s",
            ]
            for row in rows
        ],
    )


def _paper_table(rows):
    header = ["detector", "precision", "recall", "F1", "accuracy", "AP", "AUC", "FPR", "FNR"]
    return format_table(
        header,
        [
            [row["detector"], *(f"{row[f'paper_{name}']:.3f}" for name in _PAPER_METRICS)]
            for row in rows
        ],
    )


def _zero_shot_table(rows, images):
    cells = [
        [row["detector"], *(_with_spread(row, f"{images}_{name}") for name in RANKS)]
        for row in rows
    ]
    return format_table(["detector", *_RANK_HEADINGS], cells)
