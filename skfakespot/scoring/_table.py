"""Scores as a table of the library that is installed, and in Parquet files."""

import importlib
import os
import tempfile
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from ._score import ImageScore


def as_table(scores, score_type=ImageScore):
    """Make a DataFrame of pandas or else polars, or else a Bunch of arrays.

    `score_type` is the NamedTuple of the scores, whose fields are the columns.
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


def _columns(scores, score_type=ImageScore):
    columns = zip(*scores, strict=True) if scores else [()] * len(score_type._fields)
    return {
        name: np.array(column, dtype=kind if kind in (int, float) else object)
        for (name, kind), column in zip(score_type.__annotations__.items(), columns, strict=True)
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


def write_parquet(scores, path):
    """Write scores to a Parquet file, which replaces an earlier one when it is complete."""
    handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        if pl := _import("polars"):
            _write_by_polars(pl, _columns(scores), unfinished, path)
        else:
            _write_by_pyarrow(_columns(scores), unfinished)
        Path(unfinished).replace(path)
    finally:
        Path(unfinished).unlink(missing_ok=True)


def _write_by_polars(pl, columns, unfinished, path):
    try:
        _polars_frame(pl, columns).write_parquet(unfinished)
    except pl.exceptions.PolarsError as error:
        raise OSError(f"{path} cannot be written ({error})") from error


def _write_by_pyarrow(columns, path):
    import pyarrow as pa
    from pyarrow import parquet

    arrays = {
        name: pa.array(
            column, pa.float64() if name == "probability" else pa.string(), from_pandas=True
        )
        for name, column in columns.items()
    }
    parquet.write_table(pa.table(arrays), path)


def read_parquet(path):
    """Read the scores of a Parquet file; raise ValueError if it holds something else."""
    columns = _read_columns(path)
    if tuple(columns) != ImageScore._fields:
        raise ValueError(
            f"{path} does not hold scores: its columns are {', '.join(columns)}, and those of "
            f"scores are {', '.join(ImageScore._fields)}. Delete it, or give another output."
        )
    rows = zip(*columns.values(), strict=True)
    return [
        ImageScore(path, np.nan if probability is None else probability, label, error)
        for path, probability, label, error in rows
    ]


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
