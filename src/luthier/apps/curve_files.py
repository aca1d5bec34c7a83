"""Control curves in a CSV file: one frame a row, drawn by hand, by a spreadsheet or by a script."""

from __future__ import annotations

import csv
from pathlib import Path

import torch

from luthier.errors import RangeError, ShapeError
from luthier.inference.additive import ControlCurves

FIRST_COLUMNS = ["f0_hz", "amplitude"]


def read_curves(path: str | Path) -> ControlCurves:
    """Read pitch, amplitude and harmonics, frame by frame.

    Args:
        path: CSV whose first row says f0_hz, amplitude, harmonic_1, harmonic_2 and so on.

    Raises:
        ShapeError: the columns are others, or a row is longer or shorter than the first.
        RangeError: there is no frame, or a cell holds no number.
        OSError: the file cannot be read.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, *rows = [row for row in csv.reader(file) if row] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ShapeError(f"{path}: not a CSV file ({error}). Expected text with one frame a row.") from error
    columns = [name.strip() for name in header]
    expected = FIRST_COLUMNS + [f"harmonic_{number}" for number in range(1, max(2, len(columns) - 1))]
    if columns != expected:
        raise ShapeError(f"{path}: the first row is {','.join(columns)[:80]!r}, expected {','.join(expected)[:80]!r}.")
    values = torch.tensor([_numbers(path, index, row, len(columns)) for index, row in enumerate(rows, start=2)])
    if len(values) == 0:
        raise RangeError(f"{path}: no frames below the first row. Expected one row for each.")
    return ControlCurves(values[:, 0], values[:, 1], values[:, 2:])


def _numbers(path: Path, line: int, row: list[str], n_columns: int) -> list[float]:
    if len(row) != n_columns:
        raise ShapeError(f"{path}: row {line} has {len(row)} cells, expected {n_columns}.")
    try:
        return [float(cell) for cell in row]
    except ValueError as error:
        raise RangeError(f"{path}: row {line}: {error}. Expected numbers.") from error
