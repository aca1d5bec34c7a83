"""Sounds whose pitch is known exactly."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

RATE = 16000


def tone(f0_hz: np.ndarray, *, sample_rate: int = RATE, n_harmonics: int = 10, noise: float = 0.0) -> Tensor:
    """(1, n_samples): harmonics falling as 1 / k along a pitch given for every sample."""
    cycles = np.cumsum(f0_hz) / sample_rate
    audio = noise * np.random.default_rng(0).standard_normal(len(f0_hz))
    for number in range(1, n_harmonics + 1):
        audible = number * f0_hz < 0.48 * sample_rate
        audio = audio + 0.1 * audible * np.sin(2 * np.pi * number * cycles + number**2) / number
    return torch.from_numpy(audio.astype(np.float32)).unsqueeze(0)


def steady(hz: float, seconds: float = 1.0, sample_rate: int = RATE) -> np.ndarray:
    return np.full(round(seconds * sample_rate), hz)


def vibrato(hz: float, seconds: float = 2.0, cents: float = 30.0, sample_rate: int = RATE) -> np.ndarray:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    return hz * 2 ** (cents / 1200 * np.sin(2 * np.pi * 5.5 * time))


def glide(start_hz: float, end_hz: float, seconds: float = 2.0, sample_rate: int = RATE) -> np.ndarray:
    return start_hz * (end_hz / start_hz) ** np.linspace(0, 1, round(seconds * sample_rate))


def cents_off(measured_hz: Tensor, f0_hz: np.ndarray, hop_length: int) -> np.ndarray:
    """Signed error of the frames of a measured (1, n_frames, 1) pitch, without 0.1 s at the ends."""
    found = measured_hz[0, :, 0].double().numpy()
    wanted = f0_hz[np.minimum(np.arange(len(found)) * hop_length, len(f0_hz) - 1)]
    edge = max(1, round(len(found) * 0.05))
    return 1200 * np.log2(found / wanted)[edge:-edge]
