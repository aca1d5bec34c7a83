"""Sound files with their channels kept apart: rooms that are recorded with two ears."""

from __future__ import annotations

from pathlib import Path

import soundfile
import torch
from torch import Tensor

from luthier.data import compressed_files
from luthier.data.audio_files import audio_info, load_audio
from luthier.data.sound_file_paths import native_path
from luthier.dsp.resampling import resample


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
    samples, source_rate = soundfile.read(native_path(path), dtype="float32", always_2d=True)
    return resample(torch.from_numpy(samples.T.copy()), source_rate, sample_rate)
