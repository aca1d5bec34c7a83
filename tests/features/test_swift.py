from __future__ import annotations

import numpy as np
import pytest
import torch

from features.tones import RATE, glide, steady, tone
from luthier.features import pitch as pitch_module
from luthier.features import swift
from luthier.features.swift import STEP_SAMPLES, track_swift


def test_a_step_describes_the_audio_around_its_own_place() -> None:
    """Errors of a rising and a falling glide cancel only if the steps lie where they should."""
    offsets = []
    for start_hz, end_hz in ((200.0, 600.0), (600.0, 200.0)):
        f0_hz = glide(start_hz, end_hz, 4.0)
        track = track_swift(tone(f0_hz)[0], 50.0, 2000.0)
        place = np.arange(len(track.f0_hz)) * STEP_SAMPLES
        octaves_a_sample = np.log2(end_hz / start_hz) / len(f0_hz)
        offsets.append(np.median((np.log2(track.f0_hz.numpy() / f0_hz[place]) / octaves_a_sample)[10:-10]))
    assert abs(np.mean(offsets)) < 16  # samples: 1 ms


@pytest.mark.parametrize(("low", "high"), [(50.0, 2000.0), (400.0, 401.0), (3000.0, 5000.0), (1.0, 10.0)])
def test_any_range_is_answered_within_the_networks_own(low: float, high: float) -> None:
    track = track_swift(tone(steady(440.0, 0.3))[0], low, high)
    assert (track.f0_hz >= 46).all()
    assert (track.f0_hz <= 2094).all()


def test_silence_and_one_sample_have_no_pitch() -> None:
    for n_samples in (1, 16000):
        track = track_swift(torch.zeros(n_samples), 50.0, 2000.0)
        assert len(track.f0_hz) >= 1
        assert (track.periodicity < 0.5).all()


def test_after_long_audio_its_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pitch_module, "BLOCK_SECONDS", 1)
    audio = torch.sin(torch.arange(RATE * 2) * 0.2).unsqueeze(0)
    measure = {"sample_rate": RATE, "hop_length": 160, "tracker": "swift"}
    pitch_module.track_pitch(audio[:, :RATE], **measure)
    assert swift._network.cache_info().currsize > 0
    pitch_module.track_pitch(audio, **measure)
    assert swift._network.cache_info().currsize == 0
