# SPDX-License-Identifier: BSD-3-Clause
"""Scores as a table of the library that is installed, and in Parquet files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.utils import Bunch

from .._complete_files import written_when_complete
from ._score import ImageScore, types_of_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def as_table(
    scores: Sequence[NamedTuple], score_type: type[NamedTuple] = ImageScore
) -> pd.DataFrame:
    """Make a DataFrame of pandas or else polars, or else a Bunch of arrays.

    .. versionadded:: 0.1

    Parameters
    ----------
    scores : list of ImageScore or VideoScore
        The scores.
    score_type : type, default=ImageScore
        The NamedTuple of the scores, whose fields are the columns.

    Returns
    -------
    table : pandas.DataFrame, polars.DataFrame or sklearn.utils.Bunch
        A row for each score, in their order.

    Examples
    --------
    >>> from skfakespot.scoring import ImageScore, as_table
    >>> table = as_table([ImageScore("face.png", 0.75, "fake", None)])
    >>> float(table["probability"][0])
    0.75
    """
    columns = _columns(scores, score_type)
    if pd := _import("pandas"):
        # pandas 3 would make None of a column of text NaN.
        series = {name: pd.Series(column, dtype=column.dtype) for name, column in columns.items()}
        return pd.DataFrame(series)
    if pl := _import("polars"):
        return _polars_frame(pl, columns)
    return Bunch(**columns)


def _import(name):
    """Return a library, or None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _columns(scores, score_type):
    columns = zip(*scores, strict=True) if scores else [()] * len(score_type._fields)
    return {
        name: np.array(column, dtype=kind if kind in (int, float) else object)
        for (name, kind), column in zip(types_of_fields(score_type).items(), columns, strict=True)
    }


def _polars_frame(pl, columns):
    types = {"f": pl.Float64, "i": pl.Int64, "O": pl.String}
    schema = {name: types[column.dtype.kind] for name, column in columns.items()}
    lists = {name: column.tolist() for name, column in columns.items()}
    return pl.DataFrame(lists, schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None))


def check_parquet_library():
    """Raise ImportError if there is no library that reads and writes Parquet files."""
    if not (_import("polars") or _import("pyarrow")):
        raise ImportError(
            "Parquet files are written by polars or pyarrow, and neither is installed. Install "
            "one with: pip install polars. Or give an output that ends in .csv"
        )


def write_parquet(scores, path, score_type):
    """Write scores to a Parquet file, which replaces an earlier one when it is complete."""
    columns = _columns(scores, score_type)
    with written_when_complete(path) as unfinished:
        if pl := _import("polars"):
            _write_by_polars(pl, columns, unfinished)
        else:
            _write_by_pyarrow(columns, unfinished)


def _write_by_polars(pl, columns, path):
    try:
        _polars_frame(pl, columns).write_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise OSError(str(error)) from error


def _write_by_pyarrow(columns, path):
    import pyarrow as pa
    from pyarrow import parquet

    types = {"f": pa.float64(), "i": pa.int64(), "O": pa.string()}
    arrays = {
        name: pa.array(column, types[column.dtype.kind], from_pandas=True)
        for name, column in columns.items()
    }
    parquet.write_table(pa.table(arrays), path)


def read_parquet(path, score_type):
    """Read the scores of a Parquet file; raise ValueError if it holds something else."""
    columns = _read_columns(path)
    if tuple(columns) != score_type._fields:
        raise ValueError(
            f"{path} does not hold scores: its columns are {', '.join(columns)}, and those of "
            f"scores are {', '.join(score_type._fields)}. Delete it, or give another output."
        )
    for name, kind in types_of_fields(score_type).items():
        if kind is float:
            columns[name] = [np.nan if value is None else value for value in columns[name]]
    return [score_type(*row) for row in zip(*columns.values(), strict=True)]


def _read_columns(path):
    if pl := _import("polars"):
        read, refused = pl.read_parquet, pl.exceptions.PolarsError
    else:
        import pyarrow as pa
        from pyarrow import parquet

        read, refused = parquet.read_table, pa.ArrowException
    try:
        table = read(path)
    except refused as error:
        raise ValueError(
            f"{path} is not a Parquet file ({error}). Delete it, or give another output."
        ) from error
    return table.to_dict(as_series=False) if pl else table.to_pydict()
