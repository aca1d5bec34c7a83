from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from luthier.dsp.signals import Features
from luthier.inference.pitch_fit import octave_shift, range_hz, shares_outside, shift_pitch
from model.small import VIOLIN, constant_features, joined

QUANTILES = torch.tensor(VIOLIN.f0_octaves_quantiles)  # 200 Hz to 1024 Hz


def melody(*f0_hz: float) -> Features:
    return joined(*(constant_features(f, -20.0, 1) for f in f0_hz), dim=1)


@pytest.mark.parametrize(
    ("f0_hz", "octaves"),
    [((300.0, 400.0), 0), ((110.0, 147.0, 123.0), 1), ((60.0, 80.0), 2), ((2000.0, 1800.0), -1), ((7000.0,), -3)],
)
def test_whole_octaves_bring_notes_into_range(f0_hz: tuple[float, ...], octaves: int) -> None:
    shift = octave_shift(melody(*f0_hz), QUANTILES)
    assert shift == octaves
    assert shares_outside(shift_pitch(melody(*f0_hz), 12 * shift), QUANTILES) == (0, 0)


def test_a_melody_that_fits_as_it_is_stays() -> None:
    assert octave_shift(melody(250.0, 500.0), QUANTILES) == 0


def test_the_majority_decides_and_upwards_is_first() -> None:
    assert octave_shift(melody(110.0, 120.0, 130.0, 900.0), QUANTILES) == 1
    narrow = torch.linspace(8.9, 9.1, 101)  # about 512 Hz
    assert octave_shift(melody(256.0, 1024.0), narrow) == 1


def test_without_notes_nothing_is_shifted() -> None:
    silence = constant_features(0.0, -80.0, 5)
    assert octave_shift(silence, QUANTILES) == 0
    assert shares_outside(silence, QUANTILES) == (0, 0)


def test_a_semitone_beyond_the_range_still_counts_as_inside() -> None:
    low, _ = range_hz(QUANTILES)
    assert shares_outside(melody(low * 0.96), QUANTILES) == (0, 0)
    assert shares_outside(melody(low * 0.92, low), QUANTILES) == (0.5, 0)


def test_the_range_leaves_out_stray_notes() -> None:
    quantiles = torch.full((101,), 9.0)
    quantiles[0], quantiles[-1] = 4.0, 13.0
    assert range_hz(quantiles) == pytest.approx((512.0, 512.0))


@given(st.floats(-24, 24))
def test_shifting_multiplies_every_pitch_and_touches_nothing_else(semitones: float) -> None:
    before = melody(100.0, 200.0)
    after = shift_pitch(before, semitones)
    assert torch.allclose(after.f0_hz, before.f0_hz * 2 ** (semitones / 12))
    assert torch.equal(after.loudness_db, before.loudness_db)
    assert before.f0_hz.flatten().tolist() == [100.0, 200.0]
