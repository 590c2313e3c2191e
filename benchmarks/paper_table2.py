# SPDX-License-Identifier: BSD-3-Clause
"""The values printed in the paper's Table 2, and a text table of results beside them."""

import numpy as np

from skfakespot.metrics import fake_detection_report

METRICS = ("precision", "recall", "f1", "accuracy", "ap", "auc", "fpr", "fnr")
# In the order of METRICS, as printed in the paper: its "FPR" is 1 - recall, and AP and AUC were
# computed from labels after thresholding (convention="paper" of fake_detection_report).
TABLE_2 = {
    "FakeSpotter": {
        "PGGAN": (0.986, 0.987, 0.986, 0.986, 0.979, 0.985, 0.013, 0.016),
        "StyleGAN2": (0.912, 0.924, 0.918, 0.919, 0.881, 0.919, 0.076, 0.087),
        "StarGAN": (0.901, 0.865, 0.883, 0.880, 0.851, 0.881, 0.135, 0.104),
        "STGAN (eyeglasses)": (0.885, 0.918, 0.901, 0.902, 0.852, 0.902, 0.082, 0.114),
        "StyleGAN": (1.0, 0.983, 0.991, 0.991, 0.992, 0.991, 0.017, 0.0),
        "STGAN (smile)": (0.898, 0.913, 0.905, 0.906, 0.863, 0.906, 0.087, 0.102),
        "FaceForensics++": (0.978, 0.992, 0.985, 0.985, 0.973, 0.985, 0.008, 0.021),
        "DFDC": (0.691, 0.719, 0.705, 0.682, 0.645, 0.680, 0.281, 0.359),
    },
    "AutoGAN": {
        "PGGAN": (0.926, 0.974, 0.949, 0.948, 0.915, 0.948, 0.026, 0.078),
        "StyleGAN2": (0.757, 0.663, 0.707, 0.725, 0.670, 0.725, 0.337, 0.213),
        "StarGAN": (0.690, 0.567, 0.622, 0.656, 0.608, 0.656, 0.433, 0.255),
        "STGAN (eyeglasses)": (0.555, 0.890, 0.683, 0.588, 0.549, 0.588, 0.11, 0.715),
        "StyleGAN": (0.736, 0.920, 0.818, 0.795, 0.717, 0.795, 0.08, 0.33),
        "STGAN (smile)": (0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 1.0, 0.0),
        "FaceForensics++": (0.508, 0.629, 0.562, 0.511, 0.505, 0.511, 0.371, 0.608),
        "DFDC": (0.536, 1.0, 0.698, 0.536, 0.536, 0.5, 0.0, 1.0),
    },
}
_LABEL_WIDTH = 34


def paper_table2(method="FakeSpotter"):
    """Return the printed values of a method: a dict of fakes to a dict of metric to value."""
    if method not in TABLE_2:
        raise ValueError(f"method={method!r}; accepted are {', '.join(map(repr, TABLE_2))}.")
    rows = TABLE_2[method].items()
    return {name: dict(zip(METRICS, values, strict=True)) for name, values in rows}


def format_table2(predictions, *, threshold=0.5, pos_label=None, method="FakeSpotter"):
    """Write results in both conventions, and the paper's values below them.

    Only the lines "the paper's" and "Table 2" can be compared with each other.

    Parameters
    ----------
    predictions : dict of str to (y_true, y_score), or to a list of such pairs
        Labels and scores of the test images, by the name of the fakes. If the name is one of
        `paper_table2`, the printed values are shown. Of a list (one pair for each fold or seed),
        the mean and the standard deviation are shown.
    threshold, pos_label
        As in `skfakespot.metrics.fake_detection_report`.
    method : {"FakeSpotter", "AutoGAN"}, default="FakeSpotter"
        The method whose printed values are shown.

    Returns
    -------
    table : str
        Lines of text.
    """
    printed = paper_table2(method)
    lines = [_line("fakes, convention", METRICS)]
    for name, pairs in predictions.items():
        pairs = pairs if isinstance(pairs, list) else [pairs]
        for convention, label in (("standard", "standard"), ("paper", "the paper's")):
            reports = [
                fake_detection_report(
                    *pair, threshold=threshold, pos_label=pos_label, convention=convention
                )
                for pair in pairs
            ]
            values = np.array([[report[metric] for metric in METRICS] for report in reports])
            lines.append(_line(f"{name}, {label}", _cells(values.mean(axis=0))))
            if len(pairs) > 1:
                deviations = _cells(values.std(axis=0, ddof=1))
                lines.append(_line(f"  ± standard deviation of {len(pairs)}", deviations))
        if name in printed:
            lines.append(_line(f"{name}, Table 2 ({method})", _cells(printed[name].values())))
    return "\n".join(lines)


def _cells(values):
    return [f"{value:.3f}" for value in values]


def _line(label, cells):
    return label.ljust(_LABEL_WIDTH) + "".join(cell.rjust(10) for cell in cells)
