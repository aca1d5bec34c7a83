"""How loud each harmonic is, frame by frame: spectra of whole periods of the tone, made constant in pitch.

A Hann window of a whole number of periods (two or more) is zero at all harmonics but one. So the least-squares fit of
all of them together, which would have to be solved for each frame otherwise, is one Fourier transform:

    spectrum of 4 periods   |    ^       ^       ^       ^
                            +----+-------+-------+-------+---->
                        bin 0    4       8      12      16      harmonics 1, 2, 3, 4; each by itself
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from luthier.analysis.windows import stretches
from luthier.dsp.constant_pitch import at_constant_pitch, interpolation_gain, oversample, pitch_around, samples_around

PERIODS, FEWEST_PERIODS = 4, 2
"""Windows of four periods part neighbouring harmonics well and still follow a bow. Fewer, down to two, where four are
longer than `LONGEST_SECONDS` or do not fit into the clip."""

SHORTEST_SECONDS, LONGEST_SECONDS = 0.016, 0.096
"""Limits of a window: high notes have more periods, the lowest fewer."""

RESOLUTION = 1.1
"""Samples in a window over those of the clip, at least: what interpolation mirrors at Nyquist lies above the harmonics."""

LENGTHS_PER_OCTAVE = 4
"""Samples in a period are rounded up to one of so many an octave, so that many frames share one transform."""

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
    """Measure all harmonics below Nyquist together, in a window around every frame.

    Args:
        audio: (batch, n_samples).
        f0_hz: (batch, n_frames, 1), Hz, positive.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
        n_harmonics: how many to report.

    Returns:
        Amplitudes, and how noise biases them.

    Source: weighted least squares for harmonic sines, Stylianou 1996 (harmonic plus noise models), chapter 3, which
    pitch-synchronous windows make a transform.
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
    f0_hz = f0_hz.clamp_min(FEWEST_PERIODS / LONGEST_SECONDS)
    period = sample_rate / f0_hz
    n_periods, centres = _windows(period, len(clip), sample_rate, hop_length)
    octaves = torch.ceil(LENGTHS_PER_OCTAVE * torch.log2(RESOLUTION * period)) / LENGTHS_PER_OCTAVE
    lengths = n_periods * (2 * torch.ceil(0.5 * 2.0**octaves).long())
    longest = int((n_periods * period).max())
    highest_hz = sample_rate / 2 - EDGE_HZ
    for stretch, first, groups in stretches(clip, lengths, hop_length, samples_around(longest) + longest):
        fine = oversample(stretch.double().unsqueeze(0))[0].to(clip.dtype)
        for length, group in groups:
            around = pitch_around(f0_hz.unsqueeze(0), length=length, hop_length=hop_length)[0]
            hann = torch.hann_window(length, dtype=clip.dtype, device=clip.device)
            for count in n_periods[group].unique().tolist():
                frames = group[n_periods[group] == count]
                goal_hz = clip.new_full((len(frames), 1), sample_rate * count / length)
                windows, _ = at_constant_pitch(
                    fine, centres[frames] - first, around[frames], goal_hz, length=length, hop_length=hop_length
                )
                found = torch.fft.rfft(windows * hann)[:, count::count].abs() * (4.0 / length)
                found = found[:, : min(n_harmonics, int(highest_hz / float(f0_hz[frames].min())))]
                hz = f0_hz[frames, None] * torch.arange(1, found.shape[1] + 1, dtype=clip.dtype, device=clip.device)
                gain = interpolation_gain(hz.clamp_max(highest_hz) / sample_rate)
                amplitudes[frames, : found.shape[1]] = found / gain * (hz <= highest_hz)
    # The sum of a squared Hann window of n samples over its squared sum is 1.5 / n.
    return amplitudes, 6.0 / (n_periods * period).unsqueeze(-1)


def _windows(period: Tensor, n_samples: int, sample_rate: int, hop_length: int) -> tuple[Tensor, Tensor]:
    """(n_frames,) each: how many periods the window of each frame has, and the sample in its middle.

    Where a window would reach beyond the clip it has fewer periods, and at the very ends it is the first or the last
    that lies inside.
    """
    frame = torch.arange(len(period), device=period.device) * hop_length
    to_end = torch.minimum(frame, (n_samples - frame).clamp_min(0))
    wanted = torch.ceil(SHORTEST_SECONDS * sample_rate / period).clamp_min(PERIODS)
    most = (torch.minimum(2 * to_end, to_end.new_tensor(LONGEST_SECONDS * sample_rate)) / period).floor()
    n_periods = torch.minimum(wanted, most).clamp_min(FEWEST_PERIODS).long()
    half = torch.ceil(0.5 * n_periods * period).long()
    centres = torch.minimum(torch.maximum(frame, half), torch.maximum(half, n_samples - half))
    return n_periods, centres.clamp_max(n_samples - 1)
