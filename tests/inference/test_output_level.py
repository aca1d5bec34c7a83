from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from luthier.errors import RangeError
from luthier.inference.output_level import ProgrammeMeter, gain_for, k_weighting


def tone(seconds: float, rate: int, amplitude: float = 1.0, f0_hz: float = 997.0) -> Tensor:
    time = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    return (amplitude * torch.sin(2 * math.pi * f0_hz * time)).float().unsqueeze(0)


def lufs(audio: Tensor, rate: int, block: int | None = None) -> float:
    meter = ProgrammeMeter(rate)
    for part in audio.split(block or audio.shape[1], dim=1):
        meter.hear(part)
    return meter.lufs


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_a_full_scale_sine_of_997_hz_in_one_channel_is_minus_3_01(rate: int) -> None:
    """The calibration of BS.1770-4, annex 1."""
    assert lufs(tone(5.0, rate), rate) == pytest.approx(-3.01, abs=0.05)


def test_the_same_in_two_channels_is_3_db_louder() -> None:
    assert lufs(tone(5.0, 48000).expand(2, -1), 48000) == pytest.approx(0.0, abs=0.05)


def test_the_filters_at_48_khz_are_those_of_the_recommendation() -> None:
    shelf, high_pass = k_weighting(48000)
    assert shelf == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585], abs=1e-6
    )
    assert high_pass == pytest.approx([1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621], abs=1e-6)


def test_rests_do_not_count() -> None:
    """EBU Tech 3341, cases 3 and 4 in spirit: what is far quieter than the rest is gated away."""
    played = tone(10.0, 16000, 0.1)
    with_rests = torch.cat([tone(5.0, 16000, 1e-4), played, tone(5.0, 16000, 0.01)], dim=1)
    assert lufs(with_rests, 16000) == pytest.approx(lufs(played, 16000), abs=0.15)


@pytest.mark.parametrize("block", [1, 997, 16000])
def test_blocks_measure_the_same(block: int) -> None:
    audio = tone(1.0 if block == 1 else 3.0, 8000, 0.3)
    assert lufs(audio, 8000, block) == pytest.approx(lufs(audio, 8000), abs=1e-6)


def test_silence_is_minus_infinity_and_a_short_sound_is_measured() -> None:
    assert lufs(torch.zeros(1, 16000), 16000) == -math.inf
    assert ProgrammeMeter(16000).lufs == -math.inf
    assert lufs(tone(0.05, 16000), 16000) == pytest.approx(-3.0, abs=1.0)
    assert lufs(1e-5 * tone(3.0, 48000), 48000) == pytest.approx(-103.0, abs=0.1)  # below the gate: it can be raised


def test_the_gain_brings_a_sound_to_its_loudness() -> None:
    audio = tone(3.0, 16000, 0.02)
    gain = gain_for(-18.0, 0.0, measured_lufs=lufs(audio, 16000))
    assert lufs(gain * audio, 16000) == pytest.approx(-18.0, abs=1e-3)
    assert gain_for(None, 6.0, measured_lufs=-3.0) == pytest.approx(10 ** (6 / 20))
    for beyond in (100.1, -500.0, 1e5, math.nan):
        with pytest.raises(RangeError, match="expected -100 to 100"):
            gain_for(None, beyond, measured_lufs=-3.0)
    assert gain_for(-18.0, 6.0, measured_lufs=-math.inf) == pytest.approx(10 ** (6 / 20))


@pytest.mark.parametrize(("wanted", "gain_db"), [(3.0, 0.0), (math.nan, 0.0), (None, math.inf), (None, math.nan)])
def test_levels_that_make_no_sense_are_refused(wanted: float | None, gain_db: float) -> None:
    with pytest.raises(RangeError, match="gain"):
        gain_for(wanted, gain_db, measured_lufs=-20.0)


def test_the_weighting_lets_low_frequencies_count_less() -> None:
    low, high = (lufs(tone(3.0, 48000, f0_hz=f0_hz), 48000) for f0_hz in (40.0, 4000.0))
    assert low < -8
    assert high == pytest.approx(-3.01 + 3.3, abs=0.3)
    assert np.isfinite([low, high]).all()
