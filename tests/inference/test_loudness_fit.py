from __future__ import annotations

import math

import pytest
import torch

from luthier.dsp.signals import Features
from luthier.errors import RangeError
from luthier.inference.loudness_fit import fit_loudness, is_note, loudness_shift_db, standardise_loudness
from model.small import VIOLIN

QUANTILES = torch.tensor(VIOLIN.loudness_db_quantiles)  # median -30 dB


def frames(loudness_db: list[float], periodicity: list[float]) -> Features:
    level = torch.tensor(loudness_db).view(1, -1, 1)
    return Features(torch.full_like(level, 440.0), torch.tensor(periodicity).view(1, -1, 1), level)


PHRASE = frames([-20.0, -22.0, -24.0, -61.0, -20.0, -80.0], [0.9, 0.9, 0.9, 0.9, 0.1, 0.0])


def test_notes_are_pitched_and_not_far_below_the_loudest() -> None:
    assert is_note(PHRASE).flatten().tolist() == [True, True, True, False, False, False]


def test_the_median_of_the_notes_becomes_the_instruments() -> None:
    shift_db = loudness_shift_db(PHRASE, QUANTILES)
    assert shift_db == pytest.approx(-8.0)
    assert float(fit_loudness(PHRASE, shift_db).loudness_db[is_note(PHRASE)].median()) == pytest.approx(-30.0)


def test_without_notes_there_is_nothing_to_fit() -> None:
    assert loudness_shift_db(frames([-80.0] * 4, [0.0] * 4), QUANTILES) == 0.0


def test_a_shift_keeps_the_dynamics() -> None:
    louder = fit_loudness(PHRASE, 6.0)
    assert torch.allclose(louder.loudness_db - PHRASE.loudness_db, torch.tensor(6.0))
    assert torch.equal(louder.f0_hz, PHRASE.f0_hz)


@pytest.mark.parametrize("shift_db", [math.nan, math.inf])
def test_a_shift_that_is_no_number_is_refused(shift_db: float) -> None:
    with pytest.raises(RangeError, match="finite"):
        fit_loudness(PHRASE, shift_db)


def test_standardising_gives_mean_and_spread_of_the_training_recording() -> None:
    fitted = standardise_loudness(PHRASE, -30.0, 8.0).loudness_db
    assert float(fitted.mean()) == pytest.approx(-30.0, abs=1e-4)
    assert float(fitted.std(correction=0)) == pytest.approx(8.0, abs=1e-4)


@pytest.mark.parametrize("n_frames", [1, 5])
def test_a_constant_level_is_standardised_to_the_mean(n_frames: int) -> None:
    fitted = standardise_loudness(frames([-12.0] * n_frames, [1.0] * n_frames), -30.0, 8.0).loudness_db
    assert fitted.flatten().tolist() == pytest.approx([-30.0] * n_frames)
