"""Control curves in a CSV file: one frame a row, drawn by hand, by a spreadsheet or by a script."""

from __future__ import annotations

from pathlib import Path

import torch

from luthier.errors import ShapeError
from luthier.export.number_tables import read_number_table
from luthier.inference.additive import ControlCurves

FIRST_COLUMNS = ["f0_hz", "amplitude"]


def read_curves(path: str | Path) -> ControlCurves:
    """Read pitch, amplitude and harmonics, frame by frame.

    Args:
        path: CSV whose first row says f0_hz, amplitude, harmonic_1, harmonic_2 and so on.

    Raises:
        ShapeError: the columns are others.
        ShapeError, RangeError, OSError: see `read_number_table`.
    """
    path = Path(path)
    columns, rows = read_number_table(path)
    expected = FIRST_COLUMNS + [f"harmonic_{number}" for number in range(1, max(2, len(columns) - 1))]
    if columns != expected:
        raise ShapeError(f"{path}: the first row is {','.join(columns)[:80]!r}, expected {','.join(expected)[:80]!r}.")
    values = torch.from_numpy(rows).float()
    return ControlCurves(values[:, 0], values[:, 1], values[:, 2:])
