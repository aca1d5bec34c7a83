"""One-dimensional float32 arrays on disk (.npy): written piece by piece, mapped when read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from luthier.errors import DatasetError

DTYPE = np.dtype("<f4")
HEADER_BYTES = 128
"""Every header we write has this length, so that the final length can be filled in afterwards."""


def array_path(folder: Path, recording_id: str, array: str) -> Path:
    """Where an array of a recording lies in a dataset; the id consists of hexadecimal digits only."""
    return folder / f"{recording_id}.{array}.npy"


def write_array(path: Path, pieces: Iterable[np.ndarray]) -> int:
    """Write pieces one after another as one .npy file; nothing but the piece at hand is in memory.

    Args:
        path: file to write, replaced if it exists.
        pieces: (n,) each.

    Returns:
        The length of the whole array.

    Raises:
        OSError: the place cannot be written to, or is full (a mapped file would crash instead).
    """
    length = 0
    with path.open("wb") as file:
        _write_header(file, 0)
        for piece in pieces:
            file.write(np.ascontiguousarray(piece, dtype=DTYPE).data)
            length += len(piece)
        file.seek(0)
        _write_header(file, length)
    return length


def map_array(path: Path, length: int) -> Tensor:
    """Map an array file into memory; changes to the tensor never reach the file.

    The file is closed again at once: a dataset of thousands of recordings needs no open files.

    Args:
        path: file written by `write_array`.
        length: the length that it must have.

    Returns:
        (length,) float32.

    Raises:
        DatasetError: the file is missing, damaged or of another length.
    """
    check_array(path, length)
    n_header = HEADER_BYTES // DTYPE.itemsize
    try:
        mapped = torch.from_file(str(path), shared=False, size=n_header + length, dtype=torch.float32)
    except RuntimeError as error:  # a file with holes can be larger than all memory addresses allowed
        raise DatasetError(f"{path}: an array of {length} values is too large for this machine.") from error
    return mapped[n_header:]


def check_array(path: Path, length: int) -> None:
    """Trust nothing but our own header, byte for byte, and a file of exactly the right size.

    Raises:
        DatasetError: the file is missing, damaged or of another length.
    """
    expected = HEADER_BYTES + length * DTYPE.itemsize
    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
        found = path.stat().st_size
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}). Prepare the dataset again.") from error
    if head != _header(length) or found != expected:
        raise DatasetError(
            f"{path}: damaged ({found} bytes, expected an array of {length} values in {expected} bytes). "
            "Prepare the dataset again."
        )


def _write_header(file: BinaryIO, length: int) -> None:
    file.write(_header(length))


def _header(length: int) -> bytes:
    """Version 1.0 of the .npy header, padded to a fixed size (NumPy enhancement proposal 1)."""
    magic = b"\x93NUMPY\x01\x00" + (HEADER_BYTES - 10).to_bytes(2, "little")
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({length},), }}".encode()
    return magic + text.ljust(HEADER_BYTES - 11) + b"\n"
