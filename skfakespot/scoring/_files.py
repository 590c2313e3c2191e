"""Files of scores that grow chunk by chunk, so that an interrupted run can go on."""

import csv
import os
from pathlib import Path

from .._regular_files import UnreadableFileError, open_regular_file
from ._score import CSV_HEADER, score_from_fields
from ._table import check_parquet_library, read_parquet, write_parquet

_LONGEST_LINE = 2**20


def open_scores(output):
    """Return the file of scores for a path that ends in .csv or .parquet; None keeps none."""
    if output is None:
        return NoFile()
    path = Path(output)
    kinds = {".csv": CsvFile, ".parquet": ParquetFile}
    if path.suffix.lower() not in kinds:
        raise ValueError(f"output={str(output)!r}; its name must end in .csv or .parquet.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {path.parent}.")
    return kinds[path.suffix.lower()](path)


class NoFile:
    """Scores that are kept in no file."""

    known = ()

    def append(self, scores):
        """Do nothing."""

    def finish(self):
        """Do nothing."""


class CsvFile:
    """Scores in a CSV file; `known` are those that an earlier run has written."""

    def __init__(self, path):
        self.path, self._csv = path, path
        # The lines that must stand in the file before the next score.
        self.known, self._header = [], CSV_HEADER
        if path.exists():
            self.known, n_bytes = _read_complete_lines(path)
            os.truncate(path, n_bytes)
            self._header = "" if n_bytes else CSV_HEADER

    def append(self, scores):
        """Write scores to the end of the file."""
        text = self._header + "".join(score.to_csv() for score in scores)
        try:
            with self._csv.open("a", encoding="utf-8", newline="") as file:
                file.write(text)
        except OSError as error:
            raise OSError(f"{self._csv} cannot be written ({error.strerror})") from error
        self._header = ""

    def finish(self):
        """Do nothing, because the file is complete."""


class ParquetFile(CsvFile):
    """Scores in a Parquet file, which is written at the end from a CSV file beside it.

    A Parquet file cannot grow: its table of contents is at its end.
    """

    def __init__(self, path):
        check_parquet_library()
        super().__init__(path.with_name(f"{path.name}.part.csv"))
        self.path = path
        if not self.known and path.exists():
            self._csv.unlink(missing_ok=True)
            with _open(path):
                self.known = read_parquet(path)
            self._header = CSV_HEADER + "".join(score.to_csv() for score in self.known)

    def finish(self):
        """Write the Parquet file, and remove the CSV file."""
        if self._csv.exists():
            scores, _ = _read_complete_lines(self._csv)
            write_parquet(scores, self.path)
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


def _read_complete_lines(path):
    """Return the scores in a CSV file, and the number of bytes up to the end of the last one.

    The rest is a line that was only partly written. ValueError if the file holds something else.
    """
    scores, n_read, n_complete, line = [], 0, 0, ""
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
                    scores.append(score_from_fields(row))
                elif row != CSV_HEADER.rstrip().split(","):
                    break
                n_complete = n_read
        except (csv.Error, ValueError) as error:
            # An open quotation mark at the end of the file is a partly written line, too.
            if isinstance(error, ValueError) or file.read(1):
                raise ValueError(
                    f"{path}, line {rows.line_num}, is not a score ({error}). Mend the line, "
                    "delete the file, or give another output."
                ) from error
    if not n_complete and not CSV_HEADER.startswith(line):
        raise ValueError(
            f"{path} does not hold scores: its first line is {line.strip()[:80]!r}, and that of "
            f"scores is {CSV_HEADER.strip()!r}. Delete it, or give another output."
        )
    return scores, n_complete
