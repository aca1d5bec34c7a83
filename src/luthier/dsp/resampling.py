"""Changing the sample rate, with the best converter at hand."""

from __future__ import annotations

import numpy as np
import soxr
import torch
from torch import Tensor


def resample(audio: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Change the sample rate of audio without shifting it in time.

    Args:
        audio: (batch, n_samples).
        from_rate: Hz.
        to_rate: Hz.

    Returns:
        (batch, ceil(n_samples * to_rate / from_rate)), float32, on the input's device; the input
        itself where the rates are equal.

    Source: the SoX resampler at its very high quality setting.
    """
    if from_rate == to_rate:
        return audio
    length = -(-audio.shape[-1] * to_rate // from_rate)
    samples = audio.detach().to("cpu", torch.float32).numpy()
    rows = [_fit(soxr.resample(row, from_rate, to_rate, quality="VHQ"), length) for row in samples]
    return torch.from_numpy(np.stack(rows)).to(audio.device)


def _fit(row: np.ndarray, length: int) -> np.ndarray:
    """Cut or zero-pad to the exact length: the converter rounds the last sample either way."""
    fitted = np.zeros(length, dtype=np.float32)
    fitted[: min(length, len(row))] = row[:length]
    return fitted
