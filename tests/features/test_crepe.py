from __future__ import annotations

import numpy as np
import pytest
import torch

from features.tones import glide, steady, tone
from luthier.features.crepe import STEP_SAMPLES, rate_pitches, track_crepe_tiny


@pytest.mark.parametrize("hz", [65.0, 220.0, 440.0, 1500.0])
def test_known_pitches_are_found(hz: float) -> None:
    track = track_crepe_tiny(tone(steady(hz, 0.5))[0], 50.0, 2000.0)
    cents = 1200 * torch.log2(track.f0_hz / hz)
    assert cents[2:-2].abs().max() < 20  # the network's own bias; refinement comes later
    assert track.periodicity[2:-2].min() > 0.5


def test_a_step_describes_the_audio_around_its_own_place() -> None:
    offsets = []
    for start_hz, end_hz in ((200.0, 600.0), (600.0, 200.0)):
        f0_hz = glide(start_hz, end_hz)
        track = track_crepe_tiny(tone(f0_hz)[0], 50.0, 2000.0)
        octaves_a_sample = np.log2(end_hz / start_hz) / len(f0_hz)
        wanted = f0_hz[np.arange(len(track.f0_hz)) * STEP_SAMPLES]
        offsets.append(np.median((np.log2(track.f0_hz.numpy() / wanted) / octaves_a_sample)[10:-10]))
    assert abs(np.mean(offsets)) < 16  # samples: 1 ms


def test_only_the_wanted_range_is_answered() -> None:
    track = track_crepe_tiny(tone(steady(440.0, 0.3))[0], 500.0, 1000.0)
    assert ((track.f0_hz >= 500) & (track.f0_hz <= 1000)).all()


def test_silence_is_rated_zero_however_quiet_its_rounding_noise() -> None:
    assert (rate_pitches("tiny", 1e-6 * torch.randn(4000), torch.arange(10)) == 0).all()


def test_only_the_asked_steps_are_rated_and_none_is_allowed() -> None:
    audio = tone(steady(440.0, 0.3))[0]
    every = rate_pitches("tiny", audio, torch.arange(18))
    np.testing.assert_allclose(rate_pitches("tiny", audio, torch.tensor([3, 11])), every[[3, 11]], atol=1e-5)
    assert rate_pitches("tiny", audio, torch.arange(0)).shape == (0, 360)
