"""Rows of CSV files, also of those that a spreadsheet saved again in its own way."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from luthier.errors import ShapeError

DELIMITERS = ",;\t"


def read_csv_rows(path: Path, *, expected: str) -> tuple[list[tuple[int, list[str]]], str]:
    """Read text of UTF-8, or of Windows' western code page, whose first row names the columns.

    Args:
        path: of the file.
        expected: what the file should be, for the message.

    Returns:
        The rows that hold anything with their numbers, counted from 1, and the delimiter: where it is not the comma,
        the comma may be the decimal one.

    Raises:
        ShapeError: it is no such file.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    try:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252")
        first, _, rest = text.partition("\n")
        n_skipped = 0
        if first.lower().startswith("sep="):  # a note of Excel's to itself
            text, first, n_skipped = rest, rest.partition("\n")[0], 1
        delimiter = max(DELIMITERS, key=first.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return [(number, row) for number, row in enumerate(reader, 1 + n_skipped) if any(row)], delimiter
    except (UnicodeDecodeError, csv.Error) as error:
        raise ShapeError(f"{path}: not a CSV file ({error}). Expected {expected}.") from error
