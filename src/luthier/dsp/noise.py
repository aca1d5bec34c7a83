"""The noise synthesiser: white noise through a filter that changes smoothly from frame to frame."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.errors import ShapeError
from luthier.units import hz_to_mel


class NoiseState(NamedTuple):
    """What one block of the noise synthesiser hands to the next.

    Attributes:
        previous_magnitudes: (batch, 1, n_bands), the previous frame's filter.
        previous_noise: (batch, 2 * hop_length), the white noise around the previous frame.
    """

    previous_magnitudes: Tensor
    previous_noise: Tensor

    @classmethod
    def start(cls, first_magnitudes: Tensor, first_noise: Tensor) -> NoiseState:
        """Stand on the first frame.

        Args:
            first_magnitudes: (batch, 1, n_bands), the first frame's filter.
            first_noise: (batch, 2 * hop_length), white noise around the first frame.
        """
        return cls(first_magnitudes, first_noise)


def filtered_noise(
    noise_magnitudes: Tensor, noise: Tensor, state: NoiseState, *, hop_length: int
) -> tuple[Tensor, NoiseState]:
    """Colour white noise, cross-fading from each frame's filter into the next.

        noise      | before p | after p  | after p+1 |
        frame p     \\__________________/               square-root Hann in and out
        frame p+1               \\__________________/
        audio                  | span p   | span p+1  |

    Neighbouring frames filter the same noise under windows whose squares add up to one: a constant
    filter is played without any ripple at the frame rate. The noise is heard one hop after it was given.

    Args:
        noise_magnitudes: (batch, n_frames, n_bands), linear gains from 0 Hz to Nyquist.
        noise: (batch, n_frames * hop_length), white, usually uniform in [-1, 1].
        state: `NoiseState.start(...)` or what the last block returned.
        hop_length: samples from one frame to the next.

    Returns:
        Audio (batch, n_frames * hop_length), from the state's frame up to the last given one, and the new state.

    Raises:
        ShapeError: the noise does not have hop_length samples for each frame.

    Source: weighted overlap-add (Crochiere 1980) of the filters of Engel et al. 2020, section 3.2.
    """
    if noise.shape[-1] != noise_magnitudes.shape[1] * hop_length:
        raise ShapeError(
            f"noise has {noise.shape[-1]} samples: expected {noise_magnitudes.shape[1]} frames of {hop_length}."
        )
    stretch = torch.cat([state.previous_noise, noise], dim=1)
    magnitudes = torch.cat([state.previous_magnitudes, noise_magnitudes], dim=1)
    window = _square_root_hann(2 * hop_length, noise.dtype, noise.device)
    spectra = torch.fft.rfft(stretch.unfold(-1, 2 * hop_length, hop_length) * window)
    gains = bands_to_bins(magnitudes, n_bins=hop_length + 1)
    frames = torch.fft.irfft(spectra * gains, n=2 * hop_length) * window  # (batch, n_frames + 1, 2 * hop_length)
    audio = frames[:, :-1, hop_length:] + frames[:, 1:, :hop_length]
    return audio.flatten(1), NoiseState(noise_magnitudes[:, -1:], stretch[:, -2 * hop_length :])


def noise_around_start(noise: Tensor, *, hop_length: int) -> Tensor:
    """The noise around a clip's first frame, half of it before the clip: the first samples backwards, as white as any.

    Args:
        noise: (batch, n_samples), what the clip begins with.
        hop_length: samples from one frame to the next.

    Returns:
        (batch, 2 * hop_length), for `NoiseState.start`; silence where the noise is shorter.
    """
    first = noise[:, : 2 * hop_length]
    return F.pad(first, (0, 2 * hop_length - first.shape[-1])).flip(-1)


def bands_to_bins(magnitudes: Tensor, *, n_bins: int) -> Tensor:
    """Draw straight lines between band gains, both ends included, and read them at FFT bins.

    Args:
        magnitudes: (..., n_bands), evenly spaced from 0 Hz to Nyquist.
        n_bins: bins from 0 Hz to Nyquist, both included.

    Returns:
        (..., n_bins).
    """
    if magnitudes.shape[-1] == n_bins:
        return magnitudes
    return magnitudes @ _interpolation_matrix(magnitudes.shape[-1], n_bins, magnitudes.dtype, magnitudes.device)


def mel_bands_to_bands(magnitudes: Tensor, *, n_bands: int, sample_rate: int) -> Tensor:
    """Spread gains of bands as wide as the ear's, narrow below and wide above, over bands of equal width.

    Args:
        magnitudes: (..., n_mel_bands), evenly spaced on the mel scale from 0 Hz to Nyquist, both included.
        n_bands: bands wanted, evenly spaced in Hz from 0 Hz to Nyquist.
        sample_rate: Hz.

    Returns:
        (..., n_bands), read off straight lines between the gains.
    """
    return magnitudes @ _mel_matrix(magnitudes.shape[-1], n_bands, sample_rate, magnitudes.dtype, magnitudes.device)


@cache
@torch.inference_mode(False)  # made while playing, it must still serve while training
def _mel_matrix(n_mel_bands: int, n_bands: int, sample_rate: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    mel = hz_to_mel(torch.linspace(0, sample_rate / 2, n_bands, dtype=torch.float64))
    position = mel / mel[-1] * (n_mel_bands - 1)
    bands = torch.arange(n_mel_bands, dtype=torch.float64).unsqueeze(1)
    return (1.0 - (position - bands).abs()).clamp_min(0.0).to(device, dtype)


@cache
@torch.inference_mode(False)  # made while playing, it must still serve while training
def _interpolation_matrix(n_bands: int, n_bins: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    position = torch.linspace(0, n_bands - 1, n_bins, dtype=torch.float64).unsqueeze(0)
    bands = torch.arange(n_bands, dtype=torch.float64).unsqueeze(1)
    return (1.0 - (position - bands).abs()).clamp_min(0.0).to(device, dtype)


@cache
@torch.inference_mode(False)  # made while playing, it must still serve while training
def _square_root_hann(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A window whose square, repeated every half length, adds up to one."""
    return torch.hann_window(length, periodic=True, dtype=torch.float64).sqrt().to(device, dtype)
