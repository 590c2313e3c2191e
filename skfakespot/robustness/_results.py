"""The rows of a robustness curve: as a table, read back from it, and averaged."""

import numpy as np
from sklearn.utils import deprecated

# "The average AUC score of all the four types of fake faces decreased less than 3.77%".
PAPER_MEAN_DROP = 0.0377


def mean_drop(results, *, relative=False):
    """Average how much the score drops, over all levels of all kinds of perturbation.

    Parameters
    ----------
    results : pandas.DataFrame or list of dict
        What `robustness_curve` returned.
    relative : bool, default=False
        Whether to divide by the score on the unperturbed images.

    Returns
    -------
    drop : float
        The mean of the column ``fall``: 0.05 if an AUC of 0.80 drops to 0.75 on average. The
        paper reports "less than 3.77%" for its AUC, and does not say of what.

    Examples
    --------
    >>> from skfakespot.robustness import mean_drop
    >>> results = [
    ...     {"kind": "clean", "score": 0.8, "fall": 0.0},
    ...     {"kind": "blur", "score": 0.7, "fall": 0.1},
    ... ]
    >>> mean_drop(results), mean_drop(results, relative=True)
    (0.1, 0.125)
    """
    rows = as_records(results)
    drop = np.mean([row["fall"] for row in rows if row["kind"] != "clean"])
    return float(drop / clean_score(rows) if relative else drop)


@deprecated("use mean_drop instead.")
def mean_fall(results, *, relative=False):
    """Average how much the score drops: the deprecated name of `mean_drop`."""
    return mean_drop(results, relative=relative)


def as_frame(rows):
    """Make a DataFrame of the rows, or return them as they are if pandas is not installed."""
    try:
        import pandas as pd
    except ImportError:
        return rows
    return pd.DataFrame.from_records(rows)


def as_records(results):
    """List the rows of a DataFrame, or of a list, as dicts."""
    return results.to_dict("records") if hasattr(results, "to_dict") else list(results)


def clean_score(rows):
    """Score on the unperturbed images."""
    (score,) = (row["score"] for row in rows if row["kind"] == "clean")
    return score


def rows_of_kind(rows, kind):
    """Rows of one kind of perturbation."""
    return [row for row in rows if row["kind"] == kind]
