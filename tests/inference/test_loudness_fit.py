from __future__ import annotations

import math

import pytest
import torch

from luthier.dsp.signals import Features
from luthier.errors import RangeError
from luthier.inference.loudness_fit import fit_loudness, is_note, match_loudness, raised_db, standardise_loudness
from model.small import VIOLIN

QUANTILES = torch.tensor(VIOLIN.loudness_db_quantiles)  # median -30 dB


def frames(loudness_db: list[float], periodicity: list[float]) -> Features:
    level = torch.tensor(loudness_db).view(1, -1, 1)
    return Features(torch.full_like(level, 440.0), torch.tensor(periodicity).view(1, -1, 1), level)


PHRASE = frames([-20.0, -22.0, -24.0, -61.0, -20.0, -80.0], [0.9, 0.9, 0.9, 0.9, 0.1, 0.0])


def test_notes_are_pitched_and_not_far_below_the_loudest() -> None:
    assert is_note(PHRASE).flatten().tolist() == [True, True, True, False, False, False]


def phrase(lowest_db: float, highest_db: float) -> Features:
    """Notes of all levels between two, evenly, then a rest."""
    levels = torch.linspace(lowest_db, highest_db, 200).tolist() + [-90.0] * 50
    return frames(levels, [0.9] * 200 + [0.0] * 50)


@pytest.mark.parametrize("lowest_db", [-58.0, -54.0])
def test_notes_are_distributed_as_the_instruments(lowest_db: float) -> None:
    """The instrument plays evenly from -50 to -10 dB."""
    matched = match_loudness(phrase(lowest_db, -20.0), QUANTILES).loudness_db.flatten()[:200]
    for share in (0.1, 0.5, 0.9):
        assert float(matched.quantile(share)) == pytest.approx(float(QUANTILES.quantile(share)), abs=0.3)


@pytest.mark.parametrize(("lowest_db", "slope"), [(-22.0, 1.25), (-120.0, 0.8)])
def test_dynamics_are_stretched_and_squeezed_within_limits_around_the_median(lowest_db: float, slope: float) -> None:
    before = frames(torch.linspace(lowest_db, -20.0, 101).tolist(), [0.9] * 101)._replace()
    before = before._replace(loudness_db=before.loudness_db.clamp_min(-59.9)) if slope < 1 else before
    after = match_loudness(before, QUANTILES if slope > 1 else torch.linspace(-31.0, -29.0, 101))
    rises = after.loudness_db.flatten().diff() / before.loudness_db.flatten().diff().clamp_min(1e-9)
    moved = before.loudness_db.flatten().diff() > 0
    assert float(rises[moved].median()) == pytest.approx(slope, abs=0.01)
    assert float(after.loudness_db.median()) == pytest.approx(-30.0, abs=0.01)


def test_rests_are_moved_with_the_quietest_notes_and_order_is_kept() -> None:
    before = phrase(-50.0, -20.0)
    after = match_loudness(before, QUANTILES)
    assert float((after.loudness_db - before.loudness_db)[0, -1]) == pytest.approx(
        float((after.loudness_db - before.loudness_db)[0, 0]), abs=1e-4
    )
    assert (after.loudness_db.flatten()[:200].diff() > 0).all()


def test_how_much_louder_the_notes_became_is_their_median() -> None:
    assert raised_db(PHRASE, match_loudness(PHRASE, QUANTILES)) == pytest.approx(-8.0)
    assert raised_db(frames([-80.0] * 4, [0.0] * 4), frames([-70.0] * 4, [0.0] * 4)) == 0.0


def test_without_notes_there_is_nothing_to_fit() -> None:
    silence = frames([-80.0] * 4, [0.0] * 4)
    assert match_loudness(silence, QUANTILES) is silence


def test_a_single_note_of_one_level_is_only_shifted() -> None:
    assert match_loudness(frames([-20.0] * 9, [1.0] * 9), QUANTILES).loudness_db.flatten().tolist() == [-30.0] * 9


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
