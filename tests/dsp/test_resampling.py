from __future__ import annotations

import math

import pytest
import torch

from luthier.dsp.resampling import resample
from reference import difference_db


def sine(frequency_hz: float, rate: int, seconds: float = 0.5) -> torch.Tensor:
    cycles = frequency_hz * torch.arange(int(seconds * rate), dtype=torch.float64) / rate
    return torch.sin(2 * math.pi * cycles).float().unsqueeze(0)


@pytest.mark.parametrize(("from_rate", "to_rate"), [(44100, 16000), (48000, 16000), (16000, 44100), (22050, 24000)])
def test_a_tone_stays_where_it_is_in_time_and_level(from_rate: int, to_rate: int) -> None:
    found, expected = resample(sine(1000, from_rate), from_rate, to_rate), sine(1000, to_rate)
    middle = slice(to_rate // 10, -to_rate // 10)
    assert found.dtype == torch.float32
    assert difference_db(found[0, middle], expected[0, middle]) < -80


def test_what_the_new_rate_cannot_hold_is_removed() -> None:
    found = resample(sine(9000, 44100), 44100, 16000)[0, 1000:-1000]
    assert 20 * math.log10(float(found.abs().max())) < -80


@pytest.mark.parametrize("n_samples", [1, 2, 99, 44100])
def test_length_is_rounded_up(n_samples: int) -> None:
    assert resample(torch.rand(2, n_samples), 44100, 16000).shape == (2, math.ceil(n_samples * 16000 / 44100))


def test_equal_rates_change_nothing() -> None:
    audio = torch.rand(1, 50)
    assert resample(audio, 16000, 16000) is audio
