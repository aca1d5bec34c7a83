"""The pitch of a recording in a CSV file: to look at in a spreadsheet, to correct by hand, to give back.

seconds,f0_hz,periodicity
0.000000,0,0.03              0 Hz: no pitch here
0.010000,440.312,0.91
"""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import torch
from torch import Tensor

from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.framing import n_frames
from luthier.dsp.signals import VOICED_PERIODICITY
from luthier.errors import ConfigError
from luthier.features.pitch import Pitch
from luthier.features.track import DEFAULT_F0_HZ, Track, read_track

COLUMNS = ("seconds", "f0_hz", "periodicity")
"""The last may be left out; columns of other names are passed over."""
ROWS_AT_ONCE = 1 << 14
HOLE_STEPS = 3.0
"""A row that comes later than after so many usual steps has lost the ones before it."""
END_SECONDS = 0.1
"""First and last row may be this far from the ends of the recording: programs centre their frames differently."""


class F0Curve(NamedTuple):
    """A pitch curve as somebody wrote it.

    Attributes:
        path: the file, for messages.
        seconds: (n_rows,), rising.
        f0_hz: (n_rows,), Hz; 0 where there is no pitch.
        periodicity: (n_rows,), 0..1: 0.5 and more exactly where there is a pitch.
    """

    path: Path
    seconds: np.ndarray
    f0_hz: np.ndarray
    periodicity: np.ndarray


def write_f0(path: Path, f0_hz: Tensor, periodicity: Tensor, definition: FeatureDefinition) -> None:
    """Write the pitch of each frame, and 0 Hz where there is none.

    Args:
        path: file to write.
        f0_hz: (n_frames,), Hz, gaps filled.
        periodicity: (n_frames,), 0..1.
        definition: says when each frame is.

    Raises:
        OSError: the place cannot be written to.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for start in range(0, len(f0_hz), ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            for frame, (hertz, sure) in enumerate(
                zip(f0_hz[some].tolist(), periodicity[some].tolist(), strict=True), start
            ):
                seconds = frame * definition.hop_length / definition.sample_rate
                writer.writerow([f"{seconds:.6f}", f"{hertz:.9g}" if sure >= VOICED_PERIODICITY else 0, f"{sure:.9g}"])


def read_f0(path: Path) -> F0Curve:
    """Read a pitch curve: what `write_f0` wrote, edited, or another program's.

    Where `periodicity` contradicts `f0_hz`, the pitch is believed: a pitch that was drawn in has periodicity 1, one
    that was set to 0 has 0. Files with semicolons and decimal commas, as some spreadsheets write them, are read too.

    Raises:
        ConfigError: columns are missing, a cell is no number or out of range, time does not rise, or rows are missing.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            values = np.array(array("d", chain.from_iterable(_rows(path, file)))).reshape(-1, len(COLUMNS))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: not a CSV file ({error}). Expected the columns {', '.join(COLUMNS)}.") from error
    seconds, f0_hz, periodicity = values.T
    _check_steps(path, seconds)
    agrees = (f0_hz > 0) == (periodicity >= VOICED_PERIODICITY)
    return F0Curve(path, seconds, f0_hz, np.where(agrees, periodicity, f0_hz > 0))


def given_pitch(curve: F0Curve, n_samples: int, definition: FeatureDefinition) -> Pitch:
    """Read a curve at our frames, whatever its own rate: straight lines in octaves, but the nearer note at a leap.

    Args:
        curve: of the whole recording.
        n_samples: length of the recording at the definition's rate.
        definition: frames wanted, and the range of pitches allowed.

    Returns:
        f0 and periodicity, each (1, n_frames, 1), gaps filled.

    Raises:
        ConfigError: the curve is of another length, or a pitch lies outside the range.
    """
    _check_ends(curve, n_samples / definition.sample_rate)
    is_pitched = curve.f0_hz > 0
    _check_range(curve, definition)
    frames = np.arange(n_frames(n_samples, definition.hop_length))
    every_row = np.arange(len(curve.seconds))
    rows = np.interp(frames * definition.hop_length / definition.sample_rate, curve.seconds, every_row)
    f0_hz = torch.from_numpy(np.where(is_pitched, curve.f0_hz, DEFAULT_F0_HZ))
    filled, _ = read_track(Track(f0_hz, torch.from_numpy(is_pitched).float(), 1), torch.from_numpy(rows))
    periodicity = torch.from_numpy(np.interp(rows, every_row, curve.periodicity)).float()
    return Pitch(filled[None, :, None], periodicity[None, :, None])


def _rows(path: Path, file: TextIO) -> Iterator[tuple[float, float, float]]:
    """Seconds, Hz and periodicity of each row, checked one by one."""
    first = file.readline()
    delimiter = ";" if ";" in first else ","
    names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    if not {*COLUMNS[:2]} <= {*names}:
        raise ConfigError(f"{path}: the first row is {first.strip()[:80]!r}, expected {','.join(COLUMNS)}.")
    places = [names.index(name) if name in names else None for name in COLUMNS]
    before = -math.inf
    for number, row in enumerate(csv.reader(file, delimiter=delimiter), start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = ["" if place is None else row[place] if place < len(row) else "" for place in places]
        seconds, hertz = (_number(path, number, cell, delimiter) for cell in cells[:2])
        sure = float(hertz > 0) if places[2] is None else _number(path, number, cells[2], delimiter)
        if seconds <= before:
            raise ConfigError(f"{path}: row {number}: {seconds:g} s does not come after {before:g} s. Time must rise.")
        if sure > 1:
            raise ConfigError(f"{path}: row {number}: periodicity {sure:g}, expected 0 to 1.")
        before = seconds
        yield seconds, hertz, sure


def _number(path: Path, row: int, cell: str, delimiter: str) -> float:
    text = cell.strip().replace(",", ".") if delimiter == ";" else cell.strip()
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ConfigError(f"{path}: row {row}: {cell[:40]!r}, expected a number of 0 or more (0 Hz: no pitch).")
    return number


def _check_steps(path: Path, seconds: np.ndarray) -> None:
    if len(seconds) < 2:
        raise ConfigError(f"{path}: {len(seconds)} rows, expected one for each frame of the recording.")
    steps = np.diff(seconds)
    hole = int(steps.argmax())
    if steps[hole] > HOLE_STEPS * np.median(steps):
        raise ConfigError(
            f"{path}: no rows between {seconds[hole]:g} s and {seconds[hole + 1]:g} s. Where there is no pitch, keep "
            "the rows and set f0_hz to 0."
        )


def _check_ends(curve: F0Curve, duration_seconds: float) -> None:
    first, last = float(curve.seconds[0]), float(curve.seconds[-1])
    slack = END_SECONDS + float(np.median(np.diff(curve.seconds)))
    if first > slack or abs(duration_seconds - last) > slack:
        raise ConfigError(
            f"{curve.path}: goes from {first:g} s to {last:g} s, the recording from 0 to {duration_seconds:g} s. "
            "Expected rows for all of it, with f0_hz 0 where there is no pitch. Is it of another recording?"
        )


def _check_range(curve: F0Curve, definition: FeatureDefinition) -> None:
    low, high = definition.f0_min_hz, definition.f0_max_hz
    outside = (curve.f0_hz > 0) & ((curve.f0_hz < low) | (curve.f0_hz > high))
    if outside.any():
        first = int(outside.argmax())
        raise ConfigError(
            f"{curve.path}: {curve.f0_hz[first]:g} Hz at {curve.seconds[first]:g} s, expected {low:g} to {high:g} Hz. "
            "Correct it, or prepare with another --f0-min-hz or --f0-max-hz."
        )
