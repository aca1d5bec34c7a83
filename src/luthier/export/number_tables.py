"""Tables of numbers as spreadsheets write them: CSV with commas, or with semicolons and decimal commas."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from luthier.csv_rows import read_csv_rows
from luthier.errors import RangeError, ShapeError


def read_number_table(path: Path) -> tuple[list[str], np.ndarray]:
    """Read a table whose first row names its columns; empty rows are passed over.

    Returns:
        The names, and the numbers (n_rows, n_columns).

    Raises:
        ShapeError: it is no such table, or a row is longer or shorter than the first.
        RangeError: there is no row below the first, or a cell holds no number.
        OSError: the file cannot be read.
    """
    rows, delimiter = read_csv_rows(path, expected="text with one frame a row")
    if len(rows) < 2:
        raise RangeError(f"{path}: no frames below the first row. Expected one row for each.")
    names = [name.strip() for name in rows[0][1]]
    cells = [_numbers(path, number, row, len(names), delimiter) for number, row in rows[1:]]
    return names, np.array(cells)


def _numbers(path: Path, number: int, row: list[str], n_columns: int, delimiter: str) -> list[float]:
    if len(row) != n_columns:
        raise ShapeError(f"{path}: row {number} has {len(row)} cells, expected {n_columns}.")
    try:
        return [float(cell if delimiter == "," else cell.replace(",", ".")) for cell in row]
    except ValueError as error:
        raise RangeError(f"{path}: row {number}: {error}. Expected numbers.") from error
