from __future__ import annotations

import numpy as np
import pytest
import torch

from features.tones import RATE, glide, steady, tone, vibrato
from luthier.features import refinement
from luthier.features.refinement import refine


def median_error(f0_hz: np.ndarray, offset_cents: float, rate: int = RATE, noise: float = 0.0) -> float:
    """Median error in cents after refining a pitch that is off."""
    centres = torch.arange(2000, len(f0_hz) - 2000, 160)
    wanted = torch.from_numpy(f0_hz)[centres].float()
    audio = tone(f0_hz, sample_rate=rate, noise=noise)[0]
    rough = wanted * 2 ** (offset_cents / 1200)
    refined = refine(audio, rough, torch.ones(len(centres)), centres, sample_rate=rate)
    return float((1200 * torch.log2(refined / wanted)).abs().median())


@pytest.mark.parametrize("offset_cents", [-20.0, 0.0, 20.0])
@pytest.mark.parametrize("hz", [110.0, 440.0, 1500.0])
def test_a_vibrato_is_exact_to_two_cents(hz: float, offset_cents: float) -> None:
    assert median_error(vibrato(hz), offset_cents) < 2.0


@pytest.mark.parametrize("offset_cents", [-20.0, 20.0])
def test_the_lowest_notes_are_exact_where_they_are_steady(offset_cents: float) -> None:
    assert median_error(steady(52.0, 2.0), offset_cents, noise=0.01) < 2.0


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_a_glide_is_exact_at_other_rates(rate: int) -> None:
    assert median_error(glide(200.0, 800.0, sample_rate=rate), 15.0, rate) < 2.0


def test_some_noise_does_not_hurt() -> None:
    assert median_error(vibrato(440.0), 15.0, noise=0.03) < 2.0


def test_a_pitch_between_two_tried_shifts_is_found() -> None:
    centres = torch.arange(2000, 14000, 160)
    rough = torch.full((len(centres),), 440.0 * 2 ** (-7.5 / 1200))
    refined = refine(tone(steady(440.0))[0], rough, torch.ones(len(centres)), centres, sample_rate=RATE)
    assert (1200 * torch.log2(refined / 440.0)).abs().max() < 0.5  # the tried shifts are 2.5 cents away


@pytest.mark.parametrize("hz", [110.0, 189.0, 221.0, 305.0, 443.0])
def test_a_lone_harmonic_is_not_pulled_onto_a_bin(hz: float) -> None:
    centres = torch.arange(2000, 14000, 160)
    audio = torch.sin(2 * torch.pi * hz * torch.arange(16000, dtype=torch.float64) / RATE).float()
    rough = torch.full((len(centres),), hz * 2 ** (9 / 1200))
    refined = refine(audio, rough, torch.ones(len(centres)), centres, sample_rate=RATE)
    assert (1200 * torch.log2(refined / hz)).abs().max() < 0.5


@pytest.mark.parametrize(("hz", "least"), [(82.0, 0.88), (110.0, 0.92), (220.0, 0.96)])
def test_a_low_vibrato_keeps_its_width(hz: float, least: float) -> None:
    f0_hz = vibrato(hz)
    centres = torch.arange(2000, len(f0_hz) - 2000, 160)
    wanted = torch.from_numpy(f0_hz)[centres].float()
    refined = refine(tone(f0_hz)[0], wanted, torch.ones(len(centres)), centres, sample_rate=RATE)
    assert float((refined / hz).log2().std() / (wanted / hz).log2().std()) > least


def test_no_shift_is_larger_than_thirty_cents() -> None:
    centres = torch.arange(0, 16000, 160)
    rough = torch.full((100,), 440.0 * 2 ** (-100 / 1200))
    refined = refine(tone(steady(440.0))[0], rough, torch.ones(100), centres, sample_rate=RATE)
    assert (1200 * torch.log2(refined / rough)).abs().max() < 30.01


def test_unvoiced_frames_stay_where_they_are() -> None:
    centres, rough = torch.arange(0, 16000, 160), torch.full((100,), 430.0)
    audio = tone(steady(440.0))[0]
    assert (refine(audio, rough, torch.full((100,), 0.1), centres, sample_rate=RATE) == rough).all()
    assert (refine(audio, rough, torch.ones(100), centres, sample_rate=RATE) != rough).all()


def test_long_clips_are_refined_in_pieces_without_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    audio, centres = tone(vibrato(300.0))[0], torch.arange(0, 32000, 160)
    rough, sure = torch.full((200,), 300.0), torch.ones(200)
    whole = refine(audio, rough, sure, centres, sample_rate=RATE)
    monkeypatch.setattr(refinement, "FRAMES_AT_ONCE", 7)
    torch.testing.assert_close(refine(audio, rough, sure, centres, sample_rate=RATE), whole)
