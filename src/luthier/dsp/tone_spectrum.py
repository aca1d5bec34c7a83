"""Where the tones of a melody lie, and how much louder a room makes them: rooms ring at some pitches and not at others."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.dsp.signals import Controls

BIN_HZ = 2
"""Width of a bin: what lies nearer together a note of half a second does not tell apart."""


def n_tone_bins(sample_rate: int) -> int:
    """Bins from 0 Hz to Nyquist."""
    return sample_rate // (2 * BIN_HZ)


def tone_spectrum(controls: Controls, sample_rate: int) -> Tensor:
    """Power of the partials of all frames, of a whole batch, by frequency.

    Args:
        controls: (batch, n_frames, ...).
        sample_rate: Hz.

    Returns:
        (n_bins,), see `n_tone_bins`.
    """
    partials = (controls.amplitude * controls.harmonic_distribution).square()
    numbers = torch.arange(1, partials.shape[-1] + 1).to(partials)
    n_bins = n_tone_bins(sample_rate)
    bins = (controls.f0_hz * numbers / BIN_HZ).long().clamp_max(n_bins - 1)
    return torch.bincount(bins.flatten(), partials.flatten(), minlength=n_bins)


def tone_spectrum_gain(impulse_response: Tensor, sample_rate: int, tones: Tensor) -> Tensor:
    """By how much a room makes tones louder.

    Args:
        impulse_response: (n_taps,) or (n_channels, n_taps).
        sample_rate: Hz.
        tones: (n_bins,), as `tone_spectrum` counts them.

    Returns:
        Root of the mean power gain of all channels over the tones: a scalar; NaN without power.
    """
    fold = BIN_HZ * math.ceil(impulse_response.shape[-1] / sample_rate)  # bins of the transform in one of the tones
    n_fft = fold // BIN_HZ * sample_rate
    gains = torch.fft.rfft(impulse_response, n_fft).abs().square().reshape(-1, 1, n_fft // 2 + 1).mean(dim=0)
    gains = F.avg_pool1d(gains, fold)[0, : len(tones)]
    return torch.sqrt((tones * gains).sum() / tones.sum())
