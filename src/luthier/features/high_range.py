"""Beyond the networks' ceiling of 2 kHz: let them hear the clip at half speed, where it sounds an octave lower.

Where both speeds find a pitch, the spectrum decides: the high one is right if its own harmonics hold nearly
all the energy that the harmonics of the low one collect.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from luthier.dsp.resampling import resample
from luthier.dsp.signals import VOICED_PERIODICITY
from luthier.features.refinement import harmonic_power
from luthier.features.track import TRACKER_RATE, Track

Tracker = Callable[[Tensor, float, float], Track]
"""Function of (audio (n_samples,) at 16 kHz, f0_min_hz, f0_max_hz)."""

CEILING_HZ = 1950.0
"""Up to here every tracker here can answer, with room for its own edge."""

OVERLAP_HZ = 1700.0
"""From here on the slowed clip has a say, so that a glide through the ceiling has no seam."""

WINDOW_SECONDS = 0.032
"""Window of the spectrum that decides."""

CONVINCING_SHARE = 0.8
"""Part of the low pitch's harmonic energy that the high pitch's harmonics must hold."""


def track_any_height(tracker: Tracker, audio: Tensor, f0_min_hz: float, f0_max_hz: float) -> Track:
    """Track a pitch however high: by the tracker alone up to its ceiling, above it with slowed clips.

    Args:
        tracker: what to ask.
        audio: (n_samples,), 16 kHz.
        f0_min_hz: lowest answer wanted, Hz.
        f0_max_hz: highest answer wanted, Hz.

    Returns:
        A track with the tracker's own steps.
    """
    if f0_max_hz <= CEILING_HZ * 1.1:
        return tracker(audio, f0_min_hz, f0_max_hz)
    low = tracker(audio, min(f0_min_hz, OVERLAP_HZ), CEILING_HZ)
    slowed = resample(audio.unsqueeze(0), TRACKER_RATE, 2 * TRACKER_RATE)[0]
    heard = track_any_height(tracker, slowed, max(f0_min_hz, OVERLAP_HZ) / 2, f0_max_hz / 2)
    steps = (2 * torch.arange(len(low.f0_hz))).clamp_max(len(heard.f0_hz) - 1)
    return _merge(audio, low, Track(2 * heard.f0_hz[steps], heard.periodicity[steps], low.step_samples))


def _merge(audio: Tensor, low: Track, high: Track) -> Track:
    """Take the high pitch where it is voiced and the spectrum speaks for it."""
    is_candidate = (high.periodicity >= VOICED_PERIODICITY) & (high.f0_hz >= OVERLAP_HZ)
    chosen = torch.nonzero(is_candidate).squeeze(-1)
    if len(chosen) == 0:
        return low
    centres = (chosen * low.step_samples).clamp_max(len(audio) - 1)
    candidates_hz = torch.stack([low.f0_hz[chosen], high.f0_hz[chosen]], dim=-1)
    power = harmonic_power(audio, candidates_hz, centres, WINDOW_SECONDS, sample_rate=TRACKER_RATE)
    chosen = chosen[power[:, 1] >= CONVINCING_SHARE * power[:, 0]]
    f0_hz, periodicity = low.f0_hz.clone(), low.periodicity.clone()
    f0_hz[chosen], periodicity[chosen] = high.f0_hz[chosen], high.periodicity[chosen]
    return Track(f0_hz, periodicity, low.step_samples)
