"""Closed-form analysis: audio and its pitch to the `Controls` that play it again, without any training.

    audio, f0 ─┬─► noise in the valleys ──────────────► noise_magnitudes
               └─► least-squares harmonics ─► minus the noise's share ─► amplitude, harmonic_distribution

It bounds from below how far an instrument's output can come to its recording: the oracle of every evaluation.
"""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.analysis.harmonics import measure_harmonics
from luthier.analysis.noise_bands import UNIFORM_NOISE_POWER, measure_noise_bands
from luthier.dsp.framing import n_frames
from luthier.dsp.samples import as_samples
from luthier.dsp.scaling import harmonics_below_nyquist
from luthier.dsp.signals import Controls
from luthier.errors import RangeError, ShapeError

SILENT_AMPLITUDE = 1e-9
"""Sum of amplitudes below which a frame has no timbre; all its harmonics then get the same share."""


def analyse(
    audio: Tensor, f0_hz: Tensor, *, sample_rate: int, hop_length: int, n_harmonics: int, n_bands: int
) -> Controls:
    """Work out the controls whose rendering sounds like the audio.

    Args:
        audio: (batch, n_samples), one voice.
        f0_hz: (batch, n_frames, 1), Hz, positive, frame t at sample t * hop_length; below 21 Hz harmonics read low.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
        n_harmonics: harmonics wanted; those above Nyquist are 0.
        n_bands: noise bands wanted, at least 2.

    Returns:
        Controls of n_frames frames; f0_hz is passed on. A harmonic distribution sums to 1, or to 0 where even
        the fundamental lies above Nyquist.

    Raises:
        ShapeError: audio is not (batch, n_samples) with samples, or f0_hz does not fit to it.
        RangeError: audio or f0_hz is not finite, f0_hz not positive, or a count too small.

    Source: Stylianou 1996 for the harmonics and Serra & Smith 1990 for the noise, with differences that
    `measure_harmonics` and `measure_noise_bands` name. Ours: noise adds its own power to a squared amplitude, so what
    it is expected to add is taken off.
    """
    audio, f0_hz = as_samples(audio), torch.as_tensor(f0_hz, dtype=torch.float32)
    rates = {"sample_rate": sample_rate, "hop_length": hop_length}
    if min(rates.values()) < 1:
        raise RangeError(f"sample_rate {sample_rate} and hop_length {hop_length}: both must be positive.")
    _check(audio, f0_hz, hop_length, n_harmonics, n_bands)
    noise_magnitudes = measure_noise_bands(audio, f0_hz, n_bands=n_bands, **rates)
    estimate = measure_harmonics(audio, f0_hz, n_harmonics=n_harmonics, **rates)
    audible = harmonics_below_nyquist(f0_hz, n_harmonics, sample_rate).to(audio.dtype)
    share = estimate.noise_power * _noise_power_at_harmonics(noise_magnitudes, f0_hz, n_harmonics, sample_rate)
    amplitudes = (estimate.amplitudes.square() - share).clamp_min(0.0).sqrt() * audible
    return Controls(f0_hz, amplitudes.sum(-1, keepdim=True), _shares(amplitudes, audible), noise_magnitudes)


def _noise_power_at_harmonics(magnitudes: Tensor, f0_hz: Tensor, n_harmonics: int, sample_rate: int) -> Tensor:
    """Variance of the noise's spectrum at each harmonic: (batch, n_frames, n_harmonics)."""
    number = torch.arange(1, n_harmonics + 1, dtype=f0_hz.dtype, device=f0_hz.device)
    last = magnitudes.shape[-1] - 1
    position = (f0_hz * number / (sample_rate / 2) * last).clamp_max(last)
    below = position.floor().clamp_max(last - 1).long()
    low, high = magnitudes.gather(-1, below), magnitudes.gather(-1, below + 1)
    return UNIFORM_NOISE_POWER * torch.lerp(low, high, position - below).square()


def _shares(amplitudes: Tensor, audible: Tensor) -> Tensor:
    """Amplitudes to shares of their sum; equal shares of the audible harmonics where all are silent."""
    total = amplitudes.sum(-1, keepdim=True)
    equal = audible / audible.sum(-1, keepdim=True).clamp_min(1.0)
    return torch.where(total > SILENT_AMPLITUDE, amplitudes / total.clamp_min(SILENT_AMPLITUDE), equal)


def _check(audio: Tensor, f0_hz: Tensor, hop_length: int, n_harmonics: int, n_bands: int) -> None:
    if audio.ndim != 2 or audio.shape[-1] == 0:
        raise ShapeError(f"audio has the shape {tuple(audio.shape)}; expected (batch, n_samples) with samples.")
    expected = (len(audio), n_frames(audio.shape[-1], hop_length), 1)
    if tuple(f0_hz.shape) != expected:
        raise ShapeError(f"f0_hz has the shape {tuple(f0_hz.shape)}; expected {expected} for this audio and hop.")
    if not (torch.isfinite(audio).all() and torch.isfinite(f0_hz).all() and (f0_hz > 0).all()):
        raise RangeError("audio and f0_hz must be finite and f0_hz positive everywhere; fill its gaps first.")
    if n_harmonics < 1 or n_bands < 2:
        raise RangeError(f"n_harmonics {n_harmonics} and n_bands {n_bands}: expected at least 1 and 2.")
