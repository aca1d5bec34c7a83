"""Exact to a few cents: move a rough pitch to where the sum of its harmonics is strongest.

power of the spectrum     |      |      |      |       harmonics of the true f0
comb at f0 * 2^(c/1200)    |       |       |       |   c from -30 to +30 cents: keep the c with the largest sum
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.units import cents_to_ratio

LARGEST_SHIFT_CENTS = 30.0
"""Nothing farther from the rough pitch is looked at: a refinement repairs no wrong note."""

STEP_CENTS = 5.0
"""Distance of the combs tried; a parabola through the best three finds the top between them."""

N_HARMONICS = 10
"""Teeth of the comb: the lower harmonics carry the energy and are least disturbed by noise."""

PERIODS = 6.0
"""A window holds at least this many periods, so that neighbouring harmonics do not blur into each other."""

SHORTEST_SECONDS, LONGEST_SECONDS, LENGTHS_PER_OCTAVE = 0.032, 0.128, 4
"""Window durations: short ones follow a vibrato, long ones part the harmonics of low notes. With one length an octave a
vibrato at 82 Hz would lose a fifth of its width."""

ZERO_PADDING = 8
"""The spectrum is this many times finer than the window's own resolution; in between, parabolas of its logarithm: with
straight lines a lone harmonic would always be found on a bin, up to 14 cents off."""

LEAST_POWER = 1e-9
"""Of the strongest bin: keeps logarithms finite between the harmonics."""

BELIEVED_PERIODICITY = 0.3
"""Below this, refinement would follow noise: the rough pitch is kept."""

FRAMES_AT_ONCE = 128
"""Frames transformed in one go: bounds the memory, whatever the length of the clip."""


def refine(audio: Tensor, f0_hz: Tensor, periodicity: Tensor, centres: Tensor, *, sample_rate: int) -> Tensor:
    """Move each frame's pitch by at most 30 cents to the nearby pitch whose harmonics are strongest.

    Args:
        audio: (n_samples,).
        f0_hz: (n_frames,), rough pitch, Hz, positive.
        periodicity: (n_frames,), 0..1; frames below `BELIEVED_PERIODICITY` are returned as they came.
        centres: (n_frames,), the sample each frame describes, whole numbers.
        sample_rate: Hz.

    Returns:
        (n_frames,), Hz.

    Source: harmonic summation, Hermes 1988 (JASA 83), on power instead of compressed amplitude and only near
    a known pitch, with parabolic interpolation as in Smith & Serra 1987 (PARSHL).
    """
    refined = f0_hz.clone()
    windows = _window_seconds(f0_hz).masked_fill(periodicity < BELIEVED_PERIODICITY, 0.0)
    cents = _shifts_cents(f0_hz)
    for seconds in windows[windows > 0].unique().tolist():
        chosen = torch.nonzero(windows == seconds).squeeze(-1)
        combs_hz = f0_hz[chosen, None] * cents_to_ratio(cents)
        power = harmonic_power(audio, combs_hz, centres[chosen], seconds, sample_rate=sample_rate)
        refined[chosen] = f0_hz[chosen] * cents_to_ratio(_top_cents(power))
    return refined


def harmonic_power(
    audio: Tensor, combs_hz: Tensor, centres: Tensor, window_seconds: float, *, sample_rate: int
) -> Tensor:
    """Sum the power of the first `N_HARMONICS` harmonics of some pitches around some samples.

    Args:
        audio: (n_samples,).
        combs_hz: (n_frames, n_combs), pitches to try in each frame, Hz. A harmonic counts for all combs of a
            frame or, where the middle comb has it above Nyquist, for none.
        centres: (n_frames,), samples.
        window_seconds: duration of the Hann window.
        sample_rate: Hz.

    Returns:
        (n_frames, n_combs).
    """
    length = 2 * round(window_seconds * sample_rate / 2)
    windows = F.pad(audio, (length // 2, length)).unfold(0, length, 1)
    window = torch.hann_window(length, dtype=audio.dtype, device=audio.device)
    n_fft = ZERO_PADDING * length
    found = torch.empty_like(combs_hz)
    for start in range(0, len(centres), FRAMES_AT_ONCE):
        some = slice(start, start + FRAMES_AT_ONCE)
        spectrum = torch.view_as_real(torch.fft.rfft(windows[centres[some]] * window, n=n_fft))
        found[some] = _comb_power(spectrum.square().sum(-1), combs_hz[some], sample_rate / n_fft)
    return found


def _window_seconds(f0_hz: Tensor) -> Tensor:
    """Duration of window for each pitch: `PERIODS` periods, rounded up to one of `LENGTHS_PER_OCTAVE`."""
    octaves = torch.log2((PERIODS / f0_hz).clamp(SHORTEST_SECONDS, LONGEST_SECONDS) / SHORTEST_SECONDS)
    return SHORTEST_SECONDS * 2 ** (torch.ceil(LENGTHS_PER_OCTAVE * octaves - 1e-5) / LENGTHS_PER_OCTAVE)


def _shifts_cents(like: Tensor) -> Tensor:
    """(n_shifts,) cents from -`LARGEST_SHIFT_CENTS` to +`LARGEST_SHIFT_CENTS`."""
    n_steps = round(LARGEST_SHIFT_CENTS / STEP_CENTS)
    return STEP_CENTS * torch.arange(-n_steps, n_steps + 1, dtype=like.dtype, device=like.device)


def _comb_power(power: Tensor, combs_hz: Tensor, bin_hz: float) -> Tensor:
    """Sum the power at the harmonics of each comb: (n, n_bins), (n, n_shifts) -> (n, n_shifts)."""
    harmonics = torch.arange(1, N_HARMONICS + 1, dtype=power.dtype, device=power.device)
    bins = combs_hz[..., None] * harmonics / bin_hz  # (n, n_shifts, N_HARMONICS)
    last = power.shape[-1] - 2
    nearest = bins.round().clamp(1, last)
    offset = (bins - nearest).clamp(-0.5, 0.5)
    index = nearest.long().flatten(1)
    least = (LEAST_POWER * power.amax(-1, keepdim=True)).clamp_min(torch.finfo(power.dtype).tiny)
    logs = power.clamp_min(least).log()
    left, middle, right = (logs.gather(1, index + step).view_as(bins) for step in (-1, 0, 1))
    between = middle + 0.5 * offset * (right - left + offset * (left - 2.0 * middle + right))
    # The whole comb is dropped above Nyquist by its centre tooth, so that all shifts sum the same harmonics.
    inside = bins[:, bins.shape[1] // 2, None] <= last
    return (between.exp() * inside).sum(-1)


def _top_cents(score: Tensor) -> Tensor:
    """Position of the top of a parabola through the best of (n, n_shifts) scores and its neighbours."""
    best = score.argmax(-1)
    centre = best.clamp(1, score.shape[-1] - 2)
    left, middle, right = (score.gather(1, (centre + step)[:, None]).squeeze(1) for step in (-1, 0, 1))
    bend = (left - 2 * middle + right).clamp_max(-torch.finfo(score.dtype).tiny)
    offset = (0.5 * (left - right) / bend).clamp(-1.0, 1.0)
    return STEP_CENTS * (centre + offset - score.shape[-1] // 2)
