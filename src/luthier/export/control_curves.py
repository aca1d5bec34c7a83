"""What an instrument played, as curves in a file: CSV for spreadsheets, npz for scripts; edited, they are played again."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import numpy as np
import torch
from torch import Tensor

from luthier.atomic import atomic_file
from luthier.dsp.signals import Controls
from luthier.errors import OutputError, RangeError, ShapeError
from luthier.export.number_tables import read_number_table

SUFFIXES = (".csv", ".npz")
TIME = "seconds"


def is_control_curves(path: Path) -> bool:
    """Whether a file name is one of control curves."""
    return path.suffix.lower() in SUFFIXES


def refuse_other_suffixes(path: Path) -> None:
    """Stop before the work where curves could not be written.

    Raises:
        OutputError: the name ends otherwise.
    """
    if not is_control_curves(path):
        raise OutputError(f"{path}: curves are written as .csv or .npz. Change the end of the name.")


def save_controls(path: Path, controls: Controls, frame_rate: float, *, force: bool = False) -> None:
    """Write controls frame by frame.

    Args:
        path: ends in .csv (columns seconds, f0_hz, amplitude, harmonic_1 ..., noise_1 ...) or .npz (the fields of
            `Controls`, (n_frames, ...) each).
        controls: (1, n_frames, ...) each.
        frame_rate: frames per second.
        force: replace an existing file.

    Raises:
        OutputError: another suffix, the file exists, or the place cannot be written to.
    """
    refuse_other_suffixes(path)
    with atomic_file(path, force=force) as temporary:
        if path.suffix.lower() == ".npz":
            with temporary.open("wb") as binary:
                _write_npz(binary, controls)
        else:
            with temporary.open("w", newline="", encoding="utf-8") as text:
                _write_csv(text, controls, frame_rate)


def read_controls(path: Path, *, n_harmonics: int, n_bands: int) -> Controls:
    """Read controls that `save_controls` wrote, perhaps edited.

    Args:
        path: .csv or .npz.
        n_harmonics: of the instrument that is to play them.
        n_bands: of its noise.

    Returns:
        Controls (1, n_frames, ...); each distribution is brought back to a sum of one, its level to the amplitude.

    Raises:
        ShapeError: the file is none of these, or made for another instrument.
        RangeError: it has no frame, or a value is no number, not finite, negative, or a pitch of zero.
        OSError: it cannot be read.
    """
    sizes = (1, 1, n_harmonics, n_bands)
    read = _read_npz if path.suffix.lower() == ".npz" else _read_csv
    values = torch.from_numpy(read(path, sizes)).float().unsqueeze(0)
    if values.shape[1] == 0 or not bool(torch.isfinite(values).all()) or float(values.min()) < 0:
        raise RangeError(f"{path}: expected at least one frame, and finite numbers of 0 or more.")
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
        writer.writerow([f"{frame / frame_rate:.4f}", *(f"{value:.9g}" for value in row)])


def _write_npz(file: BinaryIO, controls: Controls) -> None:
    np.savez_compressed(file, **{name: values[0].numpy() for name, values in controls._asdict().items()})


def _read_csv(path: Path, sizes: tuple[int, ...]) -> np.ndarray:
    names, values = read_number_table(path)
    columns = _columns(sizes)
    if names != columns:
        raise ShapeError(
            f"{path}: expected the columns {', '.join(columns[:4])} ... {columns[-1]}. Which instrument was it?"
        )
    return values[:, 1:]


def _read_npz(path: Path, sizes: tuple[int, ...]) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = [cast("np.ndarray", stored[name]) for name in Controls._fields]
    except (KeyError, ValueError, EOFError) as error:
        raise ShapeError(f"{path}: not control curves ({error}). Expected what --save-curves writes.") from error
    shapes = [array.shape for array in arrays]
    if [shape[1:] for shape in shapes] != [(size,) for size in sizes] or len({shape[0] for shape in shapes}) != 1:
        raise ShapeError(f"{path}: shapes {shapes}, expected (n_frames, n) with n of {sizes}. Which instrument was it?")
    return np.concatenate(arrays, axis=1)
