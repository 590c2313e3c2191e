import numpy as np

from ._report import CONVENTIONS, METRICS, fake_detection_report

# In the order of METRICS, as printed: "FPR" is 1 - recall.
_TABLE_2 = {
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
_WIDTH = 34


def paper_table2(method="FakeSpotter"):
    """Give the rows of the paper's Table 2 as they are printed.

    AP and AUC are those of hard labels, and FPR and FNR have changed places: compare them with
    what `fake_detection_report` computes with ``convention="paper"``.

    Parameters
    ----------
    method : {"FakeSpotter", "AutoGAN"}, default="FakeSpotter"
        Whose half of the table.

    Returns
    -------
    rows : dict of str to dict of str to float
        For each of the eight sorts of fake faces, the eight metrics.

    Raises
    ------
    ValueError
        If the table has no such method.

    Examples
    --------
    >>> from skfakespot.metrics import paper_table2
    >>> list(paper_table2())[:4]
    ['PGGAN', 'StyleGAN2', 'StarGAN', 'STGAN (eyeglasses)']
    >>> paper_table2("AutoGAN")["DFDC"]["auc"]
    0.5
    """
    if method not in _TABLE_2:
        raise ValueError(f"method={method!r}; accepted are {', '.join(map(repr, _TABLE_2))}.")
    rows = _TABLE_2[method].items()
    return {name: dict(zip(METRICS, values, strict=True)) for name, values in rows}


def format_table2(predictions, *, threshold=0.5, pos_label=None, method="FakeSpotter"):
    """Write results as a table of the paper's eight metrics, with its own values below them.

    Each sort of fake gets a line in the standard convention and one in the paper's, and, if
    Table 2 has a row of that name, the paper's values. Only the latter two are comparable.

    Parameters
    ----------
    predictions : dict of str to (y_true, y_score), or to a list of such pairs
        Labels and scores of test images for each sort of fake; names as in `paper_table2`. Of a
        list (folds, seeds, ...), the mean and the standard deviation are shown.
    threshold : float, default=0.5
        That of `fake_detection_report`.
    pos_label : int, float, bool or str, default=None
        That of `fake_detection_report`.
    method : {"FakeSpotter", "AutoGAN"}, default="FakeSpotter"
        Whose values of the paper are shown.

    Returns
    -------
    table : str
        Lines of text.

    Raises
    ------
    ValueError
        As `fake_detection_report` and `paper_table2`.

    Examples
    --------
    >>> from skfakespot.metrics import format_table2
    >>> print(format_table2({"PGGAN": ([0, 0, 1, 1], [0.2, 0.6, 0.4, 0.9])}))
    fakes, convention                  precision    recall        f1  accuracy        ap ...
    PGGAN, standard                        0.500     0.500     0.500     0.500     0.833 ...
    PGGAN, the paper's                     0.500     0.500     0.500     0.500     0.500 ...
    PGGAN, Table 2 (FakeSpotter)           0.986     0.987     0.986     0.986     0.979 ...
    """
    printed = paper_table2(method)
    lines = [_line("fakes, convention", METRICS)]
    for name, pairs in predictions.items():
        pairs = pairs if isinstance(pairs, list) else [pairs]
        for convention in CONVENTIONS:
            reports = [
                fake_detection_report(
                    *pair, threshold=threshold, pos_label=pos_label, convention=convention
                )
                for pair in pairs
            ]
            values = np.array([list(report.values()) for report in reports])
            label = "standard" if convention == "standard" else "the paper's"
            lines.append(_line(f"{name}, {label}", _numbers(values.mean(axis=0))))
            if len(pairs) > 1:
                spread = _numbers(values.std(axis=0, ddof=1))
                lines.append(_line(f"  ± standard deviation of {len(pairs)}", spread))
        if name in printed:
            paper = _numbers(printed[name].values())
            lines.append(_line(f"{name}, Table 2 ({method})", paper))
    return "\n".join(lines)


def _numbers(values):
    return [f"{value:.3f}" for value in values]


def _line(label, cells):
    return label.ljust(_WIDTH) + "".join(cell.rjust(10) for cell in cells)
