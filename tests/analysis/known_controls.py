"""Controls that move like an instrument's, and the audio they make."""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.dsp.rendering import render_dry
from luthier.dsp.signals import Controls

RATE, HOP = 16000, 160


def known_controls(
    hz: float, n_frames: int = 200, *, n_harmonics: int = 20, noise_gain: float = 0.003, cents: float = 20.0
) -> Controls:
    """A vibrato tone with swelling, falling harmonics over noise that rises towards the treble."""
    time = torch.arange(n_frames) * HOP / RATE
    f0_hz = (hz * 2 ** (cents / 1200 * torch.sin(2 * torch.pi * 5 * time))).view(1, -1, 1)
    strength = torch.arange(1, n_harmonics + 1) ** -1.0 * (f0_hz * torch.arange(1, n_harmonics + 1) < 7500)
    swell = (0.3 + 0.1 * torch.sin(2 * torch.pi * time)).view(1, -1, 1)
    noise = noise_gain * torch.linspace(1.0, 3.0, 65).expand(1, n_frames, 65)
    return Controls(f0_hz, swell, strength / strength.sum(-1, keepdim=True).clamp_min(1e-9), noise)


def render(controls: Controls, seed: int = 0) -> Tensor:
    """(1, n_frames * HOP)."""
    shape = (1, controls.f0_hz.shape[1] * HOP)
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return sum(render_dry(controls, noise, sample_rate=RATE, hop_length=HOP))
