"""The fastest tracker: swift-f0, a small network for 47 to 2094 Hz, about 100 times real time on a core."""

from __future__ import annotations

import functools

import numpy as np
import torch
from swift_f0 import SwiftF0
from torch import Tensor

from luthier.features.track import TRACKER_RATE, Track

STEP_SAMPLES = 256
"""Samples at 16 kHz between answers; answer i belongs to sample i * 256 (seen with gliding tones)."""

LOWEST_HZ, HIGHEST_HZ = 46.875, 2093.75
"""What the network can answer."""

NARROWEST_RATIO = 1.05
"""The range asked for must hold at least one of the network's candidates (0.7 semitones apart)."""


def track_swift(audio: Tensor, f0_min_hz: float, f0_max_hz: float) -> Track:
    """Ask swift-f0 for the pitch.

    Args:
        audio: (n_samples,), 16 kHz.
        f0_min_hz: lowest answer wanted, Hz.
        f0_max_hz: highest answer wanted, Hz; what the network cannot reach is left out.

    Returns:
        A track of one step for every 16 ms; confidence 0.5 of the network is `VOICED_PERIODICITY`.

    Source: Nieradzik 2025, "SwiftF0: Fast and Accurate Monophonic Pitch Detection", package swift-f0 (MIT).
    """
    low = min(max(f0_min_hz, LOWEST_HZ), HIGHEST_HZ / NARROWEST_RATIO)
    high = max(min(f0_max_hz, HIGHEST_HZ), low * NARROWEST_RATIO)
    samples = audio.detach().to("cpu", torch.float32).numpy()
    result = _network(torch.get_num_threads()).detect(samples, TRACKER_RATE, low, high)
    pitch = torch.from_numpy(result.pitch_hz.astype(np.float32)).clamp(low, high)
    return Track(pitch, torch.from_numpy(result.confidence.astype(np.float32)), STEP_SAMPLES)


@functools.cache
def _network(n_threads: int) -> SwiftF0:
    """The loaded network: about 20 ms to make, kept for the life of the process."""
    return SwiftF0(threads=n_threads, spin=False)


def release_network() -> None:
    """Give the memory of the loaded network back, some 200 MB after long audio; it is loaded again when needed."""
    _network.cache_clear()
