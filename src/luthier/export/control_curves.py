"""What an instrument played, as curves in a file: CSV for spreadsheets, npz for scripts; edited, they are played again."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TextIO
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from luthier.atomic import atomic_file, refuse_suffix
from luthier.dsp.signals import Controls
from luthier.errors import RangeError, ShapeError
from luthier.export.number_tables import read_number_table

SUFFIXES = (".csv", ".npz")
TIME = "seconds"
FRAME_SLACK = 0.03
"""Part by which frames may lie closer or wider than an instrument's: times in a spreadsheet are rounded."""
LARGEST = 1e5
"""Of any value: a pitch in Hz is below it, and no amplitude comes near."""
ROWS_LEFT_OUT = 1.5
"""Rows further apart than this many usual steps had others between them."""


def is_control_curves(path: Path) -> bool:
    """Whether a file name is one of control curves."""
    return path.suffix.lower() in SUFFIXES


def save_controls(path: Path, controls: Controls, frame_rate: float, *, force: bool = False) -> None:
    """Write controls frame by frame.

    Args:
        path: ends in .csv (columns seconds, f0_hz, amplitude, harmonic_1 ..., noise_1 ...) or .npz (the fields of
            `Controls`, (n_frames, ...) each, and frame_rate).
        controls: (1, n_frames, ...) each.
        frame_rate: frames per second.
        force: replace an existing file.

    Raises:
        OutputError: another suffix, the file exists, or the place cannot be written to.
    """
    refuse_suffix(path, "curves", SUFFIXES)
    with atomic_file(path, force=force) as temporary:
        if path.suffix.lower() == ".npz":
            with temporary.open("wb") as binary:
                _write_npz(binary, controls, frame_rate)
        else:
            with temporary.open("w", newline="", encoding="utf-8") as text:
                _write_csv(text, controls, frame_rate)


def read_controls(path: Path, *, n_harmonics: int, n_bands: int, frame_rate: float) -> Controls:
    """Read controls that `save_controls` wrote, perhaps edited; rows that were taken out leave no gap.

    Args:
        path: .csv or .npz.
        n_harmonics: of the instrument that is to play them.
        n_bands: of its noise.
        frame_rate: of the instrument, frames per second.

    Returns:
        Controls (1, n_frames, ...); each distribution is brought back to a sum of one, its level to the amplitude.

    Raises:
        ShapeError: the file is none of these, or made for another instrument.
        RangeError: it has no frame or other frames a second, or a value is no number, not finite, negative, or a pitch
            of zero.
        OSError: it cannot be read.
    """
    sizes = (1, 1, n_harmonics, n_bands)
    read = _read_npz if path.suffix.lower() == ".npz" else _read_csv
    rows, frame_seconds = read(path, sizes)
    if frame_seconds is not None and not abs(frame_seconds * frame_rate - 1.0) <= FRAME_SLACK:
        raise RangeError(
            f"{path}: frames {1000 * frame_seconds:.4g} ms apart, but those of this instrument are "
            f"{1000 / frame_rate:.4g} ms. Resample the curves to that, or play them with the instrument they are of."
        )
    values = torch.from_numpy(rows).float().unsqueeze(0)
    if values.shape[1] == 0:
        raise RangeError(f"{path}: holds no frame. Expected one at least.")
    bad = ~((values >= 0) & (values <= LARGEST))[0]
    if bool(bad.any()):
        frame, column = bad.nonzero()[0].tolist()
        raise RangeError(
            f"{path}: {_columns(sizes)[1 + column]} of frame {frame + 1} is {float(values[0, frame, column]):g}. "
            f"Expected numbers from 0 to {LARGEST:g}."
        )
    controls = Controls(*values.split(sizes, dim=-1))
    if float(controls.f0_hz.min()) <= 0:
        raise RangeError(f"{path}: f0_hz is 0 in a frame. Expected a pitch everywhere; silence is an amplitude of 0.")
    total = controls.harmonic_distribution.sum(-1, keepdim=True)
    share = controls.harmonic_distribution / total.clamp_min(torch.finfo(total.dtype).tiny)
    return controls._replace(amplitude=controls.amplitude * total, harmonic_distribution=share)


def _columns(sizes: Iterable[int]) -> list[str]:
    *_, n_harmonics, n_bands = sizes
    harmonics = [f"harmonic_{number}" for number in range(1, n_harmonics + 1)]
    return [TIME, "f0_hz", "amplitude", *harmonics, *(f"noise_{number}" for number in range(1, n_bands + 1))]


def _rows(controls: Controls) -> Tensor:
    return torch.cat([*controls], dim=-1)[0]


def _write_csv(file: TextIO, controls: Controls, frame_rate: float) -> None:
    writer = csv.writer(file)
    writer.writerow(_columns(values.shape[-1] for values in controls))
    for frame, row in enumerate(_rows(controls).tolist()):
        writer.writerow([f"{frame / frame_rate:.6f}", *(f"{value:.9g}" for value in row)])


def _write_npz(file: BinaryIO, controls: Controls, frame_rate: float) -> None:
    arrays = {name: values[0].numpy() for name, values in controls._asdict().items()}
    np.savez_compressed(file, frame_rate=np.float64(frame_rate), **arrays)


def _read_csv(path: Path, sizes: tuple[int, ...]) -> tuple[np.ndarray, float | None]:
    """The values without the times, and the time from row to row; None for one row."""
    names, values = read_number_table(path)
    columns = _columns(sizes)
    if names != columns:
        raise ShapeError(
            f"{path}: expected the columns {', '.join(columns[:4])} ... {columns[-1]}. Which instrument was it?"
        )
    steps = np.diff(values[:, 0])
    if len(steps) == 0:
        return values[:, 1:], None
    if not np.isfinite(steps).all():
        raise RangeError(f"{path}: the column {TIME} holds no number somewhere. Expected the time of each frame.")
    usual = steps[steps <= ROWS_LEFT_OUT * np.median(steps)]  # their mean: rounded times differ by more than the slack
    return values[:, 1:], float(usual.mean()) if len(usual) else None


def _read_npz(path: Path, sizes: tuple[int, ...]) -> tuple[np.ndarray, float]:
    """The values, and the time from frame to frame."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            found = {name: stored[name].astype(float, casting="same_kind") for name in stored.files}
            *arrays, frame_rate = (found[name] for name in (*Controls._fields, "frame_rate"))
            frame_seconds = 1.0 / float(frame_rate)
    except KeyError as error:
        raise ShapeError(f"{path}: holds no {error}. Expected what --save-curves writes.") from error
    except (ValueError, EOFError, TypeError, AttributeError, ZeroDivisionError, BadZipFile, zlib.error) as error:
        raise ShapeError(f"{path}: not control curves. Expected what --save-curves writes.") from error
    shapes = [array.shape for array in arrays]
    if [shape[1:] for shape in shapes] != [(size,) for size in sizes] or len({shape[0] for shape in shapes}) != 1:
        raise ShapeError(f"{path}: shapes {shapes}, expected (n_frames, n) with n of {sizes}. Which instrument was it?")
    return np.concatenate(arrays, axis=1), frame_seconds
