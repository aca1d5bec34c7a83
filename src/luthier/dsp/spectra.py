"""Short-time spectra of whole clips."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor


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


@cache
@torch.inference_mode(False)  # made while playing, it must still serve while training
def hann_window(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The periodic Hann window, made once for each length, dtype and device.

    Returns:
        (length,), 0..1; shared, so it must not be written to.
    """
    return torch.hann_window(length, periodic=True, dtype=dtype, device=device)
