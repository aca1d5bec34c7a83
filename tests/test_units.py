from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from luthier import units


@pytest.mark.parametrize(
    ("convert", "value", "expected"),
    [
        (units.hz_to_midi, 440.0, 69.0),
        (units.hz_to_midi, 261.6255653, 60.0),
        (units.midi_to_hz, 57.0, 220.0),
        (units.hz_to_octaves, 8.0, 3.0),
        (units.octaves_to_hz, 10.0, 1024.0),
        (units.semitones_to_ratio, 12.0, 2.0),
        (units.semitones_to_ratio, -12.0, 0.5),
        (units.ratio_to_cents, 2.0, 1200.0),
        (units.cents_to_ratio, 100.0, 2 ** (1 / 12)),
        (units.power_to_db, 0.1, -10.0),
        (units.power_to_db, 0.0, -200.0),
        (units.db_to_power, -20.0, 0.01),
        (units.amplitude_to_db, 0.1, -20.0),
        (units.amplitude_to_db, 0.0, -200.0),
        (units.db_to_amplitude, 6.0206, 2.0),
        (units.cycles_to_radians, 0.5, math.pi),
    ],
)
def test_known_values_for_numbers_arrays_and_tensors(
    convert: Callable[..., object], value: float, expected: float
) -> None:
    assert convert(value) == pytest.approx(expected, rel=1e-6)
    array = convert(np.array([value, value]))
    assert isinstance(array, np.ndarray)
    assert array == pytest.approx([expected] * 2, rel=1e-6)
    tensor = convert(torch.tensor([value, value], dtype=torch.float64))
    assert isinstance(tensor, torch.Tensor)
    assert tensor.dtype == torch.float64
    assert tensor.tolist() == pytest.approx([expected] * 2, rel=1e-6)


@pytest.mark.parametrize(
    ("there", "back", "low", "high"),
    [
        (units.hz_to_midi, units.midi_to_hz, 8.0, 20000.0),
        (units.hz_to_octaves, units.octaves_to_hz, 8.0, 20000.0),
        (units.ratio_to_cents, units.cents_to_ratio, 0.01, 100.0),
        (units.power_to_db, units.db_to_power, 1e-19, 1e6),
        (units.amplitude_to_db, units.db_to_amplitude, 1e-9, 1e6),
    ],
)
@given(st.floats(0, 1))
def test_there_and_back(
    there: Callable[[float], float], back: Callable[[float], float], low: float, high: float, place: float
) -> None:
    value = low + place * (high - low)
    assert back(there(value)) == pytest.approx(value, rel=1e-9)


@given(st.integers(0, 10**10), st.sampled_from([16000, 22050, 44100, 48000]))
def test_samples_survive_seconds(n_samples: int, sample_rate: int) -> None:
    seconds = units.samples_to_seconds(n_samples, sample_rate)
    assert seconds == n_samples / sample_rate
    assert units.seconds_to_samples(seconds, sample_rate) == n_samples


def test_tensors_keep_their_gradient() -> None:
    power = torch.tensor([0.0, 1.0], requires_grad=True)
    units.power_to_db(power).sum().backward()
    assert power.grad.tolist() == pytest.approx([0.0, 10 / math.log(10)])
