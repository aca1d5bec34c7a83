"""How far two clips are apart as spectra, in the units that people quote: MSS and dB."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from luthier.dsp.spectra import stft_magnitude
from luthier.dsp.spectral_distance import SpectralScales, multi_scale_distance
from luthier.evaluation.pairs import check_pair
from luthier.units import amplitude_to_db, hz_to_mel, power_to_db

N_MELS = 80
MEL_N_FFT = 1024
MEL_HOP_LENGTH = 256
MEL_RATE = 16000
"""Hz; window and hop above are samples at this rate and last as long at every other."""
LSD_N_FFT = 2048
LSD_HOP_LENGTH = 512
RANGE_DB = 80.0
"""Differences further below the reference's maximum than this do not count."""


def mss(output: Tensor, reference: Tensor) -> Tensor:
    """Multi-scale spectral distance of the assignment; comparable with published numbers.

    Args:
        output: (batch, n_samples).
        reference: (batch, n_samples).

    Returns:
        (batch,). Its epsilon of 1e-7 makes digital silence weigh very much: read `mss_rel` beside it.

    Raises:
        ShapeError: the shapes differ or are not (batch, n_samples).
        RangeError: a sample is not a finite number.
    """
    check_pair(output, reference)
    return multi_scale_distance(output.detach(), reference)


def mss_rel(output: Tensor, reference: Tensor, *, sample_rate: int) -> Tensor:
    """`mss` with an epsilon 80 dB below each scale's largest reference magnitude; windows follow the rate.

    Takes, returns and raises what `mss` does.
    """
    check_pair(output, reference)
    return multi_scale_distance(output.detach(), reference, SpectralScales.relative(sample_rate))


def mel_db(output: Tensor, reference: Tensor, *, sample_rate: int) -> Tensor:
    """Mean absolute difference of two 80-band mel spectrograms in dB, floored 80 dB below the reference's maximum.

    Takes and raises what `mss` does, and returns (batch,), dB.
    """
    check_pair(output, reference)
    levels, wanted = (mel_spectrogram_db(audio, sample_rate=sample_rate) for audio in (output, reference))
    floor = wanted.amax(dim=(1, 2), keepdim=True) - RANGE_DB
    return (levels.maximum(floor) - wanted.maximum(floor)).abs().mean(dim=(1, 2))


def lsd_db(output: Tensor, reference: Tensor) -> Tensor:
    """Log-spectral distance: RMS over bins of the dB difference of each frame, mean over frames.

    Levels are floored 80 dB below the reference's maximum. Takes and raises what `mss` does, and returns (batch,), dB.
    """
    check_pair(output, reference)
    levels, wanted = (
        amplitude_to_db(stft_magnitude(audio, n_fft=LSD_N_FFT, hop_length=LSD_HOP_LENGTH))
        for audio in (output, reference)
    )
    floor = wanted.amax(dim=(1, 2), keepdim=True) - RANGE_DB
    difference = levels.maximum(floor) - wanted.maximum(floor)
    return difference.square().mean(dim=2).sqrt().mean(dim=1)


def mel_spectrogram_db(
    audio: Tensor, *, sample_rate: int, window_at_16k: int = MEL_N_FFT, hop_at_16k: int = MEL_HOP_LENGTH
) -> Tensor:
    """Power in 80 mel bands from 0 Hz to Nyquist, dB.

    Args:
        audio: (batch, n_samples).
        sample_rate: Hz.
        window_at_16k: samples in a window at 16 kHz; it lasts as long at every other rate.
        hop_at_16k: likewise, from one frame to the next.

    Returns:
        (batch, n_frames, 80), -200 dB where there is nothing.
    """
    n_fft = 2 * round(window_at_16k / 2 * sample_rate / MEL_RATE)
    hop_length = round(hop_at_16k * sample_rate / MEL_RATE)
    power = stft_magnitude(audio.detach(), n_fft=n_fft, hop_length=hop_length).square()
    return power_to_db(power @ mel_weights(n_fft, sample_rate).to(power))


@cache
def mel_weights(n_fft: int, sample_rate: int) -> Tensor:
    """Triangles that overlap by half on the mel scale, each with a largest weight near 1.

    Returns:
        (n_fft // 2 + 1, 80); shared, so it must not be written to.

    Source: O'Shaughnessy 1987, for the mel scale.
    """
    frequencies_hz = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
    mel = hz_to_mel(frequencies_hz)
    centres = torch.linspace(0, float(mel[-1]), N_MELS + 2, dtype=torch.float64)[1:-1]
    spacing = centres[1] - centres[0]
    return (1 - (mel[:, None] - centres).abs() / spacing).clamp_min(0).float()
