"""What pitch and loudness do not say of a tone: how bright, warm and hollow it is, how much noise is in it.

    spectrum of a frame   |  ^     ^     ^     ^        near multiples of f0: the tone
                          | _|__.__|__.__|__.__|__      in the valleys between: the noise

These are scalars that a musician can follow by ear and set by hand. They are measured at the pitch that is given,
in octaves above it and as ratios, so that neither the pitch nor the level of a recording is counted twice.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.dsp.constant_pitch import at_constant_pitch, oversample, pitch_around, samples_around
from luthier.dsp.framing import n_frames
from luthier.dsp.harmonic_timbre import HIGHEST_HZ
from luthier.dsp.signals import Expression
from luthier.errors import ShapeError
from luthier.features.audio_checks import check_audio
from luthier.features.clip_frames import FRAMES_AT_ONCE, clip_stretch, frame_length_at
from luthier.features.long_audio import LongAudio
from luthier.units import hz_to_octaves, power_to_db

WINDOWS = (512, 1024, 2048)
"""Samples at 16 kHz. Short windows follow a tone as it changes, long ones keep the harmonics of low notes apart."""
PERIODS = 5.0
"""Each frame has the shortest window that holds this many periods, or else the longest of all."""
LOBE_BINS, LOBE_SHARE = 2.0, 0.25
"""Farthest from a multiple of f0 that counts as its peak: half the main lobe of the window, or a share of f0."""
VALLEY_BINS, VALLEY_SHARE = 3.0, 0.375
"""Nearest to a multiple of f0 that counts as a valley: beyond the main lobe, or a share of f0."""
NEIGHBOURHOOD_HZ = 500.0
"""The noise under a peak is taken for as loud as the valleys within this width around it."""
AIR_HZ = 1000.0
"""What the centroid of the noise is compared with."""
LEAST_SHARE = 1e-6
SILENT_POWER = 1e-9
"""-90 dB: keeps logarithms of silence finite."""


def measure_expression(audio: Tensor | LongAudio, f0_hz: Tensor, *, sample_rate: int, hop_length: int) -> Expression:
    """Measure how each frame is played.

    Args:
        audio: (batch, n_samples), one voice, any level, or long audio.
        f0_hz: (batch, n_frames, 1), Hz, positive, frame t at sample t * hop_length.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.

    Returns:
        (batch, n_frames, 1) each; without a pitch, what is found at the f0 that is given.

    Raises:
        ShapeError: audio is not (batch, n_samples) or has no samples, or f0_hz has another number of frames.
        RangeError: a sample is NaN or infinite, or a rate or hop is not positive.

    Source: spectral centroid and harmonic-to-noise ratio, any text on timbre (Peeters et al. 2011, The Timbre
    Toolbox), here relative to the fundamental and from peaks and valleys of one spectrum.
    """
    clip = check_audio(audio, sample_rate, hop_length)
    if f0_hz.ndim != 3 or f0_hz.shape[1] != n_frames(clip.n_samples, hop_length):
        raise ShapeError(f"f0_hz has the shape {tuple(f0_hz.shape)}; expected one frame for each hop of the audio.")
    lengths = [frame_length_at(n_fft, sample_rate) for n_fft in WINDOWS]
    pitches_hz = [pitch_around(f0_hz.squeeze(-1), length=length, hop_length=hop_length) for length in lengths]
    margin = samples_around(lengths[-1])
    found = f0_hz.new_empty(*f0_hz.shape[:2], len(Expression._fields))
    for start in range(0, f0_hz.shape[1], FRAMES_AT_ONCE):
        chunk = slice(start, min(start + FRAMES_AT_ONCE, f0_hz.shape[1]))
        stretch = clip_stretch(clip, chunk.start * hop_length - margin, (chunk.stop - 1) * hop_length + margin)
        stretch = stretch.to(f0_hz.dtype)
        chosen = _window_of(f0_hz[:, chunk, 0], lengths, sample_rate)
        for row, (samples, fine) in enumerate(zip(stretch, oversample(stretch), strict=True)):
            for index, (length, pitch_hz) in enumerate(zip(lengths, pitches_hz, strict=True)):
                mine = torch.nonzero(chosen[row] == index).squeeze(-1)
                if not len(mine):
                    continue
                middles, hz = margin + mine * hop_length, f0_hz[row, chunk][mine]
                goal_hz = _whole_periods_hz(hz, sample_rate / length)
                plain = samples.unfold(0, length, 1)[middles - length // 2]
                constant, _ = at_constant_pitch(
                    fine, middles, pitch_hz[row, chunk][mine], goal_hz, length=length, hop_length=hop_length
                )
                found[row, chunk][mine] = _describe(
                    torch.stack([plain, constant]), hz, torch.stack([hz, goal_hz]), sample_rate
                )
    return Expression(*found.split(1, dim=-1))


def _window_of(f0_hz: Tensor, lengths: list[int], sample_rate: int) -> Tensor:
    """Index of the window of each frame."""
    wanted = PERIODS * sample_rate / f0_hz
    return torch.stack([wanted > length for length in lengths[:-1]]).sum(dim=0)


def _whole_periods_hz(f0_hz: Tensor, bin_hz: float) -> Tensor:
    """The nearest pitch, not above f0, of which a window holds a whole number of periods.

    A Hann window of so many keeps all harmonics out of the valleys between them; other windows leak, by up to -25 dB
    where they hold five periods and a bit.
    """
    periods = (f0_hz / bin_hz * (1.0 + 1e-6)).floor()
    return torch.where(periods >= 1.0, torch.minimum(periods * bin_hz, f0_hz), f0_hz)


def _describe(windows: Tensor, f0_hz: Tensor, played_hz: Tensor, sample_rate: int) -> Tensor:
    """Expression of one or the other of windows (2, n_frames, length) at f0_hz (n_frames, 1): (n_frames, n_fields).

    They are played at played_hz (2, n_frames, 1). What has less noise in it counts: vibrato looks like noise in the
    first, a note that rings on under another in the second.
    """
    length = windows.shape[-1]
    window = torch.hann_window(length, dtype=windows.dtype, device=windows.device)
    hz = torch.arange(length // 2 + 1, dtype=windows.dtype, device=windows.device) * (sample_rate / length)
    hz = hz[hz <= HIGHEST_HZ]
    spectra = torch.view_as_real(torch.fft.rfft(windows * (window / window.sum()))[..., : len(hz)])
    power = spectra.square().sum(-1)
    power[1].mul_(hz * (f0_hz / played_hz[1]) <= HIGHEST_HZ)
    found = _expression(power, hz, played_hz)
    found = found._replace(air_octaves=found.air_octaves + hz_to_octaves(f0_hz / played_hz).squeeze(-1))
    plain, constant = torch.stack(found, dim=-1)
    quieter = found.noisiness_db[1] < found.noisiness_db[0]
    return torch.where(quieter.unsqueeze(-1), constant, plain)


def _expression(power: Tensor, hz: Tensor, f0_hz: Tensor) -> Expression:
    """(2, n_frames) each from power (2, n_frames, n_bins) at hz (n_bins,), of a tone at f0_hz (2, n_frames, 1)."""
    multiple = hz / f0_hz
    number = multiple.round()
    distance_hz = (multiple - number).abs() * f0_hz
    is_sounding = multiple > 0.5
    is_peak = is_sounding & (distance_hz <= (LOBE_SHARE * f0_hz).clamp_max(LOBE_BINS * float(hz[1])))
    is_valley = is_sounding & (distance_hz >= (VALLEY_SHARE * f0_hz).clamp_max(VALLEY_BINS * float(hz[1])))
    noise = _smooth(power * is_valley, hz) / _smooth(is_valley.to(power), hz).clamp_min(1e-3)  # no valley: no noise
    tone = (power - noise).clamp_min(0.0) * is_peak
    fundamental, odd = (tone * (number == 1)).sum(-1), (tone * (number % 2 == 1)).sum(-1)
    total = tone.sum(-1)
    # Ratios end at 60 dB: beyond, one of the two is nothing but the leakage of the window.
    least = LEAST_SHARE * total + SILENT_POWER
    return Expression(
        brightness_octaves=hz_to_octaves(_centroid(tone.sqrt(), multiple)).clamp_min(0.0),
        warmth_db=power_to_db((fundamental + least) / (total + least)),
        hollowness_db=power_to_db((odd + least) / (total - odd + least)),
        noisiness_db=power_to_db((noise.sum(-1) + SILENT_POWER) / (total + SILENT_POWER)),
        air_octaves=hz_to_octaves(_centroid(noise.sqrt(), hz / AIR_HZ)),
    )


def _centroid(strength: Tensor, position: Tensor) -> Tensor:
    """Mean position, weighted by strength; 1 where there is hardly anything."""
    return ((strength * position).sum(-1) + SILENT_POWER) / (strength.sum(-1) + SILENT_POWER)


def _smooth(values: Tensor, hz: Tensor) -> Tensor:
    """Mean over the neighbourhood of each bin; neighbours share theirs, which costs a pass and not fifty."""
    width = round(NEIGHBOURHOOD_HZ / float(hz[1]))
    means = F.avg_pool1d(values, width, ceil_mode=True)
    return means.repeat_interleave(width, dim=-1)[..., : values.shape[-1]]
