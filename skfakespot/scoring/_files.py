# SPDX-License-Identifier: BSD-3-Clause
"""Files of scores that grow chunk by chunk, so that an interrupted run can go on."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .._regular_files import UnreadableFileError, open_regular_file
from ._score import ImageScore, csv_header, csv_line, label_of, score_from_fields
from ._table import check_parquet_library, read_parquet, write_parquet

if TYPE_CHECKING:
    from .._typing import FilePath

# The last bits of a network's outputs may depend on the batch and the processor.
_TOLERANCE = 1e-3
_LONGEST_LINE = 2**20
_REMEDY = "Delete it, or give another output."


def open_scores(
    output: FilePath | None, score_type: type[NamedTuple] = ImageScore
) -> NoFile | CsvFile:
    """Return the file of scores for a path that ends in .csv or .parquet; None keeps none.

    .. versionadded:: 0.1

    Parameters
    ----------
    output : None, str or path-like
        The path; None for scores that are kept in no file.
    score_type : type, default=ImageScore
        The NamedTuple of the scores, whose fields are the columns of the file.

    Returns
    -------
    file : CsvFile, ParquetFile or NoFile
        Its ``known`` are the scores that the file already holds.

    Raises
    ------
    ValueError
        If the path has another ending, or the file holds something other than such scores.
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> from skfakespot.scoring import open_scores
    >>> open_scores(None).known
    ()
    """
    if output is None:
        return NoFile()
    path = Path(output)
    kinds = {".csv": CsvFile, ".parquet": ParquetFile}
    if path.suffix.lower() not in kinds:
        raise ValueError(f"output={str(output)!r}; its name must end in .csv or .parquet.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {path.parent}.")
    return kinds[path.suffix.lower()](path, score_type)


class NoFile:
    """Scores that are kept in no file."""

    known = ()

    def append(self, scores):
        """Do nothing."""

    def check_length(self, n_images):
        """Do nothing."""

    def finish(self):
        """Do nothing."""


class CsvFile:
    """Scores in a CSV file; `known` are those that an earlier run has written."""

    def __init__(self, path, score_type):
        self.path, self._csv, self._score_type = path, path, score_type
        # The lines that must stand in the file before the next score.
        self.known, self._header = [], csv_header(score_type)
        if path.exists():
            self.known, n_bytes = _read_complete_lines(path, score_type)
            os.truncate(path, n_bytes)
            self._header = "" if n_bytes else csv_header(score_type)

    def append(self, scores):
        """Write scores to the end of the file."""
        text = self._header + "".join(map(csv_line, scores))
        try:
            with self._csv.open("a", encoding="utf-8", newline="") as file:
                file.write(text)
        except OSError as error:
            raise OSError(f"{self._csv} cannot be written ({error.strerror})") from error
        self._header = ""

    def finish(self):
        """Do nothing, because the file is complete."""

    def check_row(self, row, name, threshold):
        """Raise ValueError if a row is not of the path `name`, or has another threshold's label."""
        known = self.known[row]
        if known.path != name:
            raise ValueError(
                f"{self.path} holds scores of other images: row {row} is of {known.path!r}, and "
                f"image {row} of X is {name!r}. {_REMEDY}"
            )
        if known.label != label_of(known.probability, threshold):
            raise ValueError(
                f"{self.path} was written with another threshold: with {threshold} a probability "
                f"of {known.probability:g} (row {row}) is not {known.label!r}. {_REMEDY}"
            )

    def check_probability(self, row, probability):
        """Raise ValueError if the probability in a row differs; NaN does not differ."""
        known = self.known[row]
        if abs(known.probability - probability) > _TOLERANCE:
            raise ValueError(
                f"{self.path} holds scores of another detector: the probability of {known.path!r} "
                f"is {known.probability:g} there, and {probability:g} by this one. {_REMEDY}"
            )

    def check_length(self, n_images):
        """Raise ValueError if there are more rows than images."""
        if len(self.known) > n_images:
            raise ValueError(
                f"{self.path} holds scores of {len(self.known)} images, but X has only "
                f"{n_images}. {_REMEDY}"
            )


class ParquetFile(CsvFile):
    """Scores in a Parquet file, which is written at the end from a CSV file beside it.

    A Parquet file cannot grow: its table of contents is at its end.
    """

    def __init__(self, path, score_type):
        check_parquet_library()
        super().__init__(path.with_name(f"{path.name}.part.csv"), score_type)
        self.path = path
        if not self.known and path.exists():
            self._csv.unlink(missing_ok=True)
            with _open(path):
                self.known = read_parquet(path, score_type)
            self._header = csv_header(score_type) + "".join(map(csv_line, self.known))

    def finish(self):
        """Write the Parquet file, and remove the CSV file."""
        if self._csv.exists():
            scores, _ = _read_complete_lines(self._csv, self._score_type)
            write_parquet(scores, self.path, self._score_type)
            self._csv.unlink()


def _open(path):
    try:
        return open_regular_file(path, kind="a scores", may_be_empty=True)
    except UnreadableFileError as error:
        raise ValueError(f"{path} cannot hold scores: {error}. Give another output.") from error


def _bounded_lines(file):
    while content := file.readline(_LONGEST_LINE):
        if len(content) == _LONGEST_LINE:
            raise ValueError(f"it has {_LONGEST_LINE:,} bytes or more")
        yield content


def _read_complete_lines(path, score_type):
    """Return the scores in a CSV file, and the number of bytes up to the end of the last one.

    The rest is a line that was only partly written. ValueError if the file holds something else.
    """
    scores, n_read, n_complete, line = [], 0, 0, ""
    header = csv_header(score_type)
    with _open(path) as file:

        def lines():
            nonlocal n_read, line
            for content in _bounded_lines(file):
                n_read += len(content)
                line = content.decode("utf-8", "replace")
                yield line

        rows = csv.reader(lines(), strict=True)
        try:
            for row in rows:
                if not line.endswith("\n"):
                    break
                if n_complete:
                    scores.append(score_from_fields(row, score_type))
                elif row != header.rstrip().split(","):
                    break
                n_complete = n_read
        except (csv.Error, ValueError) as error:
            # An open quotation mark at the end of the file is a partly written line, too.
            if isinstance(error, ValueError) or file.read(1):
                raise ValueError(
                    f"{path}, line {rows.line_num}, is not a score ({error}). Mend the line, "
                    "delete the file, or give another output."
                ) from error
    if not n_complete and not header.startswith(line):
        raise ValueError(
            f"{path} does not hold scores: its first line is {line.strip()[:80]!r}, and that of "
            f"scores is {header.strip()!r}. Delete it, or give another output."
        )
    return scores, n_complete
