"""Control curves in a CSV file: one frame a row, drawn by hand, by a spreadsheet or by a script."""

from __future__ import annotations

from itertools import zip_longest
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
        found = next(column for column, name in zip_longest(columns, expected, fillvalue="") if column != name)
        raise ShapeError(
            f"{path}: found the column {found!r}, expected f0_hz, amplitude, harmonic_1, harmonic_2 and so on. Curves of "
            "an instrument (--save-curves) are played by luthier transfer."
        )
    values = torch.from_numpy(rows).float()
    return ControlCurves(values[:, 0], values[:, 1], values[:, 2:])
