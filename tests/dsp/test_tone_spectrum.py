from __future__ import annotations

import math

import pytest
import torch

from luthier.dsp.signals import Controls
from luthier.dsp.tone_spectrum import BIN_HZ, n_tone_bins, tone_spectrum, tone_spectrum_gain


def tones(f0_hz: float, *amplitudes: float, n_frames: int = 10) -> Controls:
    shares = torch.tensor(amplitudes).expand(1, n_frames, -1)
    ones = torch.ones(1, n_frames, 1)
    return Controls(f0_hz * ones, ones, shares, torch.zeros(1, n_frames, 5))


def test_partials_are_counted_where_they_lie() -> None:
    found = tone_spectrum(tones(441.0, 0.5, 0.0, 0.25), 16000)
    assert len(found) == n_tone_bins(16000)
    assert {BIN_HZ * int(index): float(found[index]) for index in found.nonzero()} == {440: 2.5, 1322: 0.625}


@pytest.mark.parametrize("sample_rate", [11025, 16000, 44100])
@pytest.mark.parametrize("seconds", [0.1, 1.7])
@pytest.mark.parametrize("f0_hz", [221.0, 2501.0])
def test_the_gain_is_that_of_the_room_at_the_tones(sample_rate: int, seconds: float, f0_hz: float) -> None:
    room = torch.zeros(2, int(seconds * sample_rate))
    room[:, 0], room[1, 8] = 1.0, 0.7
    controls = tones(f0_hz, 1.0, 0.5)
    found = tone_spectrum_gain(room, sample_rate, tone_spectrum(controls, sample_rate))
    angles = 2 * math.pi * 8 * f0_hz * torch.tensor([1.0, 2.0]) / sample_rate
    echoed = 1 + 0.7**2 + 2 * 0.7 * torch.cos(angles)
    weights = torch.tensor([1.0, 0.25]) / 1.25
    assert float(found) == pytest.approx(float((weights * (1 + echoed) / 2).sum().sqrt()), rel=0.01)


def test_a_melody_of_silence_has_no_gain() -> None:
    silence = tone_spectrum(tones(440.0, 0.0), 16000)
    assert tone_spectrum_gain(torch.ones(1), 16000, silence).isnan()


def test_partials_beyond_nyquist_do_no_harm() -> None:
    found = tone_spectrum(tones(9000.0, 1.0, 1.0), 16000)
    assert len(found) == n_tone_bins(16000)
