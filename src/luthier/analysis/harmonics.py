"""How loud each harmonic is, frame by frame: least squares on sines that follow the gliding pitch.

Within a window the pitch may glide as it likes: the sines run along the phase that the synthesiser would play.
The amplitudes are taken as constant there, and only their size is kept, since our harmonics start in phase.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from luthier.analysis.windows import WindowRule, cut_windows, groups_of_equal_length, window_lengths
from luthier.dsp.phase import phase_within_spans, span_phases
from luthier.units import cycles_to_radians

WINDOWS = WindowRule(periods=4.0, shortest_seconds=0.016, longest_seconds=0.096)
"""Hann windows of four periods part neighbouring harmonics and still follow a bow."""

FRAMES_AT_ONCE = 64
"""Frames of one window length looked for in one go."""
SAMPLES_AT_ONCE = 1 << 22
"""Samples of sines made in one go: low notes at high rates have 180 sines of 1,600 samples in each frame, which do not fit
into the cache of a processor for 64 frames."""

RIDGE = 1e-4
"""Part of a sine's own energy added to the diagonal, so that no two sines can fight each other."""

RIDGE_GROWTH = 4
"""The ridge grows with this power of how little of the window lies inside the clip: a few samples of a long
period determine no amplitude."""

EDGE_HZ = 25.0
"""Harmonics closer than this to Nyquist are left out: there a sine and its mirror image cannot be told apart."""


class HarmonicEstimate(NamedTuple):
    """Measured harmonics.

    Attributes:
        amplitudes: (batch, n_frames, n_harmonics), peak amplitude of each harmonic, linear; 0 above Nyquist.
        noise_power: (batch, n_frames, 1), how much white noise of variance 1 adds to each squared amplitude.
    """

    amplitudes: Tensor
    noise_power: Tensor


def measure_harmonics(
    audio: Tensor, f0_hz: Tensor, *, sample_rate: int, hop_length: int, n_harmonics: int
) -> HarmonicEstimate:
    """Fit all harmonics below Nyquist together, in a window around every frame.

    Args:
        audio: (batch, n_samples).
        f0_hz: (batch, n_frames, 1), Hz, positive.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
        n_harmonics: how many to report.

    Returns:
        Amplitudes, and how noise biases them.

    Source: weighted least squares for sinusoids, Stylianou 1996 (harmonic plus noise models), chapter 3, on a
    gliding phase. Sums and differences of sines make the Gram matrix of the complex sines Toeplitz but for the
    sums, which a Hann window of several periods suppresses and which are left out.
    """
    rows = [
        _measure_clip(clip, pitch, sample_rate, hop_length, n_harmonics)
        for clip, pitch in zip(audio, f0_hz.squeeze(-1), strict=True)
    ]
    return HarmonicEstimate(*(torch.stack(part) for part in zip(*rows, strict=True)))


def _measure_clip(
    clip: Tensor, f0_hz: Tensor, sample_rate: int, hop_length: int, n_harmonics: int
) -> tuple[Tensor, Tensor]:
    amplitudes = clip.new_zeros(len(f0_hz), n_harmonics)
    noise_power = clip.new_zeros(len(f0_hz), 1)
    phase = _clip_phase(f0_hz, sample_rate, hop_length)
    lengths = window_lengths(f0_hz, WINDOWS, sample_rate)
    highest_hz = sample_rate / 2 - EDGE_HZ
    for length, group in groups_of_equal_length(lengths, FRAMES_AT_ONCE):
        count = min(n_harmonics, int(highest_hz / float(f0_hz[group].min())))
        if count == 0:
            continue
        number = torch.arange(1, count + 1, dtype=clip.dtype, device=clip.device)
        hann = torch.hann_window(length, dtype=clip.dtype, device=clip.device)
        for frames in group.split(max(1, SAMPLES_AT_ONCE // (count * length))):
            centres = frames * hop_length
            windows, weights = cut_windows(clip, centres, length)
            weights = weights * hann
            cycles = _window_phase(phase, f0_hz[frames], centres, length, sample_rate)
            is_audible = f0_hz[frames, None] * number <= highest_hz
            amplitudes[frames, :count] = _fit(windows, weights, cycles, is_audible)
            noise_power[frames, 0] = 4.0 * weights.square().sum(-1) / weights.sum(-1).square()
    return amplitudes, noise_power


def _clip_phase(f0_hz: Tensor, sample_rate: int, hop_length: int) -> Tensor:
    """(n_frames * hop_length,) float64 cycles of the fundamental that the synthesiser would play."""
    bounds = torch.cat([f0_hz, f0_hz[-1:]]).unsqueeze(0)
    start = torch.zeros(1, 1, dtype=torch.float64, device=f0_hz.device)
    spans, _ = span_phases(bounds, start, sample_rate=sample_rate, hop_length=hop_length)
    within = phase_within_spans(spans[0], bounds[0, :-1], bounds[0, 1:], sample_rate=sample_rate, hop_length=hop_length)
    return within.flatten()


def _window_phase(phase: Tensor, f0_hz: Tensor, centres: Tensor, length: int, sample_rate: int) -> Tensor:
    """(n, length) cycles, 0 in the middle; past the ends of the clip the pitch of the frame goes on."""
    offset = torch.arange(length, device=phase.device) - length // 2
    position = centres.unsqueeze(1) + offset
    inside = position.clamp(0, len(phase) - 1)
    outside = (position - inside) * (f0_hz.double() / sample_rate).unsqueeze(1)
    cycles = phase[inside] + outside - phase[centres].unsqueeze(1)
    return (cycles - cycles.round()).to(f0_hz.dtype)


def _fit(windows: Tensor, weights: Tensor, cycles: Tensor, is_audible: Tensor) -> Tensor:
    """Amplitudes (n, count) of the harmonics in windows (n, length) along the cycles (n, length)."""
    cosines, sines = _sines(cycles, is_audible.shape[1])
    sides = torch.stack([weights * windows, weights], dim=-1)
    # (n, count, 2): with the audio, and with the window alone
    correlations = torch.complex(cosines @ sides, -(sines @ sides))
    energy = weights.sum(-1)
    gram = _toeplitz(torch.cat([energy.to(correlations.dtype).unsqueeze(1), correlations[:, :-1, 1]], dim=1))
    audible = is_audible.to(windows.dtype)
    gram = gram * (audible.unsqueeze(2) * audible.unsqueeze(1))
    missing = 0.5 * weights.shape[-1] / energy  # a whole Hann window sums to half its length
    ridge = RIDGE * missing.clamp_min(1.0) ** RIDGE_GROWTH
    gram = gram + torch.diag_embed(energy.unsqueeze(1) * (1.0 - audible + ridge.unsqueeze(1))).to(gram.dtype)
    targets = 2.0 * correlations[..., 0] * audible
    return torch.linalg.solve(gram, targets.unsqueeze(-1)).squeeze(-1).abs()


def _sines(cycles: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Cycles (n, length) to cos and sin of 2 pi k cycles, k = 1 to count: (n, count, length) each.

    The first m harmonics, each turned on by the m-th, are the next m.
    """
    radians = cycles_to_radians(cycles)
    cosines, sines = (cycles.new_empty(len(cycles), count, cycles.shape[1]) for _ in range(2))
    cosines[:, 0], sines[:, 0] = radians.cos(), radians.sin()
    done = 1
    while done < count:
        new = min(done, count - done)
        cosine, sine, by_cosine, by_sine = (
            each[:, part] for part in (slice(0, new), slice(done - 1, done)) for each in (cosines, sines)
        )
        ahead = slice(done, done + new)
        torch.mul(cosine, by_cosine, out=cosines[:, ahead]).addcmul_(sine, by_sine, value=-1)
        torch.mul(sine, by_cosine, out=sines[:, ahead]).addcmul_(cosine, by_sine)
        done += new
    return cosines, sines


def _toeplitz(column: Tensor) -> Tensor:
    """First column (n, count) of a Hermitian Toeplitz matrix to the matrix (n, count, count)."""
    number = torch.arange(column.shape[1], device=column.device)
    distance = number.unsqueeze(1) - number
    lower = column[:, distance.abs()]
    return torch.where(distance >= 0, lower, lower.conj())
