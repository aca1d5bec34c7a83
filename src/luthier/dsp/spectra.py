"""Short-time spectra of whole clips."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def stft(audio: Tensor, *, n_fft: int, hop_length: int) -> Tensor:
    """Short-time Fourier transform: periodic Hann, centred with reflection, not normalised.

    A clip of n_fft // 2 samples or fewer is lengthened with silence first: there is nothing to reflect.

    Args:
        audio: (batch, n_samples), at least one sample.
        n_fft: samples in a window.
        hop_length: samples from one window to the next.

    Returns:
        (batch, 1 + n_samples // hop_length, n_fft // 2 + 1), complex.
    """
    audio = F.pad(audio, (0, max(0, n_fft // 2 + 1 - audio.shape[-1])))
    padded = F.pad(audio.unsqueeze(1), (n_fft // 2, n_fft // 2), mode="reflect").squeeze(1)
    frames = padded.unfold(-1, n_fft, hop_length) * hann_window(n_fft, audio.dtype, audio.device)
    return torch.fft.rfft(frames)


def stft_magnitude(audio: Tensor, *, n_fft: int, hop_length: int) -> Tensor:
    """Magnitudes of `stft`.

    Returns:
        (batch, 1 + n_samples // hop_length, n_fft // 2 + 1), linear, not negative.
    """
    return stft(audio, n_fft=n_fft, hop_length=hop_length).abs()


def weighted_power(frames: Tensor, weights: Tensor) -> Tensor:
    """Power of the spectrum of each frame, summed over the bins with a weight for each.

    Args:
        frames: (..., frame_length), windowed already; followed by silence up to the transform's length.
        weights: (n_fft // 2 + 1,), n_fft even and at least frame_length; gets no gradient.

    Returns:
        (...,), linear power.
    """
    power: Tensor = _WeightedPower.apply(frames, weights)
    return power


class _WeightedPower(torch.autograd.Function):
    """The derivative is the inverse transform of the weighted spectrum; what torch derives is a complex transform."""

    @staticmethod
    def forward(ctx: Any, frames: Tensor, weights: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(frames, n=2 * (len(weights) - 1))
        ctx.save_for_backward(spectrum, weights)
        ctx.frame_length = frames.shape[-1]
        return torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag) @ weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None]:
        spectrum, weights = ctx.saved_tensors
        n_fft = 2 * (len(weights) - 1)
        doubled = n_fft * weights
        doubled[0], doubled[-1] = 2 * doubled[0], 2 * doubled[-1]  # the only bins that stand for themselves alone
        samples = torch.fft.irfft(spectrum * doubled, n=n_fft)
        return samples[..., : ctx.frame_length] * outer.unsqueeze(-1), None


@cache
@torch.inference_mode(False)  # made while playing, it must still serve while training
def hann_window(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The periodic Hann window, made once for each length, dtype and device.

    Returns:
        (length,), 0..1; shared, so it must not be written to.
    """
    return torch.hann_window(length, periodic=True, dtype=dtype, device=device)
