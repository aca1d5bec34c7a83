"""The same mathematics as in `dsp`, written slowly and obviously, in double precision."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Samples = NDArray[np.float64]


def difference_db(found: ArrayLike, expected: ArrayLike) -> float:
    """Energy of the difference against the energy of what was expected, dB."""
    found, expected = (np.asarray(values, dtype=np.float64) for values in (found, expected))
    return 10 * math.log10(max(np.sum((found - expected) ** 2), 1e-300) / np.sum(expected**2))


def draw_lines(frames: Samples, hop_length: int) -> Samples:
    """A value for every sample, on straight lines between frames; the last frame is held."""
    n_frames = len(frames)
    return np.interp(np.arange(n_frames * hop_length) / hop_length, np.arange(n_frames), frames)


def draw_steps(frames: Samples, hop_length: int) -> Samples:
    """A value for every sample, the nearest frame's on its left: what we do not do."""
    return np.repeat(frames, hop_length)


def running_phase(f0_hz: Samples, sample_rate: int) -> Samples:
    """Phase in cycles at every sample, zero at the first: the trapezoid rule is exact on straight lines."""
    cycles = np.zeros(len(f0_hz), dtype=np.longdouble)
    cycles[1:] = np.cumsum((f0_hz[1:] + f0_hz[:-1]).astype(np.longdouble) / (2 * sample_rate))
    return cycles.astype(np.float64)


def sum_of_sines(cycles: Samples, amplitudes: Samples) -> Samples:
    """sum_k amplitudes[:, k - 1] * sin(2 pi k cycles), one harmonic after the other."""
    audio = np.zeros(len(cycles))
    for index in range(amplitudes.shape[1]):
        audio += amplitudes[:, index] * np.sin(2 * math.pi * (index + 1) * cycles)
    return audio


def harmonic_tone(f0_hz: Samples, amplitudes: Samples, sample_rate: int, hop_length: int) -> Samples:
    """Harmonics with everything drawn on lines: f0_hz (n_frames,), amplitudes (n_frames, n_harmonics), gated here."""
    numbers = np.arange(1, amplitudes.shape[1] + 1)
    audible = (f0_hz[:, None] > 0) & (f0_hz[:, None] * numbers < sample_rate / 2)
    gated = amplitudes * audible
    lines = np.stack([draw_lines(column, hop_length) for column in gated.T], axis=1)
    return sum_of_sines(running_phase(draw_lines(f0_hz, hop_length), sample_rate), lines)


def off_harmonic_db(audio: ArrayLike, f0_hz: float, sample_rate: int, width_hz: float = 50.0) -> float:
    """Energy further than `width_hz` from a single partial, against all energy, dB; the ends are left out.

    The Kaiser window's own side lobes lie below -160 dB.
    """
    middle = np.asarray(audio, dtype=np.float64)[sample_rate // 10 : -sample_rate // 10]
    power = np.abs(np.fft.rfft(middle * np.kaiser(len(middle), 18.0))) ** 2
    frequency_hz = np.fft.rfftfreq(len(middle), 1 / sample_rate)
    return 10 * math.log10(power[np.abs(frequency_hz - f0_hz) > width_hz].sum() / power.sum())


def cross_faded_noise(magnitudes: Samples, stretch: Samples, hop_length: int) -> Samples:
    """Filter every frame's noise under a square-root Hann window and add the frames up.

    Args:
        magnitudes: (n_frames + 1, n_bands).
        stretch: ((n_frames + 2) * hop_length,), white; frame t lies on samples t * hop to (t + 2) * hop.
        hop_length: samples from one frame to the next.

    Returns:
        (n_frames * hop_length,): where two frames overlap.
    """
    length = 2 * hop_length
    window = np.sin(math.pi * np.arange(length) / length)
    total = np.zeros(len(stretch))
    for index, bands in enumerate(magnitudes):
        place = slice(index * hop_length, index * hop_length + length)
        bins = np.interp(np.linspace(0, 1, hop_length + 1), np.linspace(0, 1, len(bands)), bands)
        total[place] += window * np.fft.irfft(np.fft.rfft(stretch[place] * window) * bins, n=length)
    return total[hop_length:-hop_length]


def separate_noise(magnitudes: Samples, noise: Samples, hop_length: int) -> Samples:
    """Filter every frame's noise by itself, no overlap, a 128-tap window of a filter: what we do not do."""
    frames = []
    for bands, stretch in zip(magnitudes, noise.reshape(-1, hop_length), strict=True):
        taps = np.fft.fftshift(np.fft.irfft(bands)) * np.hanning(2 * (len(bands) - 1))
        frames.append(np.convolve(stretch, taps)[len(taps) // 2 :][:hop_length])
    return np.concatenate(frames)


def spectral_distance(output: Tensor, target: Tensor, windows: tuple[int, ...], epsilon: float) -> Tensor:
    """The assignment's multi-scale loss from `torch.stft`, for (batch, n_samples): (batch,)."""
    return sum((_one_scale(output, target, window, epsilon) for window in windows), torch.zeros(len(output)))


def _one_scale(output: Tensor, target: Tensor, window: int, epsilon: float) -> Tensor:
    magnitude, wanted = (_magnitudes(audio, window) for audio in (output, target))
    logarithms = (torch.log(magnitude + epsilon) - torch.log(wanted + epsilon)).abs()
    return (magnitude - wanted).abs().mean(dim=(1, 2)) + logarithms.mean(dim=(1, 2))


def _magnitudes(audio: Tensor, window: int) -> Tensor:
    missing = max(0, window // 2 + 1 - audio.shape[-1])  # torch reflects only clips longer than half a window
    audio = torch.nn.functional.pad(audio, (0, missing))
    hann = torch.hann_window(window, dtype=audio.dtype)
    return torch.stft(
        audio, window, window // 4, window=hann, center=True, pad_mode="reflect", return_complex=True
    ).abs()
