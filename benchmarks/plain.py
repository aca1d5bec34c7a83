"""The plain reference: the assignment's system as one writes it first, in eager PyTorch.

Everything is upsampled and kept, autograd stores every intermediate. It shares no code with the package:
it is what the package is measured against.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_RATE, HOP_LENGTH, N_BANDS, N_TAPS = 16000, 160, 65, 16000
WINDOWS = (2048, 1024, 512, 256, 128, 64)


def layers(n_inputs: int, width: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for size in (n_inputs, width, width):
        parts += [nn.Linear(size, width), nn.LayerNorm(width), nn.LeakyReLU()]
    return nn.Sequential(*parts)


def scaled(raw: Tensor) -> Tensor:
    return 2.0 * torch.sigmoid(raw) ** math.log(10.0) + 1e-7


class PlainInstrument(nn.Module):
    """4,837,670 parameters at 100 harmonics."""

    def __init__(self, n_harmonics: int = 100, width: int = 512) -> None:
        super().__init__()
        self.pitch, self.loudness = layers(1, width), layers(1, width)
        self.gru = nn.GRU(2 * width, width, batch_first=True)
        self.joined = layers(3 * width, width)
        self.harmonics = nn.Linear(width, n_harmonics)
        self.amplitude = nn.Linear(width, 1)
        self.noise = nn.Linear(width, N_BANDS)
        self.taps = nn.Parameter(torch.rand(N_TAPS) * 1e-4 - 0.5e-4)

    def forward(self, f0_hz: Tensor, loudness: Tensor) -> Tensor:
        """(batch, n_frames, 1) each to (batch, n_frames * hop)."""
        amplitude, distribution, magnitudes = self.controls(f0_hz, loudness)
        dry = additive(f0_hz, amplitude, distribution) + subtractive(magnitudes)
        return reverb(dry, torch.tanh(self.taps))

    def controls(self, f0_hz: Tensor, loudness: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Amplitude, harmonic distribution and noise magnitudes: (batch, n_frames, ...)."""
        pitch, level = self.pitch(f0_hz), self.loudness(loudness)
        remembered, _ = self.gru(torch.cat([pitch, level], dim=-1))
        hidden = self.joined(torch.cat([pitch, level, remembered], dim=-1))
        strengths = scaled(self.harmonics(hidden))
        numbers = torch.arange(1, strengths.shape[-1] + 1)
        strengths = strengths * (f0_hz * numbers < SAMPLE_RATE / 2)
        distribution = strengths / (1e-8 + strengths.sum(dim=-1, keepdim=True))
        return scaled(self.amplitude(hidden)), distribution, scaled(self.noise(hidden))


def upsampled(frames: Tensor) -> Tensor:
    """Linear, so that both systems make the same sound."""
    lines = F.interpolate(frames.transpose(1, 2), scale_factor=float(HOP_LENGTH), mode="linear")
    return lines.transpose(1, 2)


def additive(f0_hz: Tensor, amplitude: Tensor, distribution: Tensor) -> Tensor:
    phase = torch.cumsum(2.0 * math.pi * upsampled(f0_hz) / SAMPLE_RATE, dim=1)
    numbers = torch.arange(1, distribution.shape[-1] + 1)
    return (torch.sin(phase * numbers) * upsampled(distribution) * upsampled(amplitude)).sum(dim=-1)


def subtractive(magnitudes: Tensor) -> Tensor:
    """Each frame's noise through its own zero-phase filter; what rings beyond the frame is dropped."""
    response = torch.fft.irfft(torch.complex(magnitudes, torch.zeros_like(magnitudes)))
    n_taps = response.shape[-1]
    response = response.roll(n_taps // 2, -1) * torch.hann_window(n_taps)
    response = F.pad(response, (0, HOP_LENGTH - n_taps)).roll(-(n_taps // 2), -1)
    noise = torch.rand(*magnitudes.shape[:2], HOP_LENGTH) * 2.0 - 1.0
    return convolved(noise, response).flatten(1)


def convolved(audio: Tensor, response: Tensor) -> Tensor:
    length = audio.shape[-1]
    spectrum = torch.fft.rfft(F.pad(audio, (0, length))) * torch.fft.rfft(F.pad(response, (length, 0)))
    return torch.fft.irfft(spectrum)[..., length:]


def reverb(dry: Tensor, response: Tensor) -> Tensor:
    length = dry.shape[-1]
    padded = F.pad(response, (0, 2 * length - response.shape[-1]))
    return torch.fft.irfft(torch.fft.rfft(F.pad(dry, (0, length))) * torch.fft.rfft(padded))[..., :length]


def multi_scale_loss(output: Tensor, target: Tensor) -> Tensor:
    total = torch.zeros(())
    for window in WINDOWS:
        shape = torch.hann_window(window)
        one, two = (
            torch.stft(audio, window, window // 4, window=shape, return_complex=True).abs()
            for audio in (output, target)
        )
        total = total + (one - two).abs().mean()
        total = total + (torch.log(one + 1e-7) - torch.log(two + 1e-7)).abs().mean()
    return total
