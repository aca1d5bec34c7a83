"""Sound files with their channels kept apart: rooms recorded with two ears, and channels that cancel each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from luthier.analysis.checkup_findings import CANCELLED_DB
from luthier.data import compressed_files
from luthier.data.audio_files import BLOCK_SAMPLES, audio_info, load_audio, open_audio
from luthier.dsp.resampling import resample
from luthier.errors import AudioFileError
from luthier.units import power_to_db


def load_channels(path: str | Path, sample_rate: int) -> Tensor:
    """Read a short sound file with all its channels; one channel from formats that need the extra `m4a`.

    Args:
        path: any format that `load_audio` reads.
        sample_rate: Hz wanted.

    Returns:
        (n_channels, n_samples), float32.

    Raises:
        AudioFileError, MissingExtraError: as `load_audio`.
    """
    path = Path(path)
    mono = load_audio(path, sample_rate)[0]  # says what is wrong with a file
    if audio_info(path).n_channels == 1 or compressed_files.is_needed(path):
        return mono
    with open_audio(path) as file:
        samples, source_rate = file.read(dtype="float32", always_2d=True), file.samplerate
    return resample(torch.from_numpy(samples.T.copy()), source_rate, sample_rate)


def cancelled_db(path: str | Path) -> float:
    """By how much a file's channels cancel each other: how much softer their mean is than that of unrelated channels.

    Far above 0 one of them is upside down; at most 0 otherwise, whatever is in how many of them. 0 for formats that need
    the extra `m4a`.

    Args:
        path: a file that `load_audio` reads.

    Raises:
        AudioFileError: no such sound file.
    """
    path = Path(path)
    n_channels = audio_info(path).n_channels
    if n_channels == 1 or compressed_files.is_needed(path):
        return 0.0
    each, together = 0.0, 0.0
    with open_audio(path) as file:
        for block in file.blocks(BLOCK_SAMPLES, dtype="float32", always_2d=True):
            each += float(np.square(block, dtype=np.float64).mean(axis=1).sum())
            together += float(np.square(block.mean(axis=1), dtype=np.float64).sum())
    return float(power_to_db(each / n_channels) - power_to_db(together))


def refuse_cancelled(path: Path) -> None:
    """Say why a file is silent whose channels are not.

    Raises:
        AudioFileError: its channels cancel each other.
    """
    if cancelled_db(path) > CANCELLED_DB:
        raise AudioFileError(f"{path}: its channels cancel each other. Invert one of them, or give one alone.")
