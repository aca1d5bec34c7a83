"""What every feature asks of the audio it is given, said once."""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.errors import RangeError, ShapeError
from luthier.features.long_audio import LongAudio, as_long_audio

SAMPLES_AT_ONCE = 1 << 20
"""Samples checked in one go: bounds the memory, whatever the length of the clip."""


def check_audio(audio: Tensor | LongAudio, sample_rate: int, hop_length: int) -> LongAudio:
    """Refuse audio of the wrong shape, without samples, or with samples that are no numbers.

    Args:
        audio: (batch, n_samples) expected.
        sample_rate: Hz, positive expected.
        hop_length: samples, positive expected.

    Returns:
        The audio, to be read piece by piece.

    Raises:
        ShapeError: not two axes, or no samples.
        RangeError: a NaN or an infinity (the message names the first), or a rate or hop that is not positive.
    """
    if (isinstance(audio, Tensor) and audio.ndim != 2) or as_long_audio(audio).n_samples == 0:
        shape = tuple(audio.shape) if isinstance(audio, Tensor) else "no samples"
        raise ShapeError(f"audio has the shape {shape}; expected (batch, n_samples) with at least 1 sample.")
    if sample_rate < 1 or hop_length < 1:
        raise RangeError(f"sample_rate {sample_rate} and hop_length {hop_length}: both must be positive.")
    clip = as_long_audio(audio)
    for start in range(0, clip.n_samples, SAMPLES_AT_ONCE):
        _check_finite(clip.read(start, min(start + SAMPLES_AT_ONCE, clip.n_samples)), start)
    return clip


def _check_finite(audio: Tensor, start: int) -> None:
    bad = ~torch.isfinite(audio)
    if bad.any():
        row, sample = torch.nonzero(bad)[0].tolist()
        raise RangeError(
            f"audio has samples that are not finite numbers, the first is {float(audio[row, sample])} "
            f"at sample {start + sample} of clip {row}. Repair or cut the recording there."
        )
