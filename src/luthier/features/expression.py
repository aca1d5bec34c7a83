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

from luthier.dsp.framing import n_frames
from luthier.dsp.signals import Expression
from luthier.errors import ShapeError
from luthier.features.audio_checks import check_audio
from luthier.features.clip_frames import FRAMES_AT_ONCE, clip_frames, frame_length_at
from luthier.features.long_audio import LongAudio
from luthier.units import hz_to_octaves, power_to_db

N_FFT = 2048
"""Samples at 16 kHz; 128 ms keep the harmonics of notes above 35 Hz apart."""
HIGHEST_HZ = 8000.0
"""Nothing above is heard, so that instruments of all sample rates mean the same."""
LOBE_HZ, LOBE_SHARE = 16.0, 0.25
"""Farthest from a multiple of f0 that counts as its peak: half the main lobe of the window, or a share of f0."""
VALLEY_HZ, VALLEY_SHARE = 24.0, 0.375
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
    frame_length = frame_length_at(N_FFT, sample_rate)
    window = torch.hann_window(frame_length, dtype=f0_hz.dtype, device=f0_hz.device)
    hz = torch.arange(frame_length // 2 + 1, dtype=f0_hz.dtype, device=f0_hz.device) * (sample_rate / frame_length)
    hz = hz[hz <= HIGHEST_HZ]
    found = f0_hz.new_empty(len(Expression._fields), *f0_hz.shape)
    for start in range(0, f0_hz.shape[1], FRAMES_AT_ONCE):
        stop = min(start + FRAMES_AT_ONCE, f0_hz.shape[1])
        frames = clip_frames(clip, start, stop, frame_length=frame_length, hop_length=hop_length)
        spectra = torch.view_as_real(torch.fft.rfft(frames * (window / window.sum()))[..., : len(hz)])
        found[:, :, start:stop] = torch.stack(_describe(spectra.square().sum(-1), hz, f0_hz[:, start:stop]))
    return Expression(*found.unbind(0))


def _describe(power: Tensor, hz: Tensor, f0_hz: Tensor) -> Expression:
    """Expression of frames: power (batch, n_frames, n_bins) at hz (n_bins,)."""
    multiple = hz / f0_hz
    number = multiple.round()
    distance_hz = (multiple - number).abs() * f0_hz
    is_sounding = multiple > 0.5
    is_peak = is_sounding & (distance_hz <= (LOBE_SHARE * f0_hz).clamp_max(LOBE_HZ))
    is_valley = is_sounding & (distance_hz >= (VALLEY_SHARE * f0_hz).clamp_max(VALLEY_HZ))
    noise = _smooth(power * is_valley, hz) / _smooth(is_valley.to(power), hz).clamp_min(1e-3)  # no valley: no noise
    tone = (power - noise).clamp_min(0.0) * is_peak
    fundamental, odd = (tone * (number == 1)).sum(-1), (tone * (number % 2 == 1)).sum(-1)
    total = tone.sum(-1)
    # Ratios end at 60 dB: beyond, one of the two is nothing but the leakage of the window.
    least = LEAST_SHARE * total + SILENT_POWER
    found = Expression(
        brightness_octaves=hz_to_octaves(_centroid(tone.sqrt(), multiple)).clamp_min(0.0),
        warmth_db=power_to_db((fundamental + least) / (total + least)),
        hollowness_db=power_to_db((odd + least) / (total - odd + least)),
        noisiness_db=power_to_db((noise.sum(-1) + SILENT_POWER) / (total + SILENT_POWER)),
        air_octaves=hz_to_octaves(_centroid(noise.sqrt(), hz / AIR_HZ)),
    )
    return Expression(*(values.unsqueeze(-1) for values in found))


def _centroid(strength: Tensor, position: Tensor) -> Tensor:
    """Mean position, weighted by strength; 1 where there is hardly anything."""
    return ((strength * position).sum(-1) + SILENT_POWER) / (strength.sum(-1) + SILENT_POWER)


def _smooth(values: Tensor, hz: Tensor) -> Tensor:
    """Mean over the neighbourhood of each bin; neighbours share theirs, which costs a pass and not fifty."""
    width = round(NEIGHBOURHOOD_HZ / float(hz[1]))
    means = F.avg_pool1d(values, width, ceil_mode=True)
    return means.repeat_interleave(width, dim=-1)[..., : values.shape[-1]]
